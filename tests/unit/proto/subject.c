// SPDX-License-Identifier: Apache-2.0
#include "proto/subject.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(subject);

static const struct {
    struct rill_bytes subject;
    bool valid;
    bool literal;
    const char *why;
} validity[] = {
    {RILL_BYTES("orders"), true, true, "one token"},
    {RILL_BYTES("orders.new.eu"), true, true, "three tokens"},
    {RILL_BYTES("orders.*"), true, false, "a star is a wildcard"},
    {RILL_BYTES(">"), true, false, "everything"},
    {RILL_BYTES("orders.>"), true, false, "a tail"},
    {RILL_BYTES("orders.>.new"), false, false, "a tail must be last"},
    {RILL_BYTES("orders.a*"), true, true, "a star inside a token is an ordinary character"},
    {RILL_BYTES("orders.>a.b"), true, true, "so is a greater-than"},
    {RILL_BYTES(""), false, false, "empty"},
    {RILL_BYTES("."), false, false, "two empty tokens"},
    {RILL_BYTES("orders..new"), false, false, "an empty token"},
    {RILL_BYTES(".orders"), false, false, "an empty first token"},
    {RILL_BYTES("orders."), false, false, "an empty last token"},
    {RILL_BYTES("or ders"), false, false, "a space"},
    {RILL_BYTES("orders\tnew"), false, false, "a tab"},
    {RILL_BYTES("orders\0new"), true, true, "a NUL is an ordinary character"},
};

// A subject is tokens without blanks, joined by single dots, with wildcards only as whole tokens.
Test(subject, validity_follows_the_token_rules)
{
    for (size_t i = 0; i < sizeof validity / sizeof validity[0]; i++) {
        cr_expect(eq(int, rill_subject_is_valid(validity[i].subject), validity[i].valid), "%s",
                  validity[i].why);
        cr_expect(eq(int, rill_subject_is_literal(validity[i].subject), validity[i].literal), "%s",
                  validity[i].why);
    }
}

static const struct {
    struct rill_bytes pattern;
    struct rill_bytes subject;
    bool matches;
    const char *why;
} matching[] = {
    {RILL_BYTES("a.b"), RILL_BYTES("a.b"), true, "equal"},
    {RILL_BYTES("a.b"), RILL_BYTES("a.c"), false, "another token"},
    {RILL_BYTES("a"), RILL_BYTES("a.b"), false, "a prefix is not a match"},
    {RILL_BYTES("a.b"), RILL_BYTES("a"), false, "nor is a longer pattern"},
    {RILL_BYTES("a.*"), RILL_BYTES("a.b"), true, "a star takes one token"},
    {RILL_BYTES("a.*"), RILL_BYTES("a.b.c"), false, "and no more than one"},
    {RILL_BYTES("a.*"), RILL_BYTES("a"), false, "and no less"},
    {RILL_BYTES("*.b"), RILL_BYTES("a.b"), true, "also in front"},
    {RILL_BYTES(">"), RILL_BYTES("a"), true, "a tail takes one token"},
    {RILL_BYTES("a.>"), RILL_BYTES("a.b.c"), true, "or many"},
    {RILL_BYTES("a.>"), RILL_BYTES("a"), false, "but not none"},
    {RILL_BYTES("a.*.>"), RILL_BYTES("a.b.c.d"), true, "both kinds together"},
    {RILL_BYTES("a.b"), RILL_BYTES("a.*"), false, "wildcards in the subject are ordinary characters"},
    {RILL_BYTES("a.*.b"), RILL_BYTES("a..b"), true, "an empty token is a token"},
};

// A star stands for exactly one token, a greater-than for one or more at the end.
Test(subject, star_matches_exactly_one_token_and_tail_one_or_more)
{
    for (size_t i = 0; i < sizeof matching / sizeof matching[0]; i++)
        cr_expect(
            eq(int, rill_subject_matches(matching[i].pattern, matching[i].subject), matching[i].matches),
            "%s", matching[i].why);
}

static const struct {
    struct rill_bytes a;
    struct rill_bytes b;
    bool overlap;
    bool a_in_b;
    const char *why;
} relations[] = {
    {RILL_BYTES("a.b"), RILL_BYTES("a.b"), true, true, "equal"},
    {RILL_BYTES("a.b"), RILL_BYTES("a.*"), true, true, "a literal in a star"},
    {RILL_BYTES("a.*"), RILL_BYTES("a.b"), true, false, "a star is more than a literal"},
    {RILL_BYTES("a.*"), RILL_BYTES("*.b"), true, false, "they share a.b"},
    {RILL_BYTES("a.*.c"), RILL_BYTES("a.>"), true, true, "a tail holds them"},
    {RILL_BYTES("a.>"), RILL_BYTES("a.*"), true, false, "a tail is more than a star"},
    {RILL_BYTES("a.>"), RILL_BYTES("a"), false, false, "a tail needs one more token"},
    {RILL_BYTES("a.>"), RILL_BYTES(">"), true, true, "everything holds all"},
    {RILL_BYTES("a.b"), RILL_BYTES("a.c"), false, false, "different literals"},
    {RILL_BYTES("a.*"), RILL_BYTES("a.*.c"), false, false, "different lengths"},
};

// Overlap is symmetric, and a subset always overlaps.
Test(subject, overlap_and_subset_follow_what_the_patterns_match)
{
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        cr_expect(eq(int, rill_subject_overlap(relations[i].a, relations[i].b), relations[i].overlap), "%s",
                  relations[i].why);
        cr_expect(eq(int, rill_subject_overlap(relations[i].b, relations[i].a), relations[i].overlap), "%s",
                  relations[i].why);
        cr_expect(eq(int, rill_subject_is_subset(relations[i].a, relations[i].b), relations[i].a_in_b), "%s",
                  relations[i].why);
    }
}

// Splitting visits every token, empty ones included, and then says that it is at the end.
Test(subject, tokens_are_split_at_each_dot)
{
    struct rill_bytes rest = RILL_BYTES("a..bc");
    cr_expect(rill_bytes_equal_cstr(rill_subject_next_token(&rest), "a"));
    cr_expect(rill_bytes_equal_cstr(rill_subject_next_token(&rest), ""));
    cr_expect(rill_bytes_equal_cstr(rill_subject_next_token(&rest), "bc"));
    cr_expect(rest.data == NULL);
    cr_expect(eq(sz, rill_subject_token_count(RILL_BYTES("a..bc")), 3));
}
