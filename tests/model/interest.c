// SPDX-License-Identifier: Apache-2.0
//
// The interest trie and its cache against a list that is searched from front to back. Random subscriptions
// come and go while random subjects are matched; small alphabets make collisions, shared nodes and cache hits
// frequent.
#include "interest.h"

#include "proto/subject.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(interest_model);

enum { SUBS_MAX = 200, STEPS = 3000, TEXT_MAX = 64 };

struct model {
    struct interest *interest;
    struct interest_memo memo;
    struct sub *subs[SUBS_MAX];
    int count;
    struct rill_random random;
    uint64_t seed;
};

static void random_subject(struct rill_random *random, bool pattern, char *text)
{
    const uint32_t tokens = 1 + rill_random_below(random, 4);
    for (uint32_t i = 0; i < tokens; i++) {
        const bool last = i + 1 == tokens;
        const char *choice = !pattern ? "abcd" : last ? "abc**>" : "abc**";
        const char token = choice[rill_random_below(random, (uint32_t)strlen(choice))];
        text += sprintf(text, "%s%c", i ? "." : "", token);
    }
}

static void add_sub(struct model *model)
{
    char subject[TEXT_MAX];
    random_subject(&model->random, true, subject);
    static const char *const queues[] = {"", "", "workers", "auditors"};
    const char *queue = queues[rill_random_below(&model->random, 4)];
    struct sub *sub =
        sub_create(1, RILL_BYTES("1"), rill_bytes_from_cstr(subject), rill_bytes_from_cstr(queue));
    interest_insert(model->interest, sub);
    model->subs[model->count++] = sub;
}

static void remove_sub(struct model *model, int index)
{
    interest_remove(model->interest, model->subs[index]);
    model->subs[index] = model->subs[--model->count];
    if (rill_random_chance(&model->random, 1, 2))
        interest_sweep(model->interest);
}

static bool match_has_sub(const struct match *match, const struct sub *sub)
{
    for (uint32_t i = 0; i < match->sub_count; i++) {
        if (match_sub(match, i) == sub)
            return true;
    }
    return false;
}

static bool match_has_member(const struct match *match, const struct sub *sub)
{
    for (uint32_t i = 0; i < match->group_count; i++) {
        const struct interest_group *group = match_group(match, i);
        for (uint32_t j = 0; j < group->count; j++) {
            if (group->members[j] == sub)
                return true;
        }
    }
    return false;
}

/* Parts of one group, at several subjects, stand next to each other. */
static void check_parts(const struct model *model, const struct match *match)
{
    for (uint32_t i = 0; i < match->group_count; i++) {
        for (uint32_t j = i + 1; j < match->group_count; j++) {
            const struct interest_group *a = match_group(match, i), *b = match_group(match, j);
            const bool same =
                rill_bytes_equal(rill_bytes_of(a->name, a->name_len), rill_bytes_of(b->name, b->name_len));
            if (same)
                cr_assert(match_group_parts(match, i) > j - i, "seed %lu", model->seed);
        }
    }
}

/* How many of the subscriptions before `index` are in the same queue group at the same subject? */
static bool first_of_its_group(const struct model *model, int index)
{
    for (int i = 0; i < index; i++) {
        if (rill_bytes_equal(model->subs[i]->queue, model->subs[index]->queue) &&
            rill_bytes_equal(model->subs[i]->subject, model->subs[index]->subject))
            return false;
    }
    return true;
}

/* Pinned; with the memo of the last one, or without. */
static struct match *find_match(struct model *model, struct rill_bytes subject)
{
    if (rill_random_chance(&model->random, 1, 2))
        return interest_match(model->interest, subject);
    struct match *match = interest_recall(model->interest, &model->memo, subject);
    match->pins++;
    return match;
}

static void check_match(struct model *model)
{
    char subject[TEXT_MAX];
    random_subject(&model->random, false, subject);
    struct match *match = find_match(model, rill_bytes_from_cstr(subject));
    uint32_t subs = 0, groups = 0;
    for (int i = 0; i < model->count; i++) {
        const struct sub *sub = model->subs[i];
        const bool expected = rill_subject_matches(sub->subject, rill_bytes_from_cstr(subject));
        const bool found = sub->queue.len ? match_has_member(match, sub) : match_has_sub(match, sub);
        cr_assert(eq(int, found, expected), "seed %lu: subject %s", model->seed, subject);
        subs += expected && !sub->queue.len;
        groups += expected && sub->queue.len && first_of_its_group(model, i);
    }
    cr_assert(eq(u32, match->sub_count, subs), "seed %lu: subject %s", model->seed, subject);
    cr_assert(eq(u32, match->group_count, groups), "seed %lu: subject %s", model->seed, subject);
    check_parts(model, match);
    interest_unpin(model->interest, match);
}

static void run(uint64_t seed)
{
    struct model model = {.interest = interest_create(seed), .random = {.state = seed}, .seed = seed};
    for (int step = 0; step < STEPS; step++) {
        const uint32_t what = rill_random_below(&model.random, 10);
        if (what == 0 && model.count < SUBS_MAX)
            add_sub(&model);
        else if (what == 1 && model.count)
            remove_sub(&model, (int)rill_random_below(&model.random, (uint32_t)model.count));
        else
            check_match(&model);
        cr_assert(eq(u64, interest_stats(model.interest).subs, (uint64_t)model.count));
    }
    while (model.count)
        remove_sub(&model, 0);
    interest_memo_clear(model.interest, &model.memo);
    interest_destroy(model.interest);
}

// Whatever came and went before, a subject matches exactly the subscriptions whose patterns match it.
Test(interest_model, a_subject_matches_exactly_what_a_search_of_all_finds)
{
    const struct seed_range seeds = seed_range(40);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        run(seed);
}

// A subject with an empty token matches nothing, not even everything.
Test(interest_model, an_empty_token_matches_nothing)
{
    struct interest *interest = interest_create(1);
    struct sub *all = sub_create(1, RILL_BYTES("1"), RILL_BYTES(">"), RILL_BYTES(""));
    interest_insert(interest, all);
    static const char *const subjects[] = {"", ".", "a.", ".a", "a..b"};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        cr_expect(not(interest_any(interest, rill_bytes_from_cstr(subjects[i]))), "\"%s\"", subjects[i]);
    cr_expect(interest_any(interest, RILL_BYTES("a.b")));
    interest_remove(interest, all);
    interest_destroy(interest);
}

// Who asks for subjects that differ only where no subscription names a token gets the match that he has.
Test(interest_model, a_memo_serves_all_subjects_that_match_the_same)
{
    static const struct {
        const char *subject;
        bool is_known;
        const char *why;
    } cases[] = {
        {"acks.orders.1", false, "the first"},
        {"acks.orders.1", true, "the same"},
        {"acks.orders.2", true, "no subscription names the third token"},
        {"acks.other.2", true, "nor the second"},
        {"acks.orders", false, "another number of tokens"},
        {"acks.orders.1", false, "and again"},
        {"acks.orders.", false, "an empty token matches nothing"},
        {"acks.orders.1", false, "what matches nothing serves nobody else"},
        {"ackss.orders.1", false, "the first token is named"},
    };
    struct interest *interest = interest_create(1);
    struct interest_memo memo = {0};
    struct sub *acks = sub_create(1, RILL_BYTES("1"), RILL_BYTES("acks.>"), RILL_BYTES(""));
    interest_insert(interest, acks);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t before = interest_stats(interest).matches;
        (void)interest_recall(interest, &memo, rill_bytes_from_cstr(cases[i].subject));
        cr_expect(eq(u64, interest_stats(interest).matches - before, !cases[i].is_known), "%s", cases[i].why);
    }
    interest_remove(interest, acks);
    interest_memo_clear(interest, &memo);
    interest_destroy(interest);
}

// A subscription that ends while its match is walked over stays readable, marked as dead, until the sweep.
Test(interest_model, what_ends_during_a_walk_stays_readable)
{
    struct interest *interest = interest_create(1);
    struct sub *sub = sub_create(1, RILL_BYTES("1"), RILL_BYTES("a"), RILL_BYTES(""));
    interest_insert(interest, sub);
    struct match *match = interest_match(interest, RILL_BYTES("a"));
    interest_remove(interest, sub);
    cr_expect(match_sub(match, 0)->dead);
    interest_unpin(interest, match);
    interest_sweep(interest);
    cr_expect(not(interest_any(interest, RILL_BYTES("a"))));
    interest_destroy(interest);
}
