// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.h"

enum {
    WORD_MAX = 48,    // longer words get no suggestion
    MISTAKES_MAX = 3, // letters that may be wrong; in short words no more than half of them
};

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance, row by row. Both words are at most WORD_MAX long. */
static size_t edit_distance(struct rill_bytes a, struct rill_bytes b)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            const size_t above = row[j + 1];
            row[j + 1] = smallest(row[j] + 1, above + 1, diagonal + (a.data[i] != b.data[j]));
            diagonal = above;
        }
    }
    return row[b.len];
}

struct rill_suggestion rill_suggestion_for(struct rill_bytes wanted)
{
    size_t leaf_len = 0; // behind the last dot: the blocks around a key were right
    while (leaf_len < wanted.len && wanted.data[wanted.len - 1 - leaf_len] != '.')
        leaf_len++;
    const size_t mistakes = leaf_len / 2 < MISTAKES_MAX ? leaf_len / 2 : MISTAKES_MAX;
    return (struct rill_suggestion){.wanted = wanted, .distance = mistakes + 1};
}

void rill_suggestion_consider(struct rill_suggestion *suggestion, struct rill_bytes candidate)
{
    if (suggestion->wanted.len > WORD_MAX || candidate.len > WORD_MAX)
        return;
    const size_t distance = edit_distance(suggestion->wanted, candidate);
    if (distance >= suggestion->distance)
        return;
    suggestion->distance = distance;
    suggestion->nearest = candidate;
}
