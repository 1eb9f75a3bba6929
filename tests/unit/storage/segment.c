// SPDX-License-Identifier: Apache-2.0
#include "segment.h"

#include "faulty_disk.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(segment);

static const struct segment_header header = {
    .identity = "identity 16 byt", .number = 3, .first_sequence = 100, .first_commit = 20};

// V1: every byte of the header counts.
Test(segment, any_changed_byte_of_a_header_is_seen)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    struct segment_header read;
    segment_header_put(bytes, &header);
    cr_assert(eq(int, segment_header_get(bytes, &read), RILL_OK));
    cr_expect(eq(u64, read.number, 3));
    cr_expect(eq(u64, read.first_sequence, 100));
    cr_expect(eq(u64, read.first_commit, 20));
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] ^= 0x10;
        cr_expect(eq(int, segment_header_get(bytes, &read), RILL_ERR_DAMAGED), "byte %zu", at);
        bytes[at] ^= 0x10;
    }
}

// Only a name that would be written again is a segment's.
Test(segment, names_are_sixteen_digits)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(0xAB12, ".seg", name);
    cr_expect(eq(str, name, "000000000000ab12.seg"));
    cr_expect(eq(u64, segment_number_of(name, ".seg"), 0xAB12));
    cr_expect(eq(u64, segment_number_of("000000000000AB12.seg", ".seg"), 0));
    cr_expect(eq(u64, segment_number_of("1.seg", ".seg"), 0));
    cr_expect(eq(u64, segment_number_of("000000000000ab12.seg", ".new"), 0));
    cr_expect(eq(u64, segment_number_of("lock", ".seg"), 0));
}

// Each stream, and each segment of it, counts its seeds from somewhere else.
Test(segment, seeds_differ_by_stream_and_number)
{
    uint8_t other[RILL_STORE_IDENTITY_BYTES] = "another";
    cr_expect(segment_seed(header.identity, 1) != segment_seed(header.identity, 2));
    cr_expect(segment_seed(header.identity, 1) != segment_seed(other, 1));
}

/* Makes a segment on a disk where call `fail_at` fails with `err`; is its name there afterwards? */
static enum segment_outcome make_with_failure(uint64_t fail_at, enum rill_err err, bool *ret_there)
{
    struct faulty_disk disk;
    struct rill_disk *below = sim_disk_create(1);
    struct rill_disk_file *file;
    struct rill_error_text why;
    enum rill_err ret_err;
    size_t len;
    faulty_disk_init(&disk, below);
    cr_assert(eq(int, below->ops->mkdir(below, "s"), RILL_OK));
    struct segment_plan *plan = segment_plan_create(&header, 5, 1, RILL_BYTES("state"));
    disk.fail_at = fail_at;
    disk.err = err;
    const enum segment_outcome outcome = segment_make(&disk.base, "s", plan, 1 << 16, &file, &ret_err, &why);
    if (outcome == SEGMENT_MADE)
        disk.base.ops->close(file);
    else
        cr_expect(eq(int, ret_err, err));
    *ret_there = sim_disk_bytes(below, "s/0000000000000003.seg", &len) != NULL;
    segment_plan_destroy(plan);
    sim_disk_destroy(below);
    return outcome;
}

// Without space a segment is refused and leaves no name; when a sync or a write fails nobody knows, and that
// is said (I5).
Test(segment, making_one_succeeds_or_is_refused_or_has_failed)
{
    enum { UNLINK = 1, OPEN, RESERVE, WRITE, SYNC, RENAME, SYNC_FOLDER, NEVER };
    bool there;
    cr_expect(eq(int, make_with_failure(UNLINK, RILL_ERR_NOT_FOUND, &there), SEGMENT_MADE));
    for (uint64_t call = UNLINK; call <= RENAME; call++) {
        const bool is_sync = call == SYNC;
        cr_expect(eq(int, make_with_failure(call, RILL_ERR_NO_SPACE, &there),
                     is_sync ? SEGMENT_FAILED : SEGMENT_REFUSED));
        cr_expect(not(there), "call %lu", (unsigned long)call);
        cr_expect(eq(int, make_with_failure(call, RILL_ERR_IO, &there), SEGMENT_FAILED));
        cr_expect(not(there), "call %lu", (unsigned long)call);
    }
    cr_expect(eq(int, make_with_failure(SYNC_FOLDER, RILL_ERR_IO, &there), SEGMENT_FAILED));
    cr_expect(eq(int, make_with_failure(RESERVE, RILL_ERR_UNSUPPORTED, &there), SEGMENT_MADE));
    cr_expect(eq(int, make_with_failure(NEVER, RILL_ERR_IO, &there), SEGMENT_MADE));
    cr_expect(there);
}
