// SPDX-License-Identifier: Apache-2.0
//
// The functions on subjects against naive ones: over a small alphabet every pattern is expanded to the set of
// literal subjects that it matches, and subset and overlap must say what those sets say.
#include "proto/subject.h"

#include "base/random.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(subject_model);

/* Literal subjects of one to DEPTH tokens from {a, b, c}. One token more than any pattern has, so that a tail
 * shows. */
enum { DEPTH = 5, PATTERN_DEPTH = 4, LITERALS = 3 + 9 + 27 + 81 + 243, TEXT_MAX = 32 };

static char literals[LITERALS][TEXT_MAX];

static void make_literals(void)
{
    int count = 0;
    for (int tokens = 1; tokens <= DEPTH; tokens++) {
        int combinations = 1;
        for (int i = 0; i < tokens; i++)
            combinations *= 3;
        for (int n = 0; n < combinations; n++) {
            char *at = literals[count++];
            for (int i = 0, rest = n; i < tokens; i++, rest /= 3)
                at += sprintf(at, i ? ".%c" : "%c", 'a' + rest % 3);
        }
    }
    cr_assert(eq(int, count, LITERALS));
}

static void random_pattern(struct rill_random *random, char *text)
{
    const uint32_t tokens = 1 + rill_random_below(random, PATTERN_DEPTH);
    for (uint32_t i = 0; i < tokens; i++) {
        const bool last = i + 1 == tokens;
        text += sprintf(text, "%s%c", i ? "." : "", "abc**>"[rill_random_below(random, last ? 6 : 5)]);
    }
}

/* The rule, told once more in another way: token by token on a copy cut with strtok. */
static bool naive_matches(const char *pattern, const char *subject)
{
    char a[TEXT_MAX], b[TEXT_MAX];
    char *save_a, *save_b;
    char *x = strtok_r(strcpy(a, pattern), ".", &save_a);
    char *y = strtok_r(strcpy(b, subject), ".", &save_b);
    while (x && y) {
        if (strcmp(x, ">") == 0)
            return true;
        if (strcmp(x, "*") != 0 && strcmp(x, y) != 0)
            return false;
        x = strtok_r(NULL, ".", &save_a);
        y = strtok_r(NULL, ".", &save_b);
    }
    return !x && !y;
}

// For random patterns, match, subset and overlap agree with the sets of subjects that the patterns stand for.
Test(subject_model, relations_agree_with_the_sets_that_patterns_stand_for)
{
    make_literals();
    const struct seed_range seeds = seed_range(2000);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {.state = seed};
        char a[TEXT_MAX], b[TEXT_MAX];
        random_pattern(&random, a);
        random_pattern(&random, b);
        bool overlap = false, subset = true;
        for (int i = 0; i < LITERALS; i++) {
            const bool in_a = naive_matches(a, literals[i]), in_b = naive_matches(b, literals[i]);
            const bool matches =
                rill_subject_matches(rill_bytes_from_cstr(a), rill_bytes_from_cstr(literals[i]));
            cr_assert(eq(int, matches, in_a), "seed %lu: %s and %s", seed, a, literals[i]);
            overlap |= in_a && in_b;
            subset &= !in_a || in_b;
        }
        const struct rill_bytes view_a = rill_bytes_from_cstr(a), view_b = rill_bytes_from_cstr(b);
        cr_assert(eq(int, rill_subject_overlap(view_a, view_b), overlap), "seed %lu: %s and %s", seed, a, b);
        cr_assert(eq(int, rill_subject_is_subset(view_a, view_b), subset), "seed %lu: %s and %s", seed, a, b);
    }
}
