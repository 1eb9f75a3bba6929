// SPDX-License-Identifier: Apache-2.0
//
// What a store knows of subjects, and what it keeps of each, over files and in memory.
#include "stores.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(subjects_conformance, .timeout = 60);

/* Small batches, so that soon the index's file knows something, too. */
static void open_with(struct stores_side *side, struct rill_store_limits limits)
{
    side->options.index = true;
    side->options.index_batch_bytes = 20000;
    side->options.index_log_bytes = 64 << 10;
    side->options.limits = limits;
    stores_reopen(side, NULL);
}

static uint64_t newest_of(struct stores_side *side, const char *subject)
{
    uint64_t sequence = 0;
    enum rill_err err;
    while ((err = rill_store_subject_newest(side->store, rill_bytes_from_cstr(subject), &sequence)) ==
           RILL_ERR_AGAIN)
        stores_background(side);
    cr_assert(eq(int, err, sequence ? RILL_OK : RILL_ERR_NOT_FOUND), "%s", side->name);
    return sequence;
}

static void check_newest(struct stores_side *side)
{
    open_with(side, (struct rill_store_limits){0});
    (void)stores_append(side, "a", 1);
    (void)stores_append(side, "b", 1);
    (void)stores_append(side, "a", 1);
    cr_expect(eq(u64, newest_of(side, "a"), 3), "not committed");
    cr_expect(eq(u64, newest_of(side, "c"), 0));
    stores_commit(side);
    cr_expect(eq(int, stores_delete(side, 3), RILL_OK));
    cr_expect(eq(u64, newest_of(side, "a"), 1), "the removal is not committed");
    (void)stores_append(side, "a", 1);
    cr_expect(eq(u64, newest_of(side, "a"), 4));
    cr_expect(eq(int, stores_delete(side, 4), RILL_OK));
    cr_expect(eq(int, stores_delete(side, 1), RILL_OK));
    cr_expect(eq(u64, newest_of(side, "a"), 0));
    cr_expect(eq(u64, newest_of(side, "b"), 2));
    (void)stores_purge(side, UINT64_MAX);
    cr_expect(eq(u64, newest_of(side, "b"), 0));
    stores_reopen(side, NULL);
    cr_expect(eq(u64, newest_of(side, "a"), 3), "what was not committed is forgotten");
}

// The newest message of a subject is known from its append on; one whose removal was appended is not it any more.
Test(subjects_conformance, the_newest_is_that_of_the_next_append)
{
    stores_each(check_newest);
}

static void expect_newest(struct stores_side *side, struct rill_store_filter *filter, uint64_t wanted)
{
    uint64_t sequence = 0;
    enum rill_err err;
    while ((err = rill_store_newest_matching(filter, &sequence)) == RILL_ERR_AGAIN)
        stores_background(side);
    cr_expect(eq(int, err, wanted ? RILL_OK : RILL_ERR_NOT_FOUND), "%s", side->name);
    cr_expect(eq(u64, sequence, wanted), "%s", side->name);
}

static void append_numbered(struct stores_side *side, const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof subject, "%s.%d", prefix, i);
        (void)stores_append(side, subject, 100);
        if (i % 50 != 49)
            continue;
        stores_commit(side);
        stores_background(side);
    }
}

static void check_newest_matching(struct stores_side *side)
{
    const struct rill_bytes few = RILL_BYTES("a.*"), many = RILL_BYTES("m.>"), all = RILL_BYTES(">");
    open_with(side, (struct rill_store_limits){0});
    struct rill_store_filter *a = rill_store_filter_create(side->store, &few, 1);
    struct rill_store_filter *m = rill_store_filter_create(side->store, &many, 1);
    struct rill_store_filter *everything = rill_store_filter_create(side->store, &all, 1);
    expect_newest(side, a, 0);
    append_numbered(side, "a", 50);
    append_numbered(side, "m", 1000);
    append_numbered(side, "x", 4000);
    for (int i = 0; i < 2; i++) {
        expect_newest(side, a, 50);
        expect_newest(side, m, 1050);
        expect_newest(side, everything, 5050);
    }
    cr_expect(eq(int, stores_delete(side, 1050), RILL_OK));
    cr_expect(eq(int, stores_delete(side, 50), RILL_OK));
    expect_newest(side, m, 1049);
    expect_newest(side, a, 49);
    (void)stores_append(side, "a.new", 1);
    expect_newest(side, a, 5051);
    expect_newest(side, everything, 5051);
    expect_newest(side, m, 1049);
    rill_store_filter_destroy(a);
    rill_store_filter_destroy(m);
    rill_store_filter_destroy(everything);
}

// So is the newest that a filter matches, whether that are few subjects or many.
Test(subjects_conformance, the_newest_of_a_filter_is_that_of_the_next_append)
{
    stores_each(check_newest_matching);
}

// ---- limits ----

static void commit_with_loads(struct stores_side *side)
{
    struct rill_store_committed committed;
    struct rill_store_job *job, *load;
    while (!(job = rill_store_commit_start(side->store))) {
        load = rill_store_limits_load_start(side->store);
        if (!load)
            stores_background(side);
        if (!load && !rill_store_limits_left(side->store) && !rill_store_open_bytes(side->store))
            return;
        if (!load)
            continue;
        rill_store_job_run(load);
        cr_assert(eq(int, rill_store_load_finish(side->store, load), RILL_OK), "%s", side->name);
    }
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_commit_finish(side->store, job, &committed), RILL_OK), "%s", side->name);
    stores_background(side);
}

static struct rill_store_subject of(struct stores_side *side, const char *subject)
{
    struct rill_store_subject found = {.count = 0};
    enum rill_err err;
    while ((err = rill_store_subject(side->store, rill_bytes_from_cstr(subject), &found)) == RILL_ERR_AGAIN)
        stores_background(side);
    cr_assert(eq(int, err, found.count ? RILL_OK : RILL_ERR_NOT_FOUND), "%s", side->name);
    return found;
}

static void check_per_subject(struct stores_side *side)
{
    enum { SUBJECTS = 40, ROUNDS = 60 };
    open_with(side, (struct rill_store_limits){.max_messages_per_subject = 3});
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < SUBJECTS; i++) {
            char subject[32];
            (void)snprintf(subject, sizeof subject, "s.%d", i);
            (void)stores_append(side, subject, 500);
        }
        commit_with_loads(side);
        const uint64_t kept = round < 3 ? round : 3;
        cr_assert(eq(u64, stores_state(side).messages, kept * SUBJECTS), "%s", side->name);
        const struct rill_store_subject found = of(side, "s.7");
        cr_expect(eq(u64, found.count, kept));
        cr_expect(eq(u64, found.last_sequence, (round - 1) * SUBJECTS + 8));
        cr_expect(eq(u64, found.first_sequence, (round - kept) * SUBJECTS + 8));
        if (round % 20 == 0)
            stores_reopen(side, NULL);
    }
}

// Of each subject the newest stay, as many as the limit says, after every commit.
Test(subjects_conformance, each_subject_keeps_its_newest)
{
    stores_each(check_per_subject);
}

static void check_within_commit(struct stores_side *side)
{
    open_with(side, (struct rill_store_limits){.max_messages_per_subject = 2});
    (void)stores_append(side, "b", 1);
    stores_append_many(side, "a", 300, 1);
    commit_with_loads(side);
    cr_expect(eq(u64, stores_state(side).messages, 3));
    cr_expect(eq(u64, of(side, "a").first_sequence, 300));
    (void)stores_append(side, "a", 1);
    cr_expect(eq(int, stores_delete(side, 301), RILL_OK));
    commit_with_loads(side);
    cr_expect(eq(u64, of(side, "a").first_sequence, 300), "there is room, so nothing goes");
    cr_expect(eq(u64, of(side, "a").count, 2));
}

// Also of those in one and the same commit; what was removed by others counts no longer.
Test(subjects_conformance, a_limit_counts_what_is_not_committed)
{
    stores_each(check_within_commit);
}

static void check_lowered(struct stores_side *side)
{
    open_with(side, (struct rill_store_limits){0});
    for (int i = 0; i < 30; i++) {
        stores_append_many(side, "a", 100, 100);
        (void)stores_append(side, "b", 100);
        commit_with_loads(side);
    }
    rill_store_set_limits(side->store, &(struct rill_store_limits){.max_messages_per_subject = 20});
    cr_expect(rill_store_limits_left(side->store));
    for (int i = 0; rill_store_limits_left(side->store); i++) {
        const uint64_t before = stores_state(side).messages;
        commit_with_loads(side);
        cr_assert(before - stores_state(side).messages <= 600, "in steps");
        cr_assert(i < 50);
    }
    cr_expect(eq(u64, of(side, "a").count, 20));
    cr_expect(eq(u64, of(side, "b").count, 20));
    side->options.limits.max_messages_per_subject = 1;
    stores_reopen(side, NULL);
    while (rill_store_limits_left(side->store))
        commit_with_loads(side);
    cr_expect(eq(u64, of(side, "a").count, 1));
    cr_expect(eq(u64, of(side, "b").last_sequence, 3030));
    cr_expect(eq(u64, stores_state(side).messages, 2));
}

// A limit that is lowered, while the store is open or when it is opened, is reached in steps.
Test(subjects_conformance, a_lower_limit_is_reached_in_steps)
{
    stores_each(check_lowered);
}

static enum rill_err try_append(struct stores_side *side, const char *subject)
{
    struct rill_store_message message = {.subject = rill_bytes_from_cstr(subject)};
    return rill_store_append(side->store, &message);
}

static void check_refused(struct stores_side *side)
{
    open_with(side, (struct rill_store_limits){
                        .max_messages_per_subject = 2, .discard_new = true, .discard_new_per_subject = true});
    cr_expect(eq(int, try_append(side, "a"), RILL_OK));
    cr_expect(eq(int, try_append(side, "a"), RILL_OK));
    cr_expect(eq(int, try_append(side, "a"), RILL_ERR_FULL_SUBJECT), "not committed");
    cr_expect(eq(int, try_append(side, "b"), RILL_OK));
    stores_commit(side);
    cr_expect(eq(int, try_append(side, "a"), RILL_ERR_FULL_SUBJECT), "committed");
    cr_expect(eq(int, stores_delete(side, 1), RILL_OK));
    cr_expect(eq(int, try_append(side, "a"), RILL_OK));
    cr_expect(eq(int, try_append(side, "a"), RILL_ERR_FULL_SUBJECT));
    (void)stores_purge(side, UINT64_MAX);
    cr_expect(eq(int, try_append(side, "a"), RILL_OK));
    stores_reopen(side, NULL);
    cr_expect(eq(int, try_append(side, "a"), RILL_ERR_FULL_SUBJECT), "the purge was never committed");
}

// A subject that is full refuses what is new, when that is asked for, until there is room.
Test(subjects_conformance, a_full_subject_refuses)
{
    stores_each(check_refused);
}

static void check_replaced(struct stores_side *side)
{
    open_with(side, (struct rill_store_limits){
                        .max_messages = 2, .max_messages_per_subject = 1, .discard_new = true});
    cr_expect(eq(int, try_append(side, "a"), RILL_OK));
    cr_expect(eq(int, try_append(side, "b"), RILL_OK));
    cr_expect(eq(int, try_append(side, "c"), RILL_ERR_FULL_MESSAGES));
    cr_expect(eq(int, try_append(side, "a"), RILL_OK), "it takes another one's place");
    commit_with_loads(side);
    cr_expect(eq(u64, stores_state(side).messages, 2));
    cr_expect(eq(u64, of(side, "a").first_sequence, 3));
    cr_expect(eq(u64, of(side, "b").first_sequence, 2));
}

// In a full stream that discards what is new, a message may take the place of another one of its subject.
Test(subjects_conformance, a_full_stream_lets_messages_be_replaced)
{
    stores_each(check_replaced);
}

// ---- lists ----

struct page {
    char text[256];
    char last[32];
    size_t count;
};

static enum rill_err note(void *context, const struct rill_store_subject *subject)
{
    struct page *page = context;
    const size_t used = strlen(page->text);
    (void)snprintf(page->text + used, sizeof page->text - used, "%.*s=%lu ", (int)subject->subject.len,
                   (const char *)subject->subject.data, (unsigned long)subject->last_sequence);
    (void)snprintf(page->last, sizeof page->last, "%.*s", (int)subject->subject.len,
                   (const char *)subject->subject.data);
    page->count++;
    return RILL_OK;
}

static void check_until(struct stores_side *side)
{
    static const char *const subjects[] = {"k.a", "k.b", "k.a", "x", "k.c", "k.b"};
    struct page page = {.count = 0};
    open_with(side, (struct rill_store_limits){0});
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        (void)stores_append(side, subjects[i], 1);
    stores_commit(side);
    do {
        page.count = 0;
        cr_assert(eq(int,
                     rill_store_subjects_until(side->store, RILL_BYTES("k.*"), 4,
                                               rill_bytes_from_cstr(page.last), 2, note, &page),
                     RILL_OK));
    } while (page.count);
    cr_expect(eq(str, page.text, (char *)"k.a=3 k.b=2 k.c=0 "));
}

// The last message of each subject can be asked for as of a sequence, page by page.
Test(subjects_conformance, the_last_of_each_subject_as_of_a_sequence)
{
    stores_each(check_until);
}
