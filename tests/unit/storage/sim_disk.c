// SPDX-License-Identifier: Apache-2.0
//
// The simulated disk is what the crash tests stand on, so it is tested itself.
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(sim_disk);

enum { SECTORS = 4 };

static struct rill_disk_file *make(struct rill_disk *disk)
{
    struct rill_disk_file *file = NULL;
    cr_assert(eq(int, disk->ops->open(disk, "file", RILL_DISK_CREATE, &file), RILL_OK));
    return file;
}

static void write_all(struct rill_disk_file *file, char what)
{
    char bytes[SECTORS * SIM_SECTOR_BYTES];
    const struct iovec part = {bytes, sizeof bytes};
    size_t written;
    memset(bytes, what, sizeof bytes);
    cr_assert(eq(int, file->disk->ops->pwritev(file, &part, 1, 0, &written), RILL_OK));
}

// What was synced, data and name, is there after every crash.
Test(sim_disk, what_was_synced_survives)
{
    for (uint64_t seed = 1; seed < 50; seed++) {
        struct rill_disk *disk = sim_disk_create(seed);
        struct rill_disk_file *file = make(disk);
        size_t len = 0;
        write_all(file, 'a');
        cr_assert(eq(int, disk->ops->fdatasync(file), RILL_OK));
        cr_assert(eq(int, disk->ops->sync_folder(disk, "."), RILL_OK));
        sim_disk_crash(disk);
        cr_expect(eq(int, disk->ops->fdatasync(file), RILL_ERR_IO), "the power is off");
        disk->ops->close(file);
        sim_disk_restart(disk);
        const uint8_t *bytes = sim_disk_bytes(disk, "file", &len);
        cr_assert(bytes && len == SECTORS * SIM_SECTOR_BYTES);
        cr_expect(bytes[0] == 'a' && bytes[len - 1] == 'a');
        sim_disk_destroy(disk);
    }
}

// What was not synced may be there or not, each sector and each name on its own: over many seeds every case
// comes up.
Test(sim_disk, what_was_not_synced_may_be_torn)
{
    int old = 0, new = 0, torn = 0, nameless = 0;
    for (uint64_t seed = 1; seed < 400; seed++) {
        struct rill_disk *disk = sim_disk_create(seed);
        struct rill_disk_file *file = make(disk);
        size_t len = 0, news = 0;
        write_all(file, 'a');
        cr_assert(eq(int, disk->ops->fdatasync(file), RILL_OK));
        write_all(file, 'b');
        sim_disk_crash(disk);
        disk->ops->close(file);
        sim_disk_restart(disk);
        const uint8_t *bytes = sim_disk_bytes(disk, "file", &len);
        for (size_t i = 0; bytes && i < SECTORS; i++) {
            news += bytes[i * SIM_SECTOR_BYTES] == 'b';
            cr_expect(eq(int, bytes[i * SIM_SECTOR_BYTES], bytes[(i + 1) * SIM_SECTOR_BYTES - 1]),
                      "a sector is whole");
        }
        nameless += !bytes;
        old += bytes && news == 0;
        new += bytes &&news == SECTORS;
        torn += bytes && news > 0 && news < SECTORS;
        sim_disk_destroy(disk);
    }
    cr_expect(old > 0 && new > 0 && torn > 100 && nameless > 100);
}

// A crash may come in a chosen operation, which fails; a sync that it interrupts has done nothing for
// certain.
Test(sim_disk, a_crash_comes_where_it_was_ordered)
{
    struct rill_disk *disk = sim_disk_create(3);
    struct rill_disk_file *file = make(disk);
    sim_disk_crash_at(disk, 2);
    write_all(file, 'a');
    cr_expect(not(sim_disk_is_off(disk)));
    cr_expect(eq(int, disk->ops->fdatasync(file), RILL_ERR_IO));
    cr_expect(sim_disk_is_off(disk));
    disk->ops->close(file);
    sim_disk_destroy(disk);
}

// Above its capacity the disk has no space, and what is there stays.
Test(sim_disk, a_full_disk_has_no_space)
{
    struct rill_disk *disk = sim_disk_create(3);
    struct rill_disk_file *file = make(disk);
    sim_disk_set_capacity(disk, SECTORS * SIM_SECTOR_BYTES);
    cr_expect(eq(int, disk->ops->fallocate(file, SECTORS * SIM_SECTOR_BYTES + 1), RILL_ERR_NO_SPACE));
    write_all(file, 'a');
    cr_expect(eq(int, disk->ops->fallocate(file, SECTORS * SIM_SECTOR_BYTES), RILL_OK));
    cr_expect(eq(u64, sim_disk_used(disk), SECTORS * SIM_SECTOR_BYTES));
    disk->ops->close(file);
    sim_disk_destroy(disk);
}
