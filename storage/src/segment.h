// SPDX-License-Identifier: Apache-2.0
//
// Segment files: names, headers, and making a new one. docs/STORAGE-FORMAT.md, "A segment".
#pragma once

#include "base/buf.h"
#include "record.h"

enum {
    SEGMENT_VERSION = 1,           // the recipe for raising it is at the end of the format's page
    SEGMENT_VERSION_REWRITTEN = 2, // of a segment that was rewritten
    SEGMENT_VERSION_PACKED = 3,    // and compressed
    SEGMENT_HEADER_BYTES = 64,
    SEGMENT_COPY_OFFSET = 4096,
    SEGMENT_FIRST_OFFSET = 8192, // of the first commit
    SEGMENT_NAME_BYTES = 23,     // "0000000000000001.spare" and a NUL
};

#define SPARE_SUFFIX ".spare"

struct segment_header {
    uint32_t version;   // 0 stands for SEGMENT_VERSION when it is put
    uint32_t rewritten; // how often; 0 only of that version
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    uint64_t number;
    uint64_t first_sequence;
    uint64_t first_commit;
};

void segment_header_put(uint8_t at[SEGMENT_HEADER_BYTES], const struct segment_header *header);
/* DAMAGED when it is not valid (V1, V3 without the name), UNSUPPORTED for a higher version (V2). */
enum rill_err segment_header_get(const uint8_t at[SEGMENT_HEADER_BYTES],
                                 struct segment_header *ret) RILL_MUST_CHECK;

/* What the seeds of a segment's records are counted from. */
uint64_t segment_seed(const uint8_t identity[RILL_STORE_IDENTITY_BYTES], uint64_t number);

void segment_name(uint64_t number, const char *suffix, char ret_name[SEGMENT_NAME_BYTES]);
/* The number in "<16 digits>.seg" with this suffix, 0 when the name is another. */
uint64_t segment_number_of(const char *name, const char *suffix);
char *segment_path(const char *folder, uint64_t number);
/* Of a spare, which has a number of its own. */
char *spare_file_path(const char *folder, uint64_t number);

/* A segment that is to be made: its header and its first commit, ready to be written. */
struct segment_plan {
    struct segment_header header;
    uint8_t pages[SEGMENT_FIRST_OFFSET]; // both headers
    uint64_t floor;
    struct rill_buf commit; // with the checkpoint, and the floor unless that is 1 (R1)
};

/* NULL when memory is out. `sequence` and `time_ns` are those before the segment. */
struct segment_plan *segment_plan_create(const struct segment_header *header, int64_t time_ns, uint64_t floor,
                                         struct rill_bytes checkpoint);
void segment_plan_destroy(struct segment_plan *plan);

static inline uint64_t segment_plan_end(const struct segment_plan *plan)
{
    return SEGMENT_FIRST_OFFSET + plan->commit.len;
}

enum segment_outcome {
    SEGMENT_MADE,    // the file is there for good
    SEGMENT_REFUSED, // nothing happened, it may be tried again
    SEGMENT_FAILED,  // nobody knows what is on the disk
};

/* [blocking] Writes and syncs the segment, in the file of the spare with this number if there is one (0: none), then gives
   it its name and syncs the folder (I5). *ret_file is set when it was made; *ret_err and `why` when it was not. */
enum segment_outcome segment_make(struct rill_disk *disk, const char *folder, const struct segment_plan *plan,
                                  uint64_t spare, uint64_t reserve_bytes, struct rill_disk_file **ret_file,
                                  enum rill_err *ret_err, struct rill_error_text *why);
