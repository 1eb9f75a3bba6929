// SPDX-License-Identifier: Apache-2.0
//
// Writes a new log out of records that keep their sequences and times. It is what the store would have written, but for
// one thing: where sequences are missing, the next commit simply has a higher one (I9), so that the loss stays known.
// Where a rewriting has left sequences out, all commits are merged ones, of one commit each, so that these do not seem lost.
//
// Everything is written to a folder that no broker looks at, synced, and then named: a salvage that ends in the middle
// leaves nothing that could be taken for a stream.
#pragma once

#include "segment.h"

struct salvage_log;

/* Makes "<folder>.part". EXISTS when it or `folder` is there already. `checkpoint` is the state to start from. */
enum rill_err salvage_log_create(struct rill_disk *disk, const char *folder, bool merged,
                                 struct rill_bytes checkpoint, struct salvage_log **ret_log,
                                 struct rill_error_text *why) RILL_MUST_CHECK;
/* Sequences up to `last` were removed and left out; only of a log with merged commits. */
enum rill_err salvage_log_leave_out(struct salvage_log *log, uint64_t last) RILL_MUST_CHECK;
/* Adds a message, an erased record, a delete, a purge or an event. Their sequences never go back. */
enum rill_err salvage_log_add(struct salvage_log *log, const struct record *record) RILL_MUST_CHECK;
/* Ends the segment and begins the next one with this checkpoint. */
enum rill_err salvage_log_next_segment(struct salvage_log *log,
                                       const struct record *checkpoint) RILL_MUST_CHECK;
/* Marks the end of the log behind `last_sequence`, syncs, and gives the folder its name. */
enum rill_err salvage_log_finish(struct salvage_log *log, uint64_t last_sequence) RILL_MUST_CHECK;
/* Frees; what was not finished is removed from the disk. NULL is fine. */
void salvage_log_destroy(struct salvage_log *log);
