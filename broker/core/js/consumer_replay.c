// SPDX-License-Identifier: Apache-2.0
//
// A consumer and its stream's log: what it writes there, and how it comes back from it. The encoding is drawn in
// consumer_record.h.
#include "base/assert.h"
#include "consumer_keys.h"

// ---- writing ----

bool consumer_has_news(const struct consumer *consumer)
{
    return !consumer->unlogged && (consumer->runs_lost || !consumer_runs_is_empty(&consumer->runs));
}

void consumer_write_whole(const struct consumer *consumer, struct rill_buf *buf)
{
    varint_append(buf, consumer->cursor);
    varint_append(buf, consumer->consumer_seq);
    varint_append(buf, consumer->outstanding.count);
    uint64_t previous = 0;
    for (const struct outstanding *entry = consumer->outstanding.first; entry; entry = entry->next) {
        varint_append(buf, entry->sequence - previous);
        varint_append(buf, (uint64_t)entry->delivered << 1 | entry->terminated);
        varint_append(buf, consumer->consumer_seq - entry->consumer_seq);
        previous = entry->sequence;
    }
}

void consumer_write_event(struct consumer *consumer, uint64_t number, struct rill_buf *buf)
{
    RILL_ASSERT(consumer_has_news(consumer));
    if (consumer->runs_lost) {
        consumer_event_begin(buf, number, CONSUMER_FORM_WHOLE);
        consumer_write_whole(consumer, buf);
        return;
    }
    consumer_event_begin(buf, number, CONSUMER_FORM_RUNS);
    const enum rill_err err = rill_buf_append(buf, consumer_runs_bytes(&consumer->runs));
    RILL_ASSERT(err == RILL_OK);
}

void consumer_noted(struct consumer *consumer)
{
    // Events are rare for whoever is idle, and a whole batch for whoever is not: neither misses what is given back.
    consumer_runs_fini(&consumer->runs);
    consumer_runs_init(&consumer->runs);
    outstanding_trim(&consumer->outstanding);
    if (consumer->outstanding.count == 0)
        rill_deadlines_fini(&consumer->deadlines);
    consumer->runs_lost = false;
}

void consumer_lost_events(struct consumer *consumer)
{
    consumer_runs_clear(&consumer->runs);
    consumer->runs_lost = !consumer->unlogged;
}

// ---- reading ----

static void apply_delivered(struct consumer *consumer, uint64_t sequence)
{
    if (sequence < consumer->cursor || consumer->outstanding.count >= CONSUMER_ACK_PENDING_MAX)
        return;
    struct outstanding *entry = outstanding_add(&consumer->outstanding, sequence);
    entry->consumer_seq = ++consumer->consumer_seq;
    entry->delivered = 1;
    consumer->cursor = sequence + 1;
}

static void apply_parked(struct consumer *consumer, uint64_t sequence)
{
    if (sequence < consumer->cursor || consumer->outstanding.count >= CONSUMER_ACK_PENDING_MAX)
        return;
    struct outstanding *entry = outstanding_add(&consumer->outstanding, sequence);
    entry->consumer_seq = consumer->consumer_seq;
    entry->state = OUTSTANDING_PARKED;
    consumer->parked_count++;
    consumer->cursor = sequence + 1;
}

static void apply_sent(struct consumer *consumer, uint64_t sequence, uint64_t count)
{
    if (sequence < consumer->cursor)
        return;
    consumer->consumer_seq += count;
    consumer->cursor = sequence + count;
}

static void apply_passed(struct consumer *consumer, uint64_t last_sequence)
{
    if (last_sequence >= consumer->cursor)
        consumer->cursor = last_sequence + 1;
}

static void apply_again(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (!entry)
        return;
    consumer->consumer_seq++;
    consumer->redelivered += entry->delivered == 1;
    if (entry->delivered++ > 0)
        return;
    entry->consumer_seq = consumer->consumer_seq;
    consumer->parked_count--;
    entry->state = OUTSTANDING_WAITS;
}

static void apply_terminated(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (entry)
        entry->terminated = true;
}

static void apply_done(struct consumer *consumer, uint64_t sequence)
{
    struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    if (!entry)
        return;
    consumer->redelivered -= entry->delivered > 1;
    consumer->parked_count -= entry->delivered == 0;
    entry->state = OUTSTANDING_WAITS;
    outstanding_remove(&consumer->outstanding, entry);
}

static void apply_each(struct consumer *consumer, const struct consumer_run *run,
                       void (*apply)(struct consumer *consumer, uint64_t sequence))
{
    // Nothing that was true runs longer than what may be outstanding, whatever damaged bytes say.
    const uint64_t count = run->count < CONSUMER_ACK_PENDING_MAX ? run->count : CONSUMER_ACK_PENDING_MAX;
    for (uint64_t i = 0; i < count; i++)
        apply(consumer, run->first_sequence + i);
}

static void apply_run(struct consumer *consumer, const struct consumer_run *run)
{
    switch (run->op) {
    case CONSUMER_OP_DELIVERED:
        apply_each(consumer, run, apply_delivered);
        return;
    case CONSUMER_OP_AGAIN:
        apply_each(consumer, run, apply_again);
        return;
    case CONSUMER_OP_DONE:
        apply_each(consumer, run, apply_done);
        return;
    case CONSUMER_OP_PASSED:
        apply_passed(consumer, run->first_sequence + run->count - 1);
        return;
    case CONSUMER_OP_SENT:
        apply_sent(consumer, run->first_sequence, run->count);
        return;
    case CONSUMER_OP_PARKED:
        apply_each(consumer, run, apply_parked);
        return;
    case CONSUMER_OP_TERMINATED:
        apply_each(consumer, run, apply_terminated);
        return;
    case CONSUMER_OP_COUNT:
        break;
    }
    RILL_UNREACHABLE(); // consumer_runs_next gives no others
}

static enum rill_err apply_runs(struct consumer *consumer, struct rill_bytes bytes)
{
    struct consumer_runs_cursor cursor = consumer_runs_cursor_of(bytes);
    struct consumer_run run;
    enum rill_err err;
    while ((err = consumer_runs_next(&cursor, &run)) == RILL_OK)
        apply_run(consumer, &run);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static bool take_outstanding(struct consumer *consumer, struct rill_bytes *rest, uint64_t *previous)
{
    uint64_t step;
    uint64_t fate;
    uint64_t age;
    if (!varint_take(rest, &step) || !varint_take(rest, &fate) || !varint_take(rest, &age))
        return false;
    const uint64_t delivered = fate >> 1;
    const uint64_t sequence = *previous + step;
    if (step == 0 || sequence <= *previous || sequence >= consumer->cursor || age >= consumer->consumer_seq ||
        delivered > UINT32_MAX)
        return false;
    struct outstanding *entry = outstanding_add(&consumer->outstanding, sequence);
    entry->delivered = (uint32_t)delivered;
    entry->terminated = fate & 1;
    entry->state = delivered ? OUTSTANDING_WAITS : OUTSTANDING_PARKED;
    consumer->parked_count += delivered == 0;
    entry->consumer_seq = consumer->consumer_seq - age;
    consumer->redelivered += delivered > 1;
    *previous = sequence;
    return true;
}

static enum rill_err apply_whole(struct consumer *consumer, struct rill_bytes rest)
{
    uint64_t count;
    outstanding_fini(&consumer->outstanding);
    consumer->redelivered = 0;
    consumer->parked_count = 0;
    if (!varint_take(&rest, &consumer->cursor) || !varint_take(&rest, &consumer->consumer_seq) ||
        !varint_take(&rest, &count) || consumer->cursor == 0 || count > CONSUMER_ACK_PENDING_MAX)
        return RILL_ERR_DAMAGED;
    uint64_t previous = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!take_outstanding(consumer, &rest, &previous))
            return RILL_ERR_DAMAGED;
    }
    return rest.len == 0 ? RILL_OK : RILL_ERR_DAMAGED;
}

enum rill_err consumer_apply(struct consumer *consumer, enum consumer_form form, struct rill_bytes bytes)
{
    RILL_ASSERT(!consumer->ready && !consumer->given_up);
    return form == CONSUMER_FORM_WHOLE ? apply_whole(consumer, bytes) : apply_runs(consumer, bytes);
}

/* Nobody knows what has reached whoever had it: it waits anew. */
static void restart_entry(struct consumer *consumer, struct outstanding *entry, int64_t now_ns)
{
    const int64_t due_ns = entry->terminated ? now_ns : consumer_due_ns(consumer, entry->delivered, now_ns);
    rill_deadline_set(&consumer->deadlines, &entry->due, due_ns == RILL_NEVER_NS ? now_ns : due_ns);
}

void consumer_restart(struct consumer *consumer, uint64_t last_sequence, int64_t now_ns)
{
    // The log has one order, so only damage can bring a consumer in front of its stream.
    if (consumer->cursor > last_sequence + 1) {
        consumer->cursor = last_sequence + 1;
        consumer_lost_events(consumer);
    }
    struct outstanding *next;
    for (struct outstanding *entry = consumer->outstanding.first; entry; entry = next) {
        next = entry->next;
        if (entry->sequence > last_sequence)
            apply_done(consumer, entry->sequence);
        else if (entry->state == OUTSTANDING_PARKED && !consumer->limits->ack_pending_per_subject_max)
            consumer_make_ready(consumer, entry); // nothing holds it back any more
        else if (entry->state != OUTSTANDING_PARKED)
            restart_entry(consumer, entry, now_ns);
    }
    consumer_keys_forget(consumer);
}
