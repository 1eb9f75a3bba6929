// SPDX-License-Identifier: Apache-2.0
#include "consumer.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <utlist.h>

/* Runs beyond this are not kept: the next event says everything instead. */
enum { RUNS_KEPT_BYTES_MAX = 256 * 1024 };

enum { DUE_OUTSTANDING, DUE_PULL };

// ---- life ----

struct consumer *consumer_create(const struct consumer_limits *limits, uint64_t first_sequence)
{
    RILL_ASSERT(first_sequence > 0 && limits->waiting_max > 0);
    RILL_ASSERT(limits->ack_pending_max > 0 && limits->ack_pending_max <= CONSUMER_ACK_PENDING_MAX);
    struct consumer *consumer = rill_alloc_zero(1, sizeof *consumer);
    consumer->limits = *limits;
    consumer->cursor = first_sequence;
    consumer_runs_init(&consumer->runs);
    return consumer;
}

void consumer_destroy(struct consumer *consumer)
{
    if (!consumer)
        return;
    struct consumer_pull *pull;
    while ((pull = consumer_take_pull(consumer)))
        free(pull);
    while ((pull = consumer_take_expired(consumer)))
        free(pull);
    outstanding_fini(&consumer->outstanding);
    rill_deadlines_fini(&consumer->deadlines);
    consumer_runs_fini(&consumer->runs);
    free(consumer);
}

static void note(struct consumer *consumer, enum consumer_op op, uint64_t sequence)
{
    if (consumer->runs_lost)
        return;
    consumer_runs_add(&consumer->runs, op, sequence);
    if (consumer->runs.bytes.len > RUNS_KEPT_BYTES_MAX)
        consumer_lost_events(consumer);
}

// ---- pulls ----

enum rill_err consumer_pull_add(struct consumer *consumer, const struct consumer_pull_request *request)
{
    RILL_ASSERT(request->batch > 0 && request->reply.len > 0);
    if (consumer->pull_count >= consumer->limits.waiting_max)
        return RILL_ERR_LIMIT;
    struct consumer_pull *pull = rill_alloc_zero(1, sizeof *pull + request->reply.len);
    pull->left = request->batch;
    pull->no_wait = request->no_wait;
    pull->expires = request->expires_at_ns != RILL_NEVER_NS;
    pull->reply_len = request->reply.len;
    memcpy(pull->reply, request->reply.data, request->reply.len);
    pull->expiry.kind = DUE_PULL;
    if (pull->expires)
        rill_deadline_set(&consumer->deadlines, &pull->expiry, request->expires_at_ns);
    DL_APPEND(consumer->pulls, pull);
    consumer->pull_count++;
    consumer->no_wait_count += pull->no_wait;
    return RILL_OK;
}

static struct consumer_pull *take_out(struct consumer *consumer, struct consumer_pull *pull)
{
    RILL_ASSERT(consumer->pull_count > 0 && consumer->no_wait_count >= pull->no_wait);
    rill_deadline_cancel(&consumer->deadlines, &pull->expiry);
    DL_DELETE(consumer->pulls, pull);
    consumer->pull_count--;
    consumer->no_wait_count -= pull->no_wait;
    return pull;
}

void consumer_pull_end(struct consumer *consumer, struct consumer_pull *pull)
{
    free(take_out(consumer, pull));
}

struct consumer_pull *consumer_take_expired(struct consumer *consumer)
{
    struct consumer_pull *pull = consumer->expired;
    if (pull)
        DL_DELETE(consumer->expired, pull);
    return pull;
}

struct consumer_pull *consumer_take_unserved(struct consumer *consumer)
{
    if (consumer->no_wait_count == 0)
        return NULL;
    for (struct consumer_pull *pull = consumer->pulls; pull; pull = pull->next) {
        if (pull->no_wait && (pull->delivered || !pull->expires))
            return take_out(consumer, pull);
    }
    return NULL;
}

struct consumer_pull *consumer_take_pull(struct consumer *consumer)
{
    return consumer->pulls ? take_out(consumer, consumer->pulls) : NULL;
}

// ---- the states of an outstanding message ----

static void wait_until(struct consumer *consumer, struct outstanding *entry, int64_t at_ns)
{
    entry->due.kind = DUE_OUTSTANDING;
    rill_deadline_set(&consumer->deadlines, &entry->due, at_ns);
}

/* Neither waiting nor ready. */
static void unqueue(struct consumer *consumer, struct outstanding *entry)
{
    rill_deadline_cancel(&consumer->deadlines, &entry->due);
    if (entry->ready)
        DL_DELETE2(consumer->ready, entry, ready_prev, ready_next);
    entry->ready = false;
}

static void make_ready(struct consumer *consumer, struct outstanding *entry)
{
    unqueue(consumer, entry);
    entry->ready = true;
    DL_APPEND2(consumer->ready, entry, ready_prev, ready_next);
}

static void finish(struct consumer *consumer, struct outstanding *entry)
{
    unqueue(consumer, entry);
    RILL_ASSERT(entry->delivered <= 1 || consumer->redelivered > 0);
    consumer->redelivered -= entry->delivered > 1;
    outstanding_remove(&consumer->outstanding, entry);
}

static bool is_given_up(const struct consumer *consumer, const struct outstanding *entry)
{
    return consumer->limits.deliveries_max && entry->delivered >= consumer->limits.deliveries_max;
}

/* Its time has come: again, or never again. */
static void come_due(struct consumer *consumer, struct outstanding *entry)
{
    if (!is_given_up(consumer, entry)) {
        make_ready(consumer, entry);
        return;
    }
    consumer->given_up++;
    note(consumer, CONSUMER_OP_DONE, entry->sequence);
    finish(consumer, entry);
}

// ---- delivering ----

enum consumer_want consumer_want(const struct consumer *consumer, uint64_t last_sequence,
                                 uint64_t *ret_sequence)
{
    if (!consumer->pulls)
        return CONSUMER_HAS_NO_PULL;
    if (consumer->ready) {
        *ret_sequence = consumer->ready->sequence;
        return CONSUMER_WANTS_AGAIN;
    }
    if (consumer->outstanding.count >= consumer->limits.ack_pending_max)
        return CONSUMER_IS_FULL;
    if (consumer->cursor > last_sequence)
        return CONSUMER_IS_AT_END;
    *ret_sequence = consumer->cursor;
    return CONSUMER_WANTS_NEXT;
}

struct consumer_offer consumer_offer(const struct consumer *consumer, uint64_t sequence)
{
    RILL_ASSERT(consumer->pulls);
    const struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    RILL_ASSERT(entry ? entry->ready : sequence == consumer->cursor);
    return (struct consumer_offer){
        .pull = consumer->pulls,
        .consumer_seq = consumer->consumer_seq + 1,
        .delivered = entry ? entry->delivered + 1 : 1,
    };
}

static struct outstanding *deliver_first(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_add(&consumer->outstanding, sequence);
    entry->consumer_seq = ++consumer->consumer_seq;
    entry->delivered = 1;
    consumer->cursor = sequence + 1;
    return entry;
}

static void deliver_again(struct consumer *consumer, struct outstanding *entry)
{
    consumer->consumer_seq++;
    consumer->redelivered += entry->delivered == 1;
    entry->delivered++;
}

/* One message less; the others have their turn first. */
static void serve(struct consumer *consumer, struct consumer_pull *pull)
{
    pull->delivered++;
    if (--pull->left == 0) {
        consumer_pull_end(consumer, pull);
    } else if (pull->next) {
        DL_DELETE(consumer->pulls, pull);
        DL_APPEND(consumer->pulls, pull);
    }
}

void consumer_delivered(struct consumer *consumer, uint64_t sequence, const struct consumer_offer *offer,
                        int64_t now_ns)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (entry) {
        unqueue(consumer, entry);
        deliver_again(consumer, entry);
        note(consumer, CONSUMER_OP_AGAIN, sequence);
    } else {
        RILL_ASSERT(sequence == consumer->cursor);
        entry = deliver_first(consumer, sequence);
        note(consumer, CONSUMER_OP_DELIVERED, sequence);
    }
    wait_until(consumer, entry, now_ns + consumer->limits.ack_wait_ns);
    serve(consumer, offer->pull);
}

void consumer_pass(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (entry) {
        note(consumer, CONSUMER_OP_DONE, sequence);
        finish(consumer, entry);
        return;
    }
    RILL_ASSERT(sequence == consumer->cursor);
    note(consumer, CONSUMER_OP_PASSED, sequence);
    consumer->cursor++;
}

// ---- acknowledgements ----

static enum consumer_answer answer_of(const struct consumer *consumer, const struct outstanding *entry,
                                      uint64_t sequence)
{
    if (entry)
        return CONSUMER_KNOWS;
    return sequence < consumer->cursor ? CONSUMER_IS_DONE : CONSUMER_KNOWS_NOT;
}

enum consumer_answer consumer_ack(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    const enum consumer_answer answer = answer_of(consumer, entry, sequence);
    if (entry) {
        note(consumer, CONSUMER_OP_DONE, sequence);
        finish(consumer, entry);
    }
    return answer;
}

enum consumer_answer consumer_nak(struct consumer *consumer, uint64_t sequence, int64_t at_ns, int64_t now_ns)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    const enum consumer_answer answer = answer_of(consumer, entry, sequence);
    if (!entry || entry->ready)
        return answer;
    if (at_ns > now_ns)
        wait_until(consumer, entry, at_ns);
    else
        come_due(consumer, entry);
    return answer;
}

enum consumer_answer consumer_progress(struct consumer *consumer, uint64_t sequence, int64_t now_ns)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (entry) {
        unqueue(consumer, entry);
        wait_until(consumer, entry, now_ns + consumer->limits.ack_wait_ns);
    }
    return answer_of(consumer, entry, sequence);
}

// ---- time ----

int64_t consumer_next_deadline_ns(const struct consumer *consumer)
{
    return rill_deadlines_next_ns(&consumer->deadlines);
}

void consumer_expire(struct consumer *consumer, int64_t now_ns)
{
    struct rill_deadline *due;
    while ((due = rill_deadlines_take_due(&consumer->deadlines, now_ns))) {
        if (due->kind == DUE_OUTSTANDING) {
            come_due(consumer, (struct outstanding *)((char *)due - offsetof(struct outstanding, due)));
        } else {
            struct consumer_pull *pull =
                (struct consumer_pull *)((char *)due - offsetof(struct consumer_pull, expiry));
            take_out(consumer, pull);
            DL_APPEND(consumer->expired, pull);
        }
    }
}

// ---- what there is to know ----

struct consumer_floor consumer_ack_floor(const struct consumer *consumer)
{
    const struct outstanding *oldest = consumer->outstanding.first;
    if (oldest)
        return (struct consumer_floor){oldest->sequence - 1, oldest->consumer_seq - 1};
    return (struct consumer_floor){consumer->cursor - 1, consumer->consumer_seq};
}
