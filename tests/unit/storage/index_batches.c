// SPDX-License-Identifier: Apache-2.0
//
// What is fed goes into a batch in runs, and its lists are made when somebody asks: all answers are as if it had been there
// all along.
#include "index.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static char folder[64], path[96];
static struct rill_index_options options;
static struct rill_index *index_;
static uint64_t blocks;

static void setup(void)
{
    enum rill_index_found found;
    struct rill_index_position position;
    struct rill_error_text why;
    strcpy(folder, "/tmp/rill-index-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/index.db", folder);
    options = (struct rill_index_options){.path = path,
                                          .identity = "a stream",
                                          .log_sequence = UINT64_MAX,
                                          .id_window_ns = 1000,
                                          .era_postings = 1};
    blocks = 0;
    cr_assert(eq(int, rill_index_open(&options, &index_, &found, &position, &why), RILL_OK));
}

static void teardown(void)
{
    rill_index_close(index_);
    (void)unlink(path);
    (void)rmdir(folder);
}

TestSuite(index_batches, .init = setup, .fini = teardown);

/* Odd ones are of one subject, even ones of another. */
static struct rill_bytes subject_of(uint64_t sequence)
{
    return sequence % 2 ? RILL_BYTES("orders.odd") : RILL_BYTES("orders.even");
}

static void feed_to(uint64_t first, uint64_t last)
{
    struct rill_index_message run[RILL_INDEX_RUN_MAX];
    while (first <= last) {
        size_t count = 0, fed;
        for (; count < RILL_INDEX_RUN_MAX && first <= last; first++)
            run[count++] = (struct rill_index_message){
                .sequence = first, .time_ns = (int64_t)first, .subject = subject_of(first)};
        cr_assert(eq(int, rill_index_feed_run(index_, run, count, &fed), RILL_OK));
        cr_assert(eq(sz, fed, count));
    }
}

static struct rill_index_job *rotate(void)
{
    const struct rill_index_block block = {.number = ++blocks, .segment = 1, .length = 1};
    cr_assert(eq(int, rill_index_seal(index_, &block), RILL_OK));
    cr_assert(eq(int, rill_index_rotate(index_, NULL), RILL_OK));
    struct rill_index_job *job = rill_index_job_start(index_);
    cr_assert(job != NULL);
    return job;
}

static void finish(struct rill_index_job *job)
{
    for (; job; job = rill_index_job_start(index_)) {
        rill_index_job_run(job);
        cr_assert(eq(int, rill_index_job_finish(index_, job), RILL_OK));
    }
}

static void expect_odd(uint64_t count, uint64_t first, uint64_t last)
{
    struct rill_index_subject odd = {.count = 0};
    cr_assert(eq(int, rill_index_subject(index_, RILL_BYTES("orders.odd"), &odd), RILL_OK));
    cr_expect(eq(u64, odd.count, count));
    cr_expect(eq(u64, odd.first_sequence, first));
    cr_expect(eq(u64, odd.last_sequence, last));
}

/* A batch gives the same answers before a job has it, while it is out, and from the file. */
Test(index_batches, a_batch_answers_while_a_job_writes_it)
{
    feed_to(1, 99);
    struct rill_index_job *job = rotate();
    feed_to(100, 109);
    expect_odd(55, 1, 109);
    finish(job);
    expect_odd(55, 1, 109);
    finish(rotate());
    expect_odd(55, 1, 109);
}

/* A message that is deleted before or after it is listed is in no answer, nor in the file. */
Test(index_batches, a_message_is_gone_whether_it_was_listed_or_not)
{
    feed_to(1, 9);
    cr_assert(eq(int, rill_index_delete(index_, 1, RILL_BYTES("orders.odd")), RILL_OK));
    expect_odd(4, 3, 9);
    feed_to(10, 13);
    cr_assert(eq(int, rill_index_delete(index_, 3, RILL_BYTES("orders.odd")), RILL_OK));
    cr_assert(eq(int, rill_index_delete(index_, 13, RILL_BYTES("orders.odd")), RILL_OK));
    cr_expect(eq(int, rill_index_delete(index_, 13, RILL_BYTES("orders.odd")), RILL_ERR_NOT_FOUND));
    expect_odd(4, 5, 11);
    finish(rotate());
    expect_odd(4, 5, 11);
}

/* Much that was fed is listed in steps, so that no call takes long; who asks without them gets the same. */
Test(index_batches, lists_are_made_in_steps)
{
    enum { MESSAGES = 150000 };
    int steps = 0;
    feed_to(1, MESSAGES);
    while (rill_index_list_some(index_) == RILL_ERR_AGAIN && steps < MESSAGES)
        steps++;
    cr_expect(ge(int, steps, 2));
    cr_expect(lt(int, steps, 10));
    expect_odd(MESSAGES / 2, 1, MESSAGES - 1);
    feed_to(MESSAGES + 1, 2 * MESSAGES);
    expect_odd(MESSAGES, 1, 2 * MESSAGES - 1);
    cr_expect(eq(int, rill_index_list_some(index_), RILL_OK));
}

/* Of a run some messages have ids, or end some time, and others do not. */
Test(index_batches, a_run_may_mix_messages_of_all_kinds)
{
    struct rill_index_message run[] = {
        {.sequence = 1, .time_ns = 1, .subject = RILL_BYTES("orders.odd"), .id = RILL_BYTES("x")},
        {.sequence = 2, .time_ns = 1, .subject = RILL_BYTES("")},
        {.sequence = 3, .time_ns = 2, .subject = RILL_BYTES("orders.odd"), .expire_ns = 7},
        {.sequence = 5, .time_ns = 3, .subject = RILL_BYTES("orders.odd"), .id = RILL_BYTES("y")},
    };
    struct rill_index_expiry expired;
    int64_t next_ns;
    size_t fed, count;
    uint64_t sequence = 0;
    cr_assert(eq(int, rill_index_feed_run(index_, run, 4, &fed), RILL_OK));
    cr_expect(eq(sz, fed, 4));
    expect_odd(3, 1, 5);
    cr_expect(eq(int, rill_index_seen(index_, RILL_BYTES("y"), 0, &sequence), RILL_OK));
    cr_expect(eq(u64, sequence, 5));
    cr_expect(eq(u64, rill_index_ids_end(index_), 5));
    cr_expect(eq(int, rill_index_expired(index_, 7, &expired, 1, &count, &next_ns), RILL_OK));
    cr_expect(eq(sz, count, 1));
    cr_expect(eq(u64, expired.sequence, 3));
}

/* What is too far from the batch's first message waits for the next batch; what is in front of it is fed. */
Test(index_batches, a_run_is_fed_as_far_as_a_batch_reaches)
{
    struct rill_index_message run[] = {
        {.sequence = 1, .subject = RILL_BYTES("orders.odd")},
        {.sequence = 3, .subject = RILL_BYTES("orders.odd")},
        {.sequence = UINT64_C(1) << 33, .subject = RILL_BYTES("orders.even")},
    };
    size_t fed;
    cr_expect(eq(int, rill_index_feed_run(index_, run, 3, &fed), RILL_ERR_LIMIT));
    cr_expect(eq(sz, fed, 2));
    expect_odd(2, 1, 3);
}

static int count_eras(void)
{
    sqlite3 *db;
    sqlite3_stmt *rows;
    cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
    cr_assert(eq(int, sqlite3_prepare_v2(db, "SELECT count(*) FROM era", -1, &rows, NULL), SQLITE_OK));
    cr_assert(eq(int, sqlite3_step(rows), SQLITE_ROW));
    const int eras = sqlite3_column_int(rows, 0);
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
    return eras;
}

/* The more eras there are, the more batches go into the next: here 62 of one batch each, then 62 of two, then of three. */
Test(index_batches, eras_grow_with_their_number)
{
    for (uint64_t sequence = 1; sequence <= 62 + 124 + 30; sequence++) {
        feed_to(2 * sequence - 1, 2 * sequence - 1);
        finish(rotate());
    }
    cr_expect(eq(int, count_eras(), 62 + 62 + 10));
    expect_odd(216, 1, 431);
}
