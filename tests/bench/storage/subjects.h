// SPDX-License-Identifier: Apache-2.0
//
// Which subject each message of a benchmark has, as a function of its sequence, so that answers can be checked. The texts are
// made in front: making one costs as much as appending a message.
#pragma once

#include "base/bytes.h"

enum { SUBJECTS_WILD = 1000, SUBJECTS_TEXT_MAX = 32 };

struct subjects {
    char (*texts)[SUBJECTS_TEXT_MAX]; // a.b.c
    uint32_t count;
    bool mixed; // some messages have the subjects that filters are to match
};

/* What a filter matches: each message whose sequence has this remainder. */
struct subjects_filter {
    const char *pattern;
    uint64_t period;
    uint64_t remainder;
};

enum { SUBJECTS_FILTERS = 6 };
extern const struct subjects_filter subjects_filters[SUBJECTS_FILTERS];

/* The subject of a number. */
void subjects_text(uint32_t number, char ret[SUBJECTS_TEXT_MAX]);

/* Ends the program when there is no memory. */
void subjects_init(struct subjects *subjects, uint32_t count, bool mixed);
void subjects_fini(struct subjects *subjects);
/* The view lives until the next call. */
struct rill_bytes subjects_of(struct subjects *subjects, uint64_t sequence);
