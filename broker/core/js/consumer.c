// SPDX-License-Identifier: Apache-2.0
#include "consumer.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "consumer_keys.h"

#include <stdlib.h>
#include <utlist.h>

/* Runs beyond this are not kept: the next event says everything instead. */
enum { RUNS_KEPT_BYTES_MAX = 256 * 1024 };

// ---- life ----

struct consumer *consumer_create(const struct consumer_limits *limits, uint64_t first_sequence)
{
    RILL_ASSERT(first_sequence > 0);
    struct consumer *consumer = rill_alloc_zero(1, sizeof *consumer);
    consumer_set_limits(consumer, limits);
    consumer->cursor = first_sequence;
    consumer_runs_init(&consumer->runs);
    return consumer;
}

static void drop_keys(struct consumer *consumer)
{
    struct consumer_key *key;
    struct consumer_key *next;
    HASH_ITER (by_subject, consumer->keys, key, next) {
        HASH_DELETE(by_subject, consumer->keys, key);
        free(key);
    }
}

void consumer_destroy(struct consumer *consumer)
{
    if (!consumer)
        return;
    drop_keys(consumer);
    outstanding_fini(&consumer->outstanding);
    rill_deadlines_fini(&consumer->deadlines);
    consumer_runs_fini(&consumer->runs);
    free(consumer);
}

void consumer_set_limits(struct consumer *consumer, const struct consumer_limits *limits)
{
    RILL_ASSERT(limits->ack_pending_max > 0 && limits->ack_pending_max <= CONSUMER_ACK_PENDING_MAX);
    consumer->limits = limits;
}

static void note_many(struct consumer *consumer, enum consumer_op op, uint64_t sequence, uint64_t count)
{
    if (consumer->runs_lost || consumer->unlogged)
        return;
    consumer_runs_add(&consumer->runs, op, sequence, count);
    if (consumer->runs.bytes.len <= RUNS_KEPT_BYTES_MAX)
        return;
    consumer_runs_clear(&consumer->runs); // a whole state says it shorter
    consumer->runs_lost = true;
}

static void note(struct consumer *consumer, enum consumer_op op, uint64_t sequence)
{
    note_many(consumer, op, sequence, 1);
}

// ---- the states of an outstanding message ----

static int64_t wait_ns_of(const struct consumer *consumer, uint32_t delivered)
{
    const struct consumer_limits *limits = consumer->limits;
    if (limits->backoff_count == 0)
        return limits->ack_wait_ns;
    const uint32_t step = delivered > 1 ? delivered - 1 : 0;
    return limits->backoff_ns[step < limits->backoff_count ? step : limits->backoff_count - 1];
}

int64_t consumer_due_ns(const struct consumer *consumer, uint32_t delivered, int64_t now_ns)
{
    const int64_t wait_ns = wait_ns_of(consumer, delivered);
    return wait_ns < RILL_NEVER_NS - now_ns ? now_ns + wait_ns : RILL_NEVER_NS;
}

/* In none of the queues, and without a deadline. */
static void unqueue(struct consumer *consumer, struct outstanding *entry)
{
    rill_deadline_cancel(&consumer->deadlines, &entry->due);
    if (entry->state == OUTSTANDING_READY)
        DL_DELETE2(consumer->ready, entry, queue_prev, queue_next);
    else if (entry->state == OUTSTANDING_GIVEN_UP)
        DL_DELETE2(consumer->given_up, entry, queue_prev, queue_next);
    else if (entry->state == OUTSTANDING_PARKED && entry->key)
        DL_DELETE2(entry->key->parked, entry, queue_prev, queue_next);
    consumer->parked_count -= entry->state == OUTSTANDING_PARKED;
    entry->state = OUTSTANDING_WAITS;
}

static void wait_until(struct consumer *consumer, struct outstanding *entry, int64_t at_ns)
{
    unqueue(consumer, entry);
    if (at_ns != RILL_NEVER_NS)
        rill_deadline_set(&consumer->deadlines, &entry->due, at_ns);
}

static void wait_for_ack(struct consumer *consumer, struct outstanding *entry, int64_t now_ns)
{
    wait_until(consumer, entry, consumer_due_ns(consumer, entry->delivered, now_ns));
}

void consumer_make_ready(struct consumer *consumer, struct outstanding *entry)
{
    unqueue(consumer, entry);
    entry->state = OUTSTANDING_READY;
    DL_APPEND2(consumer->ready, entry, queue_prev, queue_next);
}

static void give_up(struct consumer *consumer, struct outstanding *entry)
{
    unqueue(consumer, entry);
    entry->state = OUTSTANDING_GIVEN_UP;
    DL_APPEND2(consumer->given_up, entry, queue_prev, queue_next);
}

static void finish(struct consumer *consumer, struct outstanding *entry)
{
    const bool was_parked = entry->state == OUTSTANDING_PARKED;
    if (consumer->unkeyed)
        LL_DELETE2(consumer->unkeyed, entry, unkeyed_next);
    unqueue(consumer, entry);
    struct outstanding *next = consumer_key_leave(consumer, entry, was_parked);
    if (next)
        consumer_make_ready(consumer, next);
    RILL_ASSERT(entry->delivered <= 1 || consumer->redelivered > 0);
    consumer->redelivered -= entry->delivered > 1;
    consumer->buried_count -= entry->buried;
    if (!entry->buried)
        note(consumer, CONSUMER_OP_DONE, entry->sequence);
    outstanding_remove(&consumer->outstanding, entry);
}

static void tell_done(struct consumer *consumer, uint64_t sequence)
{
    if (consumer->done)
        sequences_add(consumer->done, sequence);
}

/* As far as this consumer is concerned the stream may forget it. */
static void finish_done(struct consumer *consumer, struct outstanding *entry)
{
    tell_done(consumer, entry->sequence);
    finish(consumer, entry);
}

/* Its time has come: again, or never again. */
static void come_due(struct consumer *consumer, struct outstanding *entry)
{
    const uint32_t deliveries_max = consumer->limits->deliveries_max;
    if (entry->terminated || (deliveries_max && entry->delivered >= deliveries_max))
        give_up(consumer, entry);
    else
        consumer_make_ready(consumer, entry);
}

void consumer_reset(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry;
    RILL_ASSERT(sequence > 0);
    while ((entry = consumer->outstanding.first))
        finish(consumer, entry);
    consumer->cursor = sequence;
    consumer->consumer_seq = 0;
    consumer_lost_events(consumer);
}

// ---- delivering ----

uint64_t consumer_room(const struct consumer *consumer)
{
    const uint32_t all = consumer->outstanding.count, out = consumer_ack_pending(consumer);
    const uint32_t out_max = consumer->limits->ack_pending_max;
    if (out >= out_max || all >= CONSUMER_ACK_PENDING_MAX)
        return 0;
    if (consumer->limits->acks == CONSUMER_ACKS_NONE)
        return UINT64_MAX;
    const uint32_t room = CONSUMER_ACK_PENDING_MAX - all;
    return out_max - out < room ? out_max - out : room;
}

enum consumer_want consumer_want(const struct consumer *consumer, uint64_t last_sequence,
                                 uint64_t *ret_sequence)
{
    if (consumer->ready) {
        *ret_sequence = consumer->ready->sequence;
        return CONSUMER_WANTS_AGAIN;
    }
    if (consumer_room(consumer) == 0)
        return CONSUMER_IS_FULL;
    if (consumer->cursor > last_sequence)
        return CONSUMER_IS_AT_END;
    *ret_sequence = consumer->cursor;
    return CONSUMER_WANTS_NEXT;
}

struct consumer_offer consumer_offer(const struct consumer *consumer, uint64_t sequence)
{
    const struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    RILL_ASSERT(entry ? entry->state == OUTSTANDING_READY : sequence == consumer->cursor);
    return (struct consumer_offer){
        .consumer_seq = consumer->consumer_seq + 1,
        .delivered = entry ? entry->delivered + 1 : 1,
    };
}

struct outstanding *consumer_add_parked(struct consumer *consumer)
{
    struct outstanding *entry = outstanding_add(&consumer->outstanding, consumer->cursor++);
    entry->state = OUTSTANDING_PARKED;
    entry->consumer_seq = consumer->consumer_seq;
    consumer->parked_count++;
    note(consumer, CONSUMER_OP_PARKED, entry->sequence);
    return entry;
}

static struct outstanding *deliver_first(struct consumer *consumer, uint64_t sequence,
                                         struct consumer_key *key)
{
    RILL_ASSERT(sequence == consumer->cursor);
    consumer->cursor = sequence + 1;
    consumer->consumer_seq++;
    if (consumer->limits->acks == CONSUMER_ACKS_NONE) {
        note(consumer, CONSUMER_OP_SENT, sequence);
        tell_done(consumer, sequence);
        return NULL;
    }
    struct outstanding *entry = outstanding_add(&consumer->outstanding, sequence);
    entry->consumer_seq = consumer->consumer_seq;
    entry->delivered = 1;
    if (key)
        consumer_key_enter(key, entry);
    note(consumer, CONSUMER_OP_DELIVERED, sequence);
    return entry;
}

static void deliver_again(struct consumer *consumer, struct outstanding *entry)
{
    consumer->consumer_seq++;
    consumer->redelivered += entry->delivered == 1;
    if (entry->delivered++ == 0)
        entry->consumer_seq = consumer->consumer_seq;
    note(consumer, CONSUMER_OP_AGAIN, entry->sequence);
}

void consumer_delivered(struct consumer *consumer, uint64_t sequence, struct consumer_key *key,
                        int64_t now_ns)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (entry)
        deliver_again(consumer, entry);
    else
        entry = deliver_first(consumer, sequence, key);
    if (!entry)
        return;
    entry->delivered_at_ns = now_ns;
    wait_for_ack(consumer, entry, now_ns);
}

void consumer_delivered_run(struct consumer *consumer, uint64_t count, int64_t now_ns)
{
    const bool acks = consumer->limits->acks != CONSUMER_ACKS_NONE;
    RILL_ASSERT(count > 0 && count <= consumer_room(consumer) && !consumer->ready && !consumer->unkeyed);
    note_many(consumer, acks ? CONSUMER_OP_DELIVERED : CONSUMER_OP_SENT, consumer->cursor, count);
    for (uint64_t i = 0; acks && i < count; i++) {
        struct outstanding *entry = outstanding_add(&consumer->outstanding, consumer->cursor + i);
        entry->consumer_seq = consumer->consumer_seq + i + 1;
        entry->delivered = 1;
        entry->delivered_at_ns = now_ns;
        wait_for_ack(consumer, entry, now_ns);
    }
    for (uint64_t i = 0; !acks && consumer->done && i < count; i++)
        tell_done(consumer, consumer->cursor + i);
    consumer->cursor += count;
    consumer->consumer_seq += count;
}

void consumer_pass(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (entry)
        finish(consumer, entry);
    else
        consumer_skip(consumer, sequence + 1);
}

void consumer_skip(struct consumer *consumer, uint64_t sequence)
{
    RILL_ASSERT(sequence > consumer->cursor);
    note_many(consumer, CONSUMER_OP_PASSED, consumer->cursor, sequence - consumer->cursor);
    consumer->cursor = sequence;
}

// ---- acknowledgements ----

/* What was delivered and is not done; NULL: none. */
static struct outstanding *find_out(const struct consumer *consumer, uint64_t sequence,
                                    enum consumer_answer *ret_answer)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    const bool parked = entry && entry->state == OUTSTANDING_PARKED;
    *ret_answer = parked || sequence >= consumer->cursor ? CONSUMER_KNOWS_NOT
                  : entry                                ? CONSUMER_KNOWS
                                                         : CONSUMER_IS_DONE;
    return parked ? NULL : entry;
}

/* Returns whether anything was. */
static bool finish_up_to(struct consumer *consumer, uint64_t sequence,
                         void (*finish_one)(struct consumer *consumer, struct outstanding *entry))
{
    struct outstanding *entry = consumer->outstanding.first;
    if (!entry || entry->sequence > sequence)
        return false;
    while ((entry = consumer->outstanding.first) && entry->sequence <= sequence)
        finish_one(consumer, entry);
    return true;
}

enum consumer_answer consumer_ack(struct consumer *consumer, uint64_t sequence)
{
    enum consumer_answer answer;
    struct outstanding *entry = find_out(consumer, sequence, &answer);
    if (consumer->limits->acks == CONSUMER_ACKS_ALL && answer != CONSUMER_KNOWS_NOT)
        return finish_up_to(consumer, sequence, finish_done) ? CONSUMER_KNOWS : answer;
    if (entry)
        finish_done(consumer, entry);
    return answer;
}

enum consumer_answer consumer_nak(struct consumer *consumer, uint64_t sequence, int64_t at_ns, int64_t now_ns)
{
    enum consumer_answer answer;
    struct outstanding *entry = find_out(consumer, sequence, &answer);
    if (!entry || entry->state != OUTSTANDING_WAITS)
        return answer;
    if (at_ns > now_ns)
        wait_until(consumer, entry, at_ns);
    else
        come_due(consumer, entry);
    return answer;
}

enum consumer_answer consumer_progress(struct consumer *consumer, uint64_t sequence, int64_t now_ns)
{
    enum consumer_answer answer;
    struct outstanding *entry = find_out(consumer, sequence, &answer);
    if (entry && entry->delivered)
        wait_for_ack(consumer, entry, now_ns);
    return answer;
}

enum consumer_answer consumer_terminate(struct consumer *consumer, uint64_t sequence)
{
    enum consumer_answer answer;
    struct outstanding *entry = find_out(consumer, sequence, &answer);
    if (entry && !entry->terminated) {
        entry->terminated = true;
        note(consumer, CONSUMER_OP_TERMINATED, sequence);
    }
    if (entry && entry->state != OUTSTANDING_GIVEN_UP)
        give_up(consumer, entry);
    return answer;
}

void consumer_purged(struct consumer *consumer, uint64_t first_sequence)
{
    RILL_ASSERT(first_sequence > 0);
    (void)finish_up_to(consumer, first_sequence - 1, finish);
}

// ---- giving up ----

const struct outstanding *consumer_given_up(const struct consumer *consumer)
{
    return consumer->given_up;
}

void consumer_bury(struct consumer *consumer)
{
    struct outstanding *entry = consumer->given_up;
    RILL_ASSERT(entry);
    if (entry->terminated || !consumer->keeps_given_up)
        finish_done(consumer, entry);
    else
        finish(consumer, entry);
}

void consumer_bury_later(struct consumer *consumer, int64_t at_ns)
{
    RILL_ASSERT(consumer->given_up);
    wait_until(consumer, consumer->given_up, at_ns);
}

void consumer_log_buried(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (!entry || entry->buried)
        return;
    note(consumer, CONSUMER_OP_DONE, sequence);
    entry->buried = true;
    consumer->buried_count++;
}

void consumer_buried(struct consumer *consumer, uint64_t sequence)
{
    enum consumer_answer answer;
    struct outstanding *entry = find_out(consumer, sequence, &answer);
    if (entry)
        finish_done(consumer, entry);
}

// ---- time ----

int64_t consumer_next_deadline_ns(const struct consumer *consumer)
{
    return rill_deadlines_next_ns(&consumer->deadlines);
}

void consumer_expire(struct consumer *consumer, int64_t now_ns)
{
    struct rill_deadline *due;
    while ((due = rill_deadlines_take_due(&consumer->deadlines, now_ns)))
        come_due(consumer, (struct outstanding *)((char *)due - offsetof(struct outstanding, due)));
}

void consumer_expire_all(struct consumer *consumer)
{
    for (struct outstanding *entry = consumer->outstanding.first; entry; entry = entry->next) {
        if (entry->state == OUTSTANDING_WAITS)
            come_due(consumer, entry);
    }
}

// ---- what there is to know ----

struct consumer_floor consumer_ack_floor(const struct consumer *consumer)
{
    const struct outstanding *oldest = consumer->outstanding.first;
    if (oldest)
        return (struct consumer_floor){oldest->sequence - 1, oldest->consumer_seq - (oldest->delivered > 0)};
    return (struct consumer_floor){consumer->cursor - 1, consumer->consumer_seq};
}

uint32_t consumer_ack_pending(const struct consumer *consumer)
{
    return consumer->outstanding.count - consumer->parked_count;
}
