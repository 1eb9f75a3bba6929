// SPDX-License-Identifier: Apache-2.0
#include "subjects.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

const struct subjects_filter subjects_filters[SUBJECTS_FILTERS] = {
    {"ten.literal", 10, 0},        {"ten.*.w", 10, 1},       {"few.literal", 10000, 2}, {"few.*.w", 10000, 3},
    {"rare.literal", 10000000, 4}, {"rarer.>", 10000000, 5},
};

void subjects_text(uint32_t number, char ret[SUBJECTS_TEXT_MAX])
{
    (void)snprintf(ret, SUBJECTS_TEXT_MAX, "t%u.g%u.s%u", number % 10, number % 100, number);
}

void subjects_init(struct subjects *subjects, uint32_t count, bool mixed)
{
    *subjects = (struct subjects){.count = count ? count : 1, .mixed = mixed};
    subjects->texts = rill_alloc_zero(subjects->count, sizeof subjects->texts[0]);
    for (uint32_t i = 0; i < subjects->count; i++)
        subjects_text(i, subjects->texts[i]);
}

void subjects_fini(struct subjects *subjects)
{
    free(subjects->texts);
}

/* The subject of a message that a filter is for. */
static struct rill_bytes matched(const struct subjects_filter *filter, uint64_t sequence)
{
    static char text[SUBJECTS_TEXT_MAX];
    const char *wild = filter->pattern + strcspn(filter->pattern, "*>");
    if (!*wild)
        return rill_bytes_from_cstr(filter->pattern);
    (void)snprintf(text, sizeof text, "%.*s%lu.w", (int)(wild - filter->pattern), filter->pattern,
                   (unsigned long)(sequence / filter->period % SUBJECTS_WILD));
    return rill_bytes_from_cstr(text);
}

struct rill_bytes subjects_of(struct subjects *subjects, uint64_t sequence)
{
    for (size_t i = 0; subjects->mixed && i < SUBJECTS_FILTERS; i++) {
        const struct subjects_filter *filter = &subjects_filters[i];
        if (sequence % filter->period == filter->remainder)
            return matched(filter, sequence);
    }
    const uint64_t spread = sequence * UINT64_C(0x9E3779B97F4A7C15) >> 20;
    return rill_bytes_from_cstr(subjects->texts[spread % subjects->count]);
}
