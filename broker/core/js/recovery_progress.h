// SPDX-License-Identifier: Apache-2.0
//
// How far the streams have come that are read back at the start: told in the log when it begins, now and then, and when
// all are ready. Loop thread only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rill_core;

/* Above so many streams they are told together, not one by one. */
enum { RECOVERIES_TOLD_MAX = 100 };

struct recovery_progress {
    uint32_t streams; // that were found
    uint32_t done;    // of them, whatever came out
    uint32_t failed;  // of those done
    uint64_t messages;
    int64_t began_ns; // monotonic, as the next
    int64_t told_ns;
};

void recovery_progress_begin(struct recovery_progress *progress, struct rill_core *core, uint32_t streams);
/* One more is done, with so many messages read. */
void recovery_progress_done(struct recovery_progress *progress, struct rill_core *core, bool failed,
                            uint64_t messages);
