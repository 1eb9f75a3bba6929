// SPDX-License-Identifier: Apache-2.0
//
// Making a segment anew, as a store does it: in two jobs, so that what takes long is not what others wait for.
//
//     start ──► [write the new file, sync, read it back] ──► finish: wait
//     start ──► [rename it, sync the folder]             ──► finish: take over its directory
//
// Meanwhile messages of the segment are read, deleted and erased. What was deleted after the first start is in the new file
// still, and is deleted there too (rewrite_swap.c). A load that may have read one file with the other's directory is thrown
// away: its caller reads again.
#pragma once

#include "rewrite_file.h"
#include "store_impl.h"

/* A message of the new file. */
struct rewrite_kept {
    uint32_t index; // sequence - plan.first_sequence
    uint32_t size;  // of its record
};

struct rewrite {
    struct rill_store_job base;
    const char *folder;
    char *path;
    char *new_path;
    struct rewrite_plan plan;
    struct rewrite_written written;
    struct segment_table directory; // of one segment: the new file's
    struct rewrite_kept *kept;      // by sequence
    size_t kept_count;
    bool ready;   // the new file is there, and only has to be renamed
    bool renamed; // it was
};

/* replay_one.c: [blocking] fills `directory` and `kept`, which has room for written.messages. DAMAGED when the file is not
   what was written. */
enum rill_err rewrite_read_back(struct rewrite *rewrite) RILL_MUST_CHECK;

/* rewrite_swap.c: the file is in its place; the segment's directory becomes that of the new one. */
void rewrite_swap(struct rill_store *store, struct segment *segment, struct rewrite *rewrite);
