// SPDX-License-Identifier: Apache-2.0
//
// What a disk must do: the same cases over the real one, the one in memory and the simulated one.
#include "storage/disk.h"

#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(disk);

struct place {
    struct rill_disk *disk;
    char folder[64];
};

static void each_disk(void (*check)(struct place *place))
{
    struct place real = {.disk = rill_disk_real(), .folder = "/tmp/rill-disk-XXXXXX"};
    struct place memory = {.disk = rill_disk_memory_create(1 << 20), .folder = "/a/f"};
    struct place sim = {.disk = sim_disk_create(1), .folder = "f"};
    cr_assert(mkdtemp(real.folder) != NULL);
    cr_assert(eq(int, sim.disk->ops->mkdir(sim.disk, sim.folder), RILL_OK));
    cr_assert(eq(int, memory.disk->ops->mkdir(memory.disk, "/a"), RILL_OK));
    cr_assert(eq(int, memory.disk->ops->mkdir(memory.disk, memory.folder), RILL_OK));
    check(&real);
    check(&memory);
    check(&sim);
    cr_expect(eq(int, real.disk->ops->rmdir(real.disk, real.folder), RILL_OK), "the check left something");
    cr_expect(eq(int, memory.disk->ops->rmdir(memory.disk, memory.folder), RILL_OK), "so did it in memory");
    cr_expect(eq(u64, rill_disk_memory_used(memory.disk), 0));
    rill_disk_memory_destroy(memory.disk);
    sim_disk_destroy(sim.disk);
}

static const char *in(const struct place *place, const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", place->folder, name);
    return path;
}

static struct rill_disk_file *make(struct place *place, const char *name)
{
    struct rill_disk_file *file = NULL;
    cr_assert(
        eq(int, place->disk->ops->open(place->disk, in(place, name), RILL_DISK_CREATE, &file), RILL_OK));
    return file;
}

static void check_bytes(struct place *place)
{
    const struct rill_disk_ops *ops = place->disk->ops;
    struct rill_disk_file *file = make(place, "bytes");
    char one[] = "ab", two[] = "cd", read[16];
    const struct iovec parts[] = {{one, 2}, {two, 2}};
    size_t count;
    uint64_t size;
    cr_expect(eq(int, ops->pwritev(file, parts, 2, 3, &count), RILL_OK));
    cr_expect(eq(sz, count, 4));
    cr_expect(eq(int, ops->fallocate(file, 100), RILL_OK));
    cr_expect(eq(int, ops->fallocate(file, 50), RILL_OK), "never shortens");
    cr_expect(eq(int, ops->size(file, &size), RILL_OK));
    cr_expect(eq(u64, size, 100));
    cr_expect(eq(int, ops->pread(file, read, 9, 0, &count), RILL_OK));
    cr_expect(eq(int, memcmp(read, "\0\0\0abcd\0\0", 9), 0));
    cr_expect(eq(int, ops->pread(file, read, 9, 100, &count), RILL_OK));
    cr_expect(eq(sz, count, 0), "at the end");
    cr_expect(eq(int, ops->truncate(file, 5), RILL_OK));
    cr_expect(eq(int, ops->fallocate(file, 9), RILL_OK));
    cr_expect(eq(int, ops->fdatasync(file), RILL_OK));
    cr_expect(eq(int, ops->pread(file, read, 9, 0, &count), RILL_OK));
    cr_expect(eq(int, memcmp(read, "\0\0\0ab\0\0\0\0", 9), 0), "what was cut off is zero");
    ops->close(file);
    cr_expect(eq(int, ops->unlink(place->disk, in(place, "bytes")), RILL_OK));
}

// Bytes are where they were written, what was never written or was cut off is zero, and a reservation only
// lengthens.
Test(disk, bytes_are_where_they_were_written)
{
    each_disk(check_bytes);
}

static void check_names(struct place *place)
{
    struct rill_disk *disk = place->disk;
    struct rill_disk_file *file = NULL;
    cr_expect(eq(int, disk->ops->open(disk, in(place, "a"), RILL_DISK_WRITE, &file), RILL_ERR_NOT_FOUND));
    disk->ops->close(make(place, "a"));
    cr_expect(eq(int, disk->ops->open(disk, in(place, "a"), RILL_DISK_CREATE, &file), RILL_ERR_EXISTS));
    cr_expect(eq(int, disk->ops->rename(disk, in(place, "a"), in(place, "b")), RILL_OK));
    cr_expect(eq(int, disk->ops->open(disk, in(place, "a"), RILL_DISK_READ, &file), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, disk->ops->mkdir(disk, place->folder), RILL_ERR_EXISTS));
    cr_expect(eq(int, disk->ops->mkdir(disk, in(place, "no/where")), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, disk->ops->sync_folder(disk, place->folder), RILL_OK));
    cr_expect(disk->ops->rmdir(disk, place->folder) != RILL_OK, "not empty");
    cr_expect(eq(int, disk->ops->unlink(disk, in(place, "b")), RILL_OK));
    cr_expect(eq(int, disk->ops->unlink(disk, in(place, "b")), RILL_ERR_NOT_FOUND));
}

// Names come and go one by one, and the errors say why not.
Test(disk, names_come_and_go)
{
    each_disk(check_names);
}

static enum rill_err count_name(void *context, const char *name, bool is_folder)
{
    int *count = context;
    *count += is_folder ? 100 : 1;
    return *count > 1000 ? RILL_ERR_LIMIT : RILL_OK;
}

static void check_list(struct place *place)
{
    struct rill_disk *disk = place->disk;
    int count = 0;
    disk->ops->close(make(place, "one"));
    disk->ops->close(make(place, "two"));
    cr_expect(eq(int, disk->ops->mkdir(disk, in(place, "three")), RILL_OK));
    cr_expect(eq(int, disk->ops->list(disk, place->folder, count_name, &count), RILL_OK));
    cr_expect(eq(int, count, 102));
    count = 999;
    cr_expect(eq(int, disk->ops->list(disk, place->folder, count_name, &count), RILL_ERR_LIMIT));
    cr_expect(eq(int, disk->ops->list(disk, in(place, "four"), count_name, &count), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, disk->ops->unlink(disk, in(place, "one")), RILL_OK));
    cr_expect(eq(int, disk->ops->unlink(disk, in(place, "two")), RILL_OK));
    cr_expect(eq(int, disk->ops->rmdir(disk, in(place, "three")), RILL_OK));
}

// A listing names files and folders, and ends when the visitor says so.
Test(disk, a_listing_names_everything)
{
    each_disk(check_list);
}

static void check_lock(struct place *place)
{
    struct rill_disk *disk = place->disk;
    struct rill_disk_file *first = NULL, *second = NULL;
    cr_assert(eq(int, disk->ops->lock(disk, in(place, "lock"), &first), RILL_OK));
    cr_expect(eq(int, disk->ops->lock(disk, in(place, "lock"), &second), RILL_ERR_LOCKED));
    disk->ops->close(first);
    cr_assert(eq(int, disk->ops->lock(disk, in(place, "lock"), &second), RILL_OK));
    disk->ops->close(second);
    cr_expect(eq(int, disk->ops->unlink(disk, in(place, "lock")), RILL_OK));
}

// A lock is held by one at a time, and free again when it is closed.
Test(disk, a_lock_has_one_holder)
{
    each_disk(check_lock);
}
