// SPDX-License-Identifier: Apache-2.0
#include "io.h"

#include "faulty_disk.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(io);

// However few bytes a disk takes at a time, all parts arrive in order, and are read again whole.
Test(io, partial_transfers_add_up)
{
    char text[] = "orders", more[] = "", last[] = ".new.eu";
    char read[32];
    size_t got;
    for (uint64_t max = 0; max < 9; max++) {
        struct faulty_disk disk;
        struct rill_disk *below = sim_disk_create(1);
        struct rill_disk_file *file;
        faulty_disk_init(&disk, below);
        disk.write_max = max;
        cr_assert(eq(int, disk.base.ops->open(&disk.base, "f", RILL_DISK_CREATE, &file), RILL_OK));
        struct iovec parts[] = {{text, 6}, {more, 0}, {last, 7}, {more, 0}};
        cr_assert(eq(int, io_write_all(file, parts, 4, 5), RILL_OK));
        cr_assert(eq(int, io_read_all(file, read, sizeof read, 5, &got), RILL_OK));
        cr_expect(eq(sz, got, 13));
        cr_expect(eq(int, memcmp(read, "orders.new.eu", 13), 0));
        disk.base.ops->close(file);
        sim_disk_destroy(below);
    }
}

// A path's parent is what stands before its last slash; nothing is above the root or outside of the working
// folder.
Test(io, parents)
{
    static const char *const pairs[][2] = {{"a/b/c", "a/b"}, {"a", "."}, {"/a", "/"}, {"/", "/"}};
    for (size_t i = 0; i < 4; i++) {
        char *parent = io_parent(pairs[i][0]);
        cr_expect(eq(str, parent, (char *)pairs[i][1]));
        free(parent);
    }
}
