// SPDX-License-Identifier: Apache-2.0
//
// What the index keeps beside the subjects: ids, expiries, the owner's summary; and when it touches its file.
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
static uint64_t blocks;

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
    options = (struct rill_index_options){
        .path = path, .identity = "a stream", .log_sequence = UINT64_MAX, .id_window_ns = 1000, .run_ids = 3};
    blocks = 0;
    open_index();
}

static void teardown(void)
{
    rill_index_close(index_);
    (void)unlink(path);
    (void)rmdir(folder);
}

TestSuite(index_more, .init = setup, .fini = teardown);

static void feed(uint64_t sequence, const char *id, int64_t expire_ns)
{
    const struct rill_index_message message = {.sequence = sequence,
                                               .time_ns = (int64_t)sequence * 10,
                                               .subject = RILL_BYTES("a"),
                                               .id = rill_bytes_from_cstr(id),
                                               .expire_ns = expire_ns};
    cr_assert(eq(int, rill_index_feed(index_, &message), RILL_OK));
}

static void write_with(const struct rill_index_summary *summary)
{
    struct rill_index_job *job;
    const struct rill_index_block block = {.number = ++blocks, .segment = 1, .length = 1};
    cr_assert(eq(int, rill_index_seal(index_, &block), RILL_OK));
    cr_assert(eq(int, rill_index_rotate(index_, summary), RILL_OK));
    while ((job = rill_index_job_start(index_)) != NULL) {
        rill_index_job_run(job);
        cr_assert(eq(int, rill_index_job_finish(index_, job), RILL_OK));
    }
}

static uint64_t seen(const char *id, int64_t since_ns)
{
    uint64_t sequence = 0;
    const enum rill_err err = rill_index_seen(index_, rill_bytes_from_cstr(id), since_ns, &sequence);
    cr_expect(err == RILL_OK || err == RILL_ERR_NOT_FOUND);
    return sequence;
}

/* An id is known from its newest message on, in every layer, also when the message is gone. */
Test(index_more, an_id_outlives_its_message)
{
    feed(1, "x", 0);
    feed(2, "y", 0);
    for (int written = 0; written < 2; written++) {
        cr_expect(eq(u64, seen("x", 10), 1));
        cr_expect(eq(u64, seen("x", 11), 0), "too old");
        cr_expect(eq(u64, seen("z", 0), 0));
        if (!written)
            write_with(NULL);
    }
    cr_expect(eq(int, rill_index_delete(index_, 1, RILL_BYTES("a")), RILL_OK));
    rill_index_purge_below(index_, 3);
    feed(3, "y", 0);
    cr_expect(eq(u64, seen("x", 0), 1));
    cr_expect(eq(u64, seen("y", 0), 3));
    write_with(NULL);
    rill_index_close(index_);
    open_index();
    cr_expect(eq(u64, seen("x", 0), 1));
    cr_expect(eq(u64, seen("y", 0), 3));
}

/* Jobs drop what is older than the window, so that the table does not grow with the stream. */
Test(index_more, ids_older_than_the_window_are_dropped)
{
    char id[16];
    for (uint64_t sequence = 1; sequence <= 1000; sequence++) {
        snprintf(id, sizeof id, "id-%lu", sequence);
        feed(sequence, id, 0);
        if (sequence % 10 == 0)
            write_with(NULL);
    }
    cr_expect(eq(u64, seen("id-901", 9010), 901));
    cr_expect(eq(u64, seen("id-500", 0), 0));
    cr_expect(eq(u64, seen("id-1", 0), 0));
}

/* What expires first comes first, from all layers, and what is gone does not come. */
Test(index_more, what_expires_comes_in_order)
{
    struct rill_index_expiry page[8];
    size_t count;
    int64_t next;
    feed(1, "", 500);
    feed(2, "", 0);
    feed(3, "", 300);
    write_with(NULL);
    feed(4, "", 400);
    feed(5, "", 300);
    cr_expect(eq(int, rill_index_expired(index_, 299, page, 8, &count, &next), RILL_OK));
    cr_expect(eq(u64, count, 0));
    cr_expect(eq(i64, next, 300));
    cr_expect(eq(int, rill_index_expired(index_, 450, page, 8, &count, &next), RILL_OK));
    cr_assert(eq(u64, count, 3));
    cr_expect(eq(u64, page[0].sequence, 3));
    cr_expect(eq(u64, page[1].sequence, 5));
    cr_expect(eq(u64, page[2].sequence, 4));
    cr_expect(eq(i64, next, 500));
    cr_expect(eq(int, rill_index_delete(index_, 3, RILL_BYTES("a")), RILL_OK));
    cr_expect(eq(int, rill_index_delete(index_, 5, RILL_BYTES("a")), RILL_OK));
    cr_expect(eq(int, rill_index_expired(index_, 450, page, 8, &count, &next), RILL_OK));
    cr_assert(eq(u64, count, 1));
    cr_expect(eq(u64, page[0].sequence, 4));
    rill_index_purge_below(index_, 5);
    cr_expect(eq(int, rill_index_expired(index_, 999, page, 8, &count, &next), RILL_OK));
    cr_expect(eq(u64, count, 0));
    cr_expect(eq(i64, next, INT64_MAX));
}

static enum rill_err count_segment(void *context, const struct rill_index_segment *segment)
{
    *(uint64_t *)context += segment->number;
    return RILL_OK;
}

/* The summary of a batch is there when the batch is, and not before; a reopen finds it. */
Test(index_more, a_summary_comes_with_its_batch)
{
    struct rill_buf text;
    uint64_t sum = 0;
    const struct rill_index_segment segments[] = {{.number = 3, .detail = RILL_BYTES("three")},
                                                  {.number = 4, .first_time_ns = -1}};
    const struct rill_index_summary summary = {
        .state = RILL_BYTES("state"), .segments = segments, .segment_count = 2, .segments_from = 3};
    rill_buf_init(&text, 100);
    cr_expect(eq(int, rill_index_summary(index_, &text), RILL_ERR_NOT_FOUND));
    write_with(&summary);
    rill_index_close(index_);
    open_index();
    cr_expect(eq(int, rill_index_summary(index_, &text), RILL_OK));
    cr_expect(eq(int, rill_index_segment_detail(index_, 3, &text), RILL_OK));
    cr_expect(rill_bytes_equal(rill_buf_bytes(&text), RILL_BYTES("statethree")));
    cr_expect(eq(int, rill_index_segment_detail(index_, 4, &text), RILL_ERR_NOT_FOUND));
    write_with(&(struct rill_index_summary){.state = RILL_BYTES(""), .segments_from = 4});
    cr_expect(eq(int, rill_index_segments(index_, count_segment, &sum), RILL_OK));
    cr_expect(eq(u64, sum, 4));
    cr_expect(eq(int, rill_index_segment_detail(index_, 3, &text), RILL_ERR_NOT_FOUND));
    rill_buf_fini(&text);
}

static bool file_is_there(void)
{
    return access(path, F_OK) == 0;
}

/* Without a batch there is no file; without a question no connection to it. */
Test(index_more, an_idle_index_holds_nothing)
{
    feed(1, "x", 0);
    cr_expect(eq(u64, seen("x", 0), 1));
    cr_expect(not(file_is_there()));
    cr_expect(not(rill_index_is_connected(index_)));
    write_with(NULL);
    cr_expect(file_is_there());
    cr_expect(eq(u64, seen("x", 0), 1));
    cr_expect(rill_index_is_connected(index_));
    rill_index_idle(index_);
    cr_expect(not(rill_index_is_connected(index_)));
    feed(2, "", 0);
    cr_expect(not(rill_index_is_connected(index_)), "feeding needs no file");
    write_with(NULL);
    uint64_t last = 0;
    cr_expect(eq(int, rill_index_last(index_, RILL_BYTES("a"), &last), RILL_OK));
    cr_expect(eq(u64, last, 2));
}

/* Descriptors of this process that lead into the folder. */
static int descriptors(void)
{
    char link[32], target[sizeof folder + 32];
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        const ssize_t len = readlink(link, target, sizeof target - 1);
        target[len > 0 ? len : 0] = 0;
        count += strncmp(target, folder, strlen(folder)) == 0;
    }
    return count;
}

/* One batch after the other is written through one connection, which goes when the index is idle. */
Test(index_more, jobs_hand_on_their_connection)
{
    uint64_t sequence = 1;
    feed(sequence, "x", 0);
    write_with(NULL);
    cr_expect(eq(int, descriptors(), 0), "the first job makes the file");
    feed(++sequence, "x", 0);
    write_with(NULL);
    const int held = descriptors();
    cr_expect(eq(int, held, 5), "the reader's file, log and shared part, and the writer's file and log");
    for (int i = 0; i < 3; i++) {
        feed(++sequence, "x", 0);
        const struct rill_index_block block = {.number = ++blocks, .segment = 1, .length = 1};
        cr_assert(eq(int, rill_index_seal(index_, &block), RILL_OK));
        cr_assert(eq(int, rill_index_rotate(index_, NULL), RILL_OK));
        for (struct rill_index_job *job; (job = rill_index_job_start(index_)) != NULL;) {
            cr_expect(eq(int, descriptors(), held), "nothing is opened");
            rill_index_job_run(job);
            cr_assert(eq(int, rill_index_job_finish(index_, job), RILL_OK));
        }
    }
    cr_expect(eq(u64, seen("x", 0), sequence));
    rill_index_idle(index_);
    cr_expect(eq(int, descriptors(), 0));
}

/* A file that is taken away or exchanged while nobody holds it is damage, not an answer. */
Test(index_more, a_file_that_went_away_is_damage)
{
    feed(1, "x", 0);
    write_with(NULL);
    rill_index_idle(index_);
    cr_assert(eq(int, unlink(path), 0));
    uint64_t last;
    cr_expect(eq(int, rill_index_last(index_, RILL_BYTES("a"), &last), RILL_ERR_DAMAGED));
    const struct rill_index_message message = {.sequence = 2, .subject = RILL_BYTES("a")};
    cr_expect(eq(int, rill_index_feed(index_, &message), RILL_ERR_DAMAGED));
}

/* A limit of one message per subject: each delete moves the first live one, whatever layer it is in. */
Test(index_more, the_first_of_a_subject_moves_with_deletes)
{
    struct rill_index_subject subject;
    for (uint64_t sequence = 1; sequence <= 300; sequence++) {
        feed(sequence, "", 0);
        if (sequence == 100 || sequence == 200)
            write_with(NULL);
    }
    for (uint64_t first = 1; first <= 300; first++) {
        cr_assert(eq(int, rill_index_subject(index_, RILL_BYTES("a"), &subject), RILL_OK));
        cr_assert(eq(u64, subject.first_sequence, first));
        cr_assert(eq(u64, subject.count, 301 - first));
        cr_assert(eq(u64, subject.last_sequence, 300));
        cr_assert(eq(int, rill_index_delete(index_, first, RILL_BYTES("a")), RILL_OK));
    }
    cr_expect(eq(int, rill_index_subject(index_, RILL_BYTES("a"), &subject), RILL_ERR_NOT_FOUND));
}

/* A question with much to look at comes back with AGAIN, and goes on where it was; the answer is exact. */
Test(index_more, a_long_question_is_asked_in_steps)
{
    enum { MESSAGES = 300000 };
    char subject[16];
    for (uint64_t sequence = 1; sequence <= MESSAGES; sequence++) {
        snprintf(subject, sizeof subject, "s.%lu", sequence % 1000);
        const struct rill_index_message message = {.sequence = sequence,
                                                   .subject = rill_bytes_from_cstr(subject)};
        cr_assert(eq(int, rill_index_feed(index_, &message), RILL_OK));
        if (sequence == MESSAGES / 2)
            write_with(NULL);
    }
    const struct rill_bytes pattern = RILL_BYTES("s.*");
    struct rill_index_filter *filter = rill_index_filter_create(index_, &pattern, 1);
    uint64_t count = 0;
    int steps = 0;
    enum rill_err err;
    while ((err = rill_index_count(filter, 1, &count)) == RILL_ERR_AGAIN && steps < 1000)
        steps++;
    cr_expect(eq(int, err, RILL_OK));
    cr_expect(eq(u64, count, MESSAGES));
    cr_expect(gt(int, steps, 3));
    rill_index_filter_destroy(filter);
}

static void run_jobs(void)
{
    struct rill_index_job *job;
    while ((job = rill_index_job_start(index_)) != NULL) {
        rill_index_job_run(job);
        cr_assert(eq(int, rill_index_job_finish(index_, job), RILL_OK));
    }
}

/* Ids that somebody waits for are written before their batch ends; that moves nothing else. */
Test(index_more, ids_are_written_when_somebody_waits)
{
    feed(1, "x", 0);
    feed(2, "", 0);
    run_jobs();
    cr_expect(not(file_is_there()));
    cr_expect(not(rill_index_holds_ids(index_, 1)));
    run_jobs();
    cr_expect(rill_index_holds_ids(index_, 1));
    cr_expect(rill_index_holds_ids(index_, 2), "it has none");
    feed(3, "y", 0);
    cr_expect(rill_index_holds_ids(index_, 1));
    cr_expect(not(rill_index_holds_ids(index_, 3)));
    rill_index_close(index_);
    open_index();
    cr_expect(eq(u64, position.sequence, 0));
    cr_expect(eq(u64, rill_index_ids_end(index_), 1));
    cr_expect(eq(u64, seen("x", 0), 1));
}

/* An index that is made anew keeps the ids, and takes none of them from the log again: the newest of each stays. */
Test(index_more, ids_outlive_the_rest_of_the_file)
{
    struct rill_index_subject subject;
    feed(1, "x", 0);
    feed(2, "x", 0);
    write_with(NULL);
    rill_index_close(index_);
    options.keeps_ids = true;
    open_index();
    cr_expect(eq(int, found, RILL_INDEX_DISCARDED));
    cr_expect(eq(u64, position.sequence, 0));
    cr_expect(eq(int, rill_index_subject(index_, RILL_BYTES("a"), &subject), RILL_ERR_NOT_FOUND));
    cr_expect(eq(u64, seen("x", 0), 2));
    feed(1, "x", 0);
    write_with(NULL);
    cr_expect(eq(u64, seen("x", 0), 2));
    cr_expect(eq(int, rill_index_subject(index_, RILL_BYTES("a"), &subject), RILL_OK));
    cr_expect(eq(u64, subject.count, 1));
}
