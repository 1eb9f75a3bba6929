// SPDX-License-Identifier: Apache-2.0
#include "index.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

static char folder[64], path[96];
static struct rill_index_options options;
static struct rill_index *index_;
static enum rill_index_found found;
static struct rill_index_position position;

static void open_index(void)
{
    struct rill_error_text why;
    cr_assert(eq(int, rill_index_open(&options, &index_, &found, &position, &why), RILL_OK));
}

static void setup(void)
{
    strcpy(folder, "/tmp/rill-index-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/index.db", folder);
    options = (struct rill_index_options){.path = path, .identity = "a stream", .log_sequence = UINT64_MAX};
    open_index();
}

static void teardown(void)
{
    rill_index_close(index_);
    char beside[128];
    snprintf(beside, sizeof beside, "%s-wal", path);
    (void)unlink(beside);
    snprintf(beside, sizeof beside, "%s-shm", path);
    (void)unlink(beside);
    (void)unlink(path);
    (void)rmdir(folder);
}

TestSuite(index, .init = setup, .fini = teardown);

static enum rill_err feed_one(const struct rill_index_message *message)
{
    return rill_index_feed(index_, message);
}

static void feed(uint64_t first, uint64_t last, const char *subject)
{
    for (uint64_t sequence = first; sequence <= last; sequence++)
        cr_assert(eq(int,
                     feed_one(&(struct rill_index_message){.sequence = sequence,
                                                           .time_ns = (int64_t)sequence,
                                                           .subject = rill_bytes_from_cstr(subject)}),
                     RILL_OK));
}

static void seal(uint64_t number)
{
    const struct rill_index_block block = {.number = number,
                                           .segment = 1,
                                           .offset = number * 100,
                                           .length = 100,
                                           .first_time_ns = (int64_t)number * 10,
                                           .last_time_ns = (int64_t)number * 10 + 9};
    cr_assert(eq(int, rill_index_seal(index_, &block), RILL_OK));
}

/* Writes all that is sealed. */
static void write_all(void)
{
    struct rill_index_job *job;
    cr_assert(eq(int, rill_index_rotate(index_, NULL), RILL_OK));
    while ((job = rill_index_job_start(index_)) != NULL) {
        rill_index_job_run(job);
        cr_assert(eq(int, rill_index_job_finish(index_, job), RILL_OK));
    }
}

static uint64_t next(const char *pattern, uint64_t from)
{
    const struct rill_bytes bytes = rill_bytes_from_cstr(pattern);
    struct rill_index_filter *filter = rill_index_filter_create(index_, &bytes, 1);
    uint64_t sequence = 0;
    const enum rill_err err = rill_index_next(filter, from, &sequence);
    cr_expect(err == RILL_OK || err == RILL_ERR_NOT_FOUND);
    rill_index_filter_destroy(filter);
    return sequence;
}

static uint64_t count(const char *pattern, uint64_t from)
{
    const struct rill_bytes bytes = rill_bytes_from_cstr(pattern);
    struct rill_index_filter *filter = rill_index_filter_create(index_, &bytes, 1);
    uint64_t sum = 0;
    cr_expect(eq(int, rill_index_count(filter, from, &sum), RILL_OK));
    rill_index_filter_destroy(filter);
    return sum;
}

/* What is fed can be asked for at once, whether it is written or not. */
Test(index, answers_from_memory_and_from_the_file)
{
    for (int written = 0; written < 2; written++) {
        if (!written) {
            feed(1, 10, "a.x");
            feed(11, 20, "b.x");
            seal(1);
        } else {
            write_all();
        }
        cr_expect(eq(u64, next("*.x", 1), 1));
        cr_expect(eq(u64, next("b.>", 1), 11));
        cr_expect(eq(u64, next("a.x", 11), 0));
        cr_expect(eq(u64, count(">", 6), 15));
    }
}

/* While a job is out its messages are in memory still, and deletes of them count. */
Test(index, deletes_count_while_a_job_is_out)
{
    feed(1, 10, "a");
    seal(1);
    cr_assert(eq(int, rill_index_rotate(index_, NULL), RILL_OK));
    struct rill_index_job *job = rill_index_job_start(index_);
    cr_assert(job != NULL);
    rill_index_job_run(job);
    cr_expect(eq(int, rill_index_delete(index_, 1, RILL_BYTES("a")), RILL_OK));
    cr_expect(eq(u64, count("a", 1), 9));
    cr_expect(eq(int, rill_index_job_finish(index_, job), RILL_OK));
    cr_expect(eq(u64, count("a", 1), 9));
    cr_expect(eq(u64, next("a", 1), 2));
    cr_expect(eq(int, rill_index_delete(index_, 1, RILL_BYTES("a")), RILL_ERR_NOT_FOUND));
}

/* After a reopen feeding goes on behind the last block that was written. */
Test(index, says_where_to_go_on)
{
    feed(1, 10, "a");
    seal(7);
    write_all();
    feed(11, 12, "a");
    rill_index_close(index_);
    open_index();
    cr_expect(eq(int, found, RILL_INDEX_KEPT));
    cr_expect(eq(u64, position.block, 7));
    cr_expect(eq(u64, position.offset, 800));
    cr_expect(eq(u64, position.sequence, 10));
    cr_expect(eq(u64, count("a", 1), 10));
}

/* An index of another stream, or one that has more than the log, is not believed. */
Test(index, throws_away_what_is_not_its_streams)
{
    feed(1, 10, "a");
    seal(1);
    write_all();
    rill_index_close(index_);
    options.log_sequence = 9;
    open_index();
    cr_expect(eq(int, found, RILL_INDEX_AHEAD));
    feed(1, 9, "a");
    seal(1);
    write_all();
    rill_index_close(index_);
    memcpy(options.identity, "another", 8);
    open_index();
    cr_expect(eq(int, found, RILL_INDEX_FOREIGN));
    cr_expect(eq(u64, position.block, 0));
    cr_expect(eq(u64, count(">", 1), 0));
}

/* Each byte of the file matters, or nothing does: no flipped bit changes an answer. */
Test(index, a_flipped_bit_is_found_or_harmless, .timeout = 120)
{
    feed(1, 50, "a.x");
    feed(51, 100, "b.x");
    seal(1);
    write_all();
    rill_index_close(index_);
    FILE *file = fopen(path, "rb");
    static uint8_t bytes[1 << 20];
    const size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    for (size_t at = 0; at < len; at += at < 200 ? 1 : 211) {
        file = fopen(path, "wb");
        bytes[at] ^= (uint8_t)(1 << at % 8);
        cr_assert(fwrite(bytes, 1, len, file) == len);
        bytes[at] ^= (uint8_t)(1 << at % 8);
        (void)fclose(file);
        open_index();
        uint64_t last = 0;
        const enum rill_err err = rill_index_last(index_, RILL_BYTES("b.x"), &last);
        if (found == RILL_INDEX_KEPT && err != RILL_ERR_DAMAGED)
            cr_expect(eq(u64, last, 100), "byte %zu", at);
        rill_index_close(index_);
    }
    open_index();
}

/* A large batch wants to be rotated; while one waits, feeding stops at twice the size, and goes on behind a job. */
Test(index, feeding_stops_when_two_batches_wait)
{
    rill_index_close(index_);
    options.batch_bytes = 1000;
    open_index();
    uint64_t sequence = 0;
    while (!rill_index_wants_rotation(index_))
        feed(sequence + 1, sequence + 1, "a"), sequence++;
    seal(1);
    cr_assert(eq(int, rill_index_rotate(index_, NULL), RILL_OK));
    cr_expect(not(rill_index_wants_rotation(index_)));
    while (!rill_index_is_full(index_))
        feed(sequence + 1, sequence + 1, "a"), sequence++;
    cr_expect(not(rill_index_wants_rotation(index_)), "one waits");
    struct rill_index_message message = {.subject = RILL_BYTES("a")};
    do
        message.sequence = ++sequence;
    while (!feed_one(&message));
    cr_expect(lt(u64, rill_index_batch_bytes(index_), 4500));
    struct rill_index_job *job = rill_index_job_start(index_);
    rill_index_job_run(job);
    cr_expect(eq(int, rill_index_job_finish(index_, job), RILL_OK));
    cr_expect(eq(int, feed_one(&message), RILL_OK));
    cr_expect(eq(u64, count("a", 1), sequence));
}

/* The block of a time is the first that ends at or after it. */
Test(index, finds_the_block_of_a_time)
{
    struct rill_store_range range;
    feed(1, 5, "a");
    seal(1);
    write_all();
    feed(6, 9, "a");
    seal(2);
    cr_expect(eq(int, rill_index_at_time(index_, 12, &range), RILL_OK));
    cr_expect(eq(u64, range.first_sequence, 1));
    cr_expect(eq(int, rill_index_at_time(index_, 20, &range), RILL_OK));
    cr_expect(eq(u64, range.first_sequence, 6));
    cr_expect(eq(u64, range.last_sequence, 9));
    cr_expect(eq(int, rill_index_at_time(index_, 30, &range), RILL_ERR_NOT_FOUND));
}
