// SPDX-License-Identifier: Apache-2.0
//
// What the disk in memory has besides what every disk does.
#include "storage/disk.h"

#include "base/random.h"
#include "memory_node.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(disk_memory);

enum { CHUNK = MEMORY_CHUNK_BYTES, FILE_BYTES = 5 * CHUNK };

static struct rill_disk_file *make(struct rill_disk *disk, const char *name)
{
    struct rill_disk_file *file = NULL;
    cr_assert(eq(int, disk->ops->open(disk, name, RILL_DISK_CREATE, &file), RILL_OK));
    return file;
}

static enum rill_err write_at(struct rill_disk_file *file, uint8_t what, size_t len, uint64_t offset,
                              size_t *ret_written)
{
    uint8_t *bytes = malloc(len);
    const struct iovec part = {bytes, len};
    memset(bytes, what, len);
    const enum rill_err err = file->disk->ops->pwritev(file, &part, 1, offset, ret_written);
    free(bytes);
    return err;
}

static void expect_same(struct rill_disk_file *file, const uint8_t *wanted, uint64_t size, uint64_t seed)
{
    uint8_t *read = malloc(FILE_BYTES);
    size_t got = 0;
    uint64_t is = 0;
    cr_assert(eq(int, file->disk->ops->pread(file, read, FILE_BYTES, 0, &got), RILL_OK));
    cr_assert(eq(int, file->disk->ops->size(file, &is), RILL_OK));
    cr_assert(eq(u64, is, size), "seed %lu", (unsigned long)seed);
    cr_assert(eq(sz, got, (size_t)size));
    cr_assert(memcmp(read, wanted, got) == 0, "seed %lu", (unsigned long)seed);
    free(read);
}

static void random_step(struct rill_disk_file *file, struct rill_random *random, uint8_t *wanted,
                        uint64_t *size)
{
    const uint64_t offset = rill_random_below(random, FILE_BYTES);
    const size_t len = rill_random_below(random, (uint32_t)(FILE_BYTES - offset)) + 1;
    const uint8_t what = (uint8_t)(rill_random_below(random, 255) + 1);
    size_t written = 0;
    if (rill_random_chance(random, 1, 3)) {
        cr_assert(eq(int, file->disk->ops->truncate(file, offset), RILL_OK));
        memset(wanted + offset, 0, FILE_BYTES - offset);
        *size = offset;
        return;
    }
    cr_assert(eq(int, write_at(file, what, len, offset, &written), RILL_OK));
    cr_assert(eq(sz, written, len));
    memset(wanted + offset, what, len);
    *size = offset + len > *size ? offset + len : *size;
}

// Writes and cuts at any place and of any length leave a file as they would leave an array.
Test(disk_memory, a_file_is_an_array)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct rill_disk *disk = rill_disk_memory_create(0);
        struct rill_disk_file *file = make(disk, "file");
        struct rill_random random = {seed};
        uint8_t *wanted = calloc(1, FILE_BYTES);
        uint64_t size = 0;
        for (int i = 0; i < 50; i++) {
            random_step(file, &random, wanted, &size);
            expect_same(file, wanted, size, seed);
        }
        free(wanted);
        disk->ops->close(file);
        rill_disk_memory_destroy(disk);
    }
}

// At its maximum the disk has no space; what fits is written, and what is cut off or removed is free again.
Test(disk_memory, the_maximum_is_kept)
{
    struct rill_disk *disk = rill_disk_memory_create(2 * CHUNK);
    struct rill_disk_file *file = make(disk, "file");
    size_t written = 0;
    cr_expect(eq(int, disk->ops->fallocate(file, 2 * CHUNK + 1), RILL_ERR_NO_SPACE));
    cr_expect(eq(int, disk->ops->fallocate(file, 2 * CHUNK), RILL_OK));
    cr_expect(eq(u64, rill_disk_memory_used(disk), 0), "looked at and not taken");
    cr_expect(eq(int, write_at(file, 1, 3 * CHUNK, 0, &written), RILL_OK));
    cr_expect(eq(sz, written, 2 * CHUNK), "as much as there was room for");
    cr_expect(eq(int, write_at(file, 1, 1, 2 * CHUNK, &written), RILL_ERR_NO_SPACE));
    cr_expect(eq(int, disk->ops->truncate(file, CHUNK), RILL_OK));
    cr_expect(eq(int, write_at(file, 1, 1, 2 * CHUNK, &written), RILL_OK));
    cr_expect(eq(u64, rill_disk_memory_used(disk), 2 * CHUNK));
    disk->ops->close(file);
    cr_expect(eq(int, disk->ops->unlink(disk, "file"), RILL_OK));
    cr_expect(eq(u64, rill_disk_memory_used(disk), 0));
    rill_disk_memory_destroy(disk);
}

// An open file outlives its name, and a rename over it, until it is closed.
Test(disk_memory, an_open_file_outlives_its_name)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_disk_file *old = make(disk, "old");
    struct rill_disk_file *new = make(disk, "new");
    size_t count = 0;
    uint8_t byte = 0;
    cr_expect(eq(int, write_at(old, 7, 1, 0, &count), RILL_OK));
    cr_expect(eq(int, disk->ops->rename(disk, "new", "old"), RILL_OK));
    cr_expect(eq(int, disk->ops->unlink(disk, "old"), RILL_OK));
    cr_expect(eq(int, disk->ops->pread(old, &byte, 1, 0, &count), RILL_OK));
    cr_expect(count == 1 && byte == 7);
    cr_expect(eq(u64, rill_disk_memory_used(disk), CHUNK));
    disk->ops->close(old);
    disk->ops->close(new);
    cr_expect(eq(u64, rill_disk_memory_used(disk), 0));
    rill_disk_memory_destroy(disk);
}

// A folder moves with what is in it, but not into itself.
Test(disk_memory, a_folder_moves_with_what_is_in_it)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_disk_file *file = NULL;
    cr_expect(eq(int, disk->ops->mkdir(disk, "a"), RILL_OK));
    cr_expect(eq(int, disk->ops->mkdir(disk, "./a//b"), RILL_OK));
    disk->ops->close(make(disk, "a/b/file"));
    cr_expect(eq(int, disk->ops->rename(disk, "a", "a/b/c"), RILL_ERR_INVALID));
    cr_expect(eq(int, disk->ops->rename(disk, "/a/b", "c"), RILL_OK));
    cr_expect(eq(int, disk->ops->open(disk, "c/file", RILL_DISK_READ, &file), RILL_OK));
    disk->ops->close(file);
    cr_expect(eq(int, disk->ops->open(disk, "a/b/file", RILL_DISK_READ, &file), RILL_ERR_NOT_FOUND));
    rill_disk_memory_destroy(disk);
}
