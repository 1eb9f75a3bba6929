// SPDX-License-Identifier: Apache-2.0
//
// The inside of a walk, shared by walk.c (segments and commits) and walk_records.c (what is in them).
#pragma once

#include "catalog.h"
#include "lost.h"
#include "reader.h"
#include "walk.h"

struct walk {
    const struct walk_options *options;
    const struct walk_visitor *visitor;
    const struct catalog *catalog;
    struct walk_result *at;            // the mark behind what was told
    const struct catalog_entry *entry; // the segment being read
    const struct catalog_entry *next;  // the one behind it, NULL for the last
    struct log_reader reader;
    bool begun;               // a segment was read
    bool ended;               // at a torn tail
    bool rewritten;           // this segment, as far as that is known
    struct finding head;      // what is missing in front of the first segment, told at the end
    struct lost head_lost;    // the messages of that
    struct erase_set *erases; // read when the first hole is met
    uint8_t *unpacked;        // what was in the last packed record
    size_t unpacked_capacity;
};

/* A stretch of a segment that is searched for records. */
struct stretch {
    uint64_t from;
    uint64_t to;
    uint64_t commit;       // that its records belong to, 0 when not known
    uint64_t first_commit; // concerned by its holes
    uint64_t last_commit;
    uint64_t limit; // no sequence in it is higher
    uint64_t last;  // the sequence that it ends with, as far as known
    const char *what;
};

enum rill_err walk_tell(const struct walk *walk, const struct finding *finding) RILL_MUST_CHECK;
/* Gives a valid record, or all that are in it when it is a packed one. */
enum rill_err walk_give(struct walk *walk, const struct record *record, uint64_t offset,
                        uint64_t commit) RILL_MUST_CHECK;
/* Sequences up to `last` that are not there were removed, and a rewriting has left them out (W2). */
enum rill_err walk_left_out(struct walk *walk, uint64_t last) RILL_MUST_CHECK;
/* Bytes from `from` to `to` in which no valid record stands. `last`: the sequence in front of what comes next. */
enum rill_err walk_tell_hole(struct walk *walk, const struct stretch *stretch, uint64_t from, uint64_t to,
                             bool zero, uint64_t last) RILL_MUST_CHECK;
/* Gives the records of the stretch and tells of its holes. */
enum rill_err walk_stretch(struct walk *walk, const struct stretch *stretch) RILL_MUST_CHECK;
