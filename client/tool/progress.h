// SPDX-License-Identifier: Apache-2.0
//
// How far something has come: a line on the terminal behind standard error that is drawn anew a few times a second.
// Where there is no terminal nothing is drawn.
#pragma once

#include "show.h"

struct progress {
    const char *what;
    enum show_kind kind; // SHOW_BYTES or SHOW_COUNT
    uint64_t total;      // 0: not known
    uint64_t done;
    int64_t begun_ns;
    int64_t drawn_ns;
    bool visible;
};

void progress_begin(struct progress *progress, const char *what, enum show_kind kind, uint64_t total);
void progress_update(struct progress *progress, uint64_t done);
/* Draws it a last time, and ends the line. */
void progress_end(struct progress *progress);
