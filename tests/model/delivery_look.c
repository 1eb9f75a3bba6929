// SPDX-License-Identifier: Apache-2.0
#include "delivery_look.h"

#include "durable.h"

#include <inttypes.h>
#include <stdio.h>

static struct stream *stream_of(struct rill_core *core)
{
    return stream_find(core->jetstream, RILL_BYTES("S"));
}

static const struct consumer *consumer_of(struct rill_core *core, uint32_t number)
{
    char name[16];
    (void)snprintf(name, sizeof name, "W%u", number);
    const struct durable *durable = durable_find(stream_of(core), rill_bytes_from_cstr(name));
    return durable ? durable->consumer : NULL;
}

static bool is_stored(struct rill_core *core, uint64_t sequence)
{
    uint64_t next;
    return !rill_store_next(source_everything(stream_of(core)), sequence, &next) && next == sequence;
}

// ---- the stream ----

bool look_is_tidy(struct rill_core *core, const struct oracle *oracle)
{
    for (uint64_t i = 1; i <= oracle->last; i++) {
        if (is_stored(core, i) && !oracle->there[i])
            return false;
    }
    return true;
}

void look_at_stream(struct rill_core *core, struct oracle *oracle)
{
    for (uint64_t i = 1; i <= oracle->last; i++) {
        if (is_stored(core, i) != oracle->there[i])
            oracle_fail(oracle, "%" PRIu64 " is %s", i, oracle->there[i] ? "lost" : "kept");
    }
}

// ---- a consumer ----

/* The invariant of all: nothing is forgotten. */
static void check_owed(struct oracle *oracle, uint32_t number, const struct consumer *consumer)
{
    for (uint64_t i = 1; i < consumer->cursor && i <= oracle->last; i++) {
        const bool knows = outstanding_find(&consumer->outstanding, i) != NULL;
        if (oracle_owes(oracle, number, i) && oracle->there[i] && !knows)
            oracle_fail(oracle, "%" PRIu64 " is forgotten by %u", i, number);
    }
}

/* It stands behind what was delivered, and not behind what comes next. */
static void compare_cursor(struct oracle *oracle, uint32_t number, const struct consumer *consumer)
{
    struct naive_consumer *naive = &oracle->consumers[number];
    const bool parks = naive->config.per_subject_max > 0; // then the cursor goes on over what is held back
    if (consumer->cursor < naive->cursor || (!parks && consumer->cursor > oracle_next(oracle, number)))
        oracle_fail(oracle, "the cursor of %u is %" PRIu64 ", between %" PRIu64 " and %" PRIu64, number,
                    consumer->cursor, naive->cursor, oracle_next(oracle, number));
    for (; naive->cursor < consumer->cursor; naive->cursor++)
        naive->fate[naive->cursor] = outstanding_find(&consumer->outstanding, naive->cursor) ? PARKED : DONE;
}

static void compare_entry(struct oracle *oracle, uint32_t number, uint64_t sequence,
                          const struct outstanding *entry)
{
    struct naive_consumer *naive = &oracle->consumers[number];
    const enum fate fate = naive->fate[sequence];
    const bool expected = fate == PARKED || fate == WAITS || fate == READY;
    if (!entry && expected && !oracle->there[sequence])
        naive->fate[sequence] = DONE; // it was in the way, and there is no such message
    else if ((entry != NULL) != expected)
        oracle_fail(oracle, "%" PRIu64 " is %s at %u", sequence, entry ? "outstanding" : "done", number);
    else if (entry && entry->delivered != naive->delivered[sequence])
        oracle_fail(oracle, "%" PRIu64 " was delivered %u times to %u, not %u", sequence, entry->delivered,
                    number, naive->delivered[sequence]);
    else if (entry && entry->delivered && (entry->state == OUTSTANDING_READY) != (fate == READY))
        oracle_fail(oracle, "%" PRIu64 " is %s at %u", sequence, fate == READY ? "not ready" : "ready",
                    number);
}

static void compare_consumer(struct oracle *oracle, uint32_t number, const struct consumer *consumer)
{
    if ((consumer != NULL) != oracle->consumers[number].exists)
        oracle_fail(oracle, "consumer %u is %s", number, consumer ? "there" : "gone");
    if (!consumer || oracle->failure[0])
        return;
    check_owed(oracle, number, consumer);
    compare_cursor(oracle, number, consumer);
    if (consumer->consumer_seq != oracle->consumers[number].consumer_seq)
        oracle_fail(oracle, "%u has made %" PRIu64 " deliveries, not %" PRIu64, number,
                    consumer->consumer_seq, oracle->consumers[number].consumer_seq);
    for (uint64_t i = 1; i <= oracle->last; i++)
        compare_entry(oracle, number, i, outstanding_find(&consumer->outstanding, i));
}

void look_at_consumers(struct rill_core *core, struct oracle *oracle)
{
    for (uint32_t i = 0; i < CONSUMERS; i++)
        compare_consumer(oracle, i, consumer_of(core, i));
}

/* Where it stands in the oracle, a consumer that is done with a message has put it aside, or will as soon as that is possible. */
bool look_awaits_letters(struct rill_core *core)
{
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        const struct consumer *consumer = consumer_of(core, i);
        const struct outstanding *entry = consumer ? consumer->outstanding.first : NULL;
        for (; entry; entry = entry->next) {
            if (entry->told || entry->terminated)
                return true;
        }
    }
    return false;
}

uint64_t look_number(struct rill_core *core, uint32_t number)
{
    char name[16];
    (void)snprintf(name, sizeof name, "W%u", number);
    return durable_find(stream_of(core), rill_bytes_from_cstr(name))->settings->number;
}

// ---- after a crash ----

/* What waits for ever, or is terminated, comes due at once. */
static int64_t due_after_start(const struct oracle *oracle, uint32_t number, const struct outstanding *entry)
{
    const int64_t due_ns = oracle_due_ns(oracle, number, entry->delivered);
    return entry->terminated || due_ns == INT64_MAX ? oracle->now_ns : due_ns;
}

/* What was delivered and not noted comes again, as if for the first time. */
static void adopt(struct oracle *oracle, uint32_t number, const struct consumer *consumer, uint64_t sequence)
{
    struct naive_consumer *naive = &oracle->consumers[number];
    const struct outstanding *entry = outstanding_find(&consumer->outstanding, sequence);
    const bool comes = sequence >= consumer->cursor;
    if (naive->confirmed[sequence] && (entry || comes))
        oracle_fail(oracle, "%" PRIu64 " was confirmed to %u, and comes again", sequence, number);
    naive->fate[sequence] = entry ? entry->delivered ? WAITS : PARKED : comes ? NEVER : DONE;
    naive->terminated[sequence] = entry && entry->terminated;
    naive->delivered[sequence] = entry ? entry->delivered : comes ? 0 : naive->delivered[sequence];
    if (entry && entry->delivered)
        naive->due_ns[sequence] = due_after_start(oracle, number, entry);
}

static void adopt_consumer(struct oracle *oracle, uint32_t number, const struct consumer *consumer)
{
    struct naive_consumer *naive = &oracle->consumers[number];
    if ((consumer != NULL) != naive->exists)
        oracle_fail(oracle, "consumer %u is %s after a crash", number, consumer ? "there" : "gone");
    if (!consumer || oracle->failure[0])
        return;
    check_owed(oracle, number, consumer);
    if (consumer->consumer_seq > naive->consumer_seq)
        oracle_fail(oracle, "%u is in front of what it did", number);
    for (uint64_t i = 1; i <= oracle->last; i++)
        adopt(oracle, number, consumer, i);
    naive->cursor = consumer->cursor;
    naive->consumer_seq = consumer->consumer_seq;
}

void look_after_crash(struct rill_core *core, struct oracle *oracle)
{
    // What was removed as all were done may be there again; what somebody needed is.
    for (uint64_t i = 1; i <= oracle->last; i++) {
        const bool stored = is_stored(core, i);
        if (!stored && oracle->there[i])
            oracle_fail(oracle, "%" PRIu64 " is lost after a crash", i);
        oracle->there[i] |= stored && !oracle->removed[i];
    }
    for (uint32_t i = 0; i < CONSUMERS; i++)
        adopt_consumer(oracle, i, consumer_of(core, i));
}
