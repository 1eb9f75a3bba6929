// SPDX-License-Identifier: Apache-2.0
#include "delivery_oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const oracle_subjects[SUBJECTS] = {"ev.a",   "ev.b", "ev.a.x", "ev.b.x",
                                               "ev.a.y", "ev.c", "ev.none"};

const char *const oracle_filters[FILTERS] = {
    "\"filter_subject\":\"ev.a\"",
    "\"filter_subject\":\"ev.*\"",
    "\"filter_subjects\":[\"ev.*.x\",\"ev.c\"]",
    "\"filter_subject\":\"ev.a.>\"",
    "\"filter_subjects\":[\"ev.b\",\"ev.b.>\",\"ev.a.y\"]",
    "\"filter_subject\":\"\"",
    "\"filter_subject\":\"ev.none\"",
};

const int64_t oracle_backoff_ns[BACKOFF_STEPS] = {INT64_C(300000000), INT64_C(900000000)};

bool oracle_takes(uint32_t filter, uint32_t subject)
{
    static const bool takes[FILTERS][SUBJECTS] = {
        {true},
        {true, true, false, false, false, true, true},
        {false, false, true, true, false, true},
        {false, false, true, false, true},
        {false, true, false, true, true},
        {true, true, true, true, true, true, true},
        {false, false, false, false, false, false, true},
    };
    return takes[filter][subject];
}

void oracle_fail(struct oracle *oracle, const char *format, ...)
{
    va_list args;
    if (oracle->failure[0])
        return;
    va_start(args, format);
    (void)vsnprintf(oracle->failure, sizeof oracle->failure, format, args);
    va_end(args);
}

// ---- questions ----

static bool matches(const struct naive_consumer *consumer, const struct oracle *oracle, uint64_t sequence)
{
    if (sequence <= consumer->listed_to && !consumer->listed[sequence])
        return false;
    return consumer->exists && oracle_takes(consumer->config.filter, oracle->subject[sequence]);
}

bool oracle_is_for(const struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    return oracle->there[sequence] && matches(&oracle->consumers[consumer], oracle, sequence);
}

static bool is_outstanding(const struct naive_consumer *consumer, uint64_t sequence)
{
    return consumer->exists && (consumer->fate[sequence] == PARKED || consumer->fate[sequence] == WAITS ||
                                consumer->fate[sequence] == READY);
}

/* Delivered and not done. */
static bool is_out(const struct naive_consumer *consumer, uint64_t sequence)
{
    return is_outstanding(consumer, sequence) && consumer->fate[sequence] != PARKED;
}

bool oracle_owes(const struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    return oracle_is_for(oracle, consumer, sequence) && oracle->consumers[consumer].fate[sequence] != DONE;
}

uint64_t oracle_count(const struct oracle *oracle)
{
    uint64_t count = 0;
    for (uint64_t i = 1; i <= oracle->last; i++)
        count += oracle->there[i];
    return count;
}

uint64_t oracle_pending(const struct oracle *oracle, uint32_t consumer)
{
    uint64_t count = 0;
    for (uint64_t i = oracle->consumers[consumer].cursor; i <= oracle->last; i++)
        count += oracle_is_for(oracle, consumer, i);
    return count;
}

uint64_t oracle_next(const struct oracle *oracle, uint32_t consumer)
{
    uint64_t sequence = oracle->consumers[consumer].cursor;
    while (sequence <= oracle->last && !oracle_is_for(oracle, consumer, sequence))
        sequence++;
    return sequence;
}

/* What is gone from the stream may count or not: it leaves when its turn comes. */
static bool is_full(const struct oracle *oracle, const struct naive_consumer *consumer, bool counts_gone)
{
    uint32_t count = 0;
    for (uint64_t i = 1; i <= oracle->last; i++)
        count += is_out(consumer, i) && (counts_gone || oracle->there[i]);
    return count >= consumer->config.ack_pending_max;
}

/* Does this message have to wait for others of its subject? One that is parked waits for those in front of it. */
static bool is_held(const struct oracle *oracle, const struct naive_consumer *consumer, uint64_t sequence,
                    bool counts_gone)
{
    uint32_t out = 0;
    bool in_front = false;
    for (uint64_t i = 1; i <= oracle->last; i++) {
        if (oracle->subject[i] != oracle->subject[sequence] || !(counts_gone || oracle->there[i]))
            continue;
        out += is_out(consumer, i);
        in_front |= i < sequence && consumer->exists && consumer->fate[i] == PARKED;
    }
    return consumer->config.per_subject_max && (in_front || out >= consumer->config.per_subject_max);
}

/* A first delivery that nothing holds back, of a parked message or of a new one. */
static bool has_first_delivery(const struct oracle *oracle, uint32_t consumer)
{
    const struct naive_consumer *of = &oracle->consumers[consumer];
    const bool full = is_full(oracle, of, true);
    for (uint64_t i = 1; i <= oracle->last; i++) {
        const bool is_new = i >= of->cursor && oracle_is_for(oracle, consumer, i) && !full;
        const bool is_parked = of->fate[i] == PARKED && oracle->there[i];
        if ((is_new || is_parked) && !is_held(oracle, of, i, true))
            return true;
    }
    return false;
}

bool oracle_has_delivery(const struct oracle *oracle, uint32_t consumer)
{
    const struct naive_consumer *of = &oracle->consumers[consumer];
    for (uint64_t i = 1; i <= oracle->last; i++) {
        if (of->fate[i] == READY && oracle->there[i])
            return true;
    }
    return has_first_delivery(oracle, consumer);
}

bool oracle_may_share(const struct oracle *oracle, uint32_t consumer, uint32_t filter)
{
    for (uint32_t other = 0; other < CONSUMERS; other++) {
        for (uint32_t i = 0; i < SUBJECTS && other != consumer && oracle->consumers[other].exists; i++) {
            if (oracle_takes(filter, i) && oracle_takes(oracle->consumers[other].config.filter, i))
                return false;
        }
    }
    return true;
}

// ---- the stream ----

/* For which it is still to come, or outstanding. */
static bool is_needed(const struct oracle *oracle, uint64_t sequence)
{
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        const struct naive_consumer *consumer = &oracle->consumers[i];
        if (is_outstanding(consumer, sequence) ||
            (sequence >= consumer->cursor && matches(consumer, oracle, sequence)))
            return true;
    }
    return false;
}

void oracle_forget_unneeded(struct oracle *oracle)
{
    for (uint64_t i = 1; oracle->retention == BY_INTEREST && i <= oracle->last; i++)
        oracle->there[i] &= is_needed(oracle, i);
}

void oracle_remove(struct oracle *oracle, uint64_t sequence)
{
    oracle->removed[sequence] |= oracle->there[sequence];
    oracle->there[sequence] = false;
}

static void remove_oldest(struct oracle *oracle, uint32_t subject)
{
    for (uint64_t i = 1; i <= oracle->last; i++) {
        if (!oracle->there[i] || (subject < SUBJECTS && oracle->subject[i] != subject))
            continue;
        oracle_remove(oracle, i);
        return;
    }
}

static uint64_t count_subject(const struct oracle *oracle, uint32_t subject)
{
    uint64_t count = 0;
    for (uint64_t i = 1; i <= oracle->last; i++)
        count += oracle->there[i] && oracle->subject[i] == subject;
    return count;
}

bool oracle_publish(struct oracle *oracle, uint32_t subject)
{
    if (oracle->limit == DISCARD_NEW && oracle_count(oracle) >= MSGS_MAX)
        return false;
    oracle->last++;
    oracle->subject[oracle->last] = (uint8_t)subject;
    oracle->there[oracle->last] = true;
    oracle->time_ns[oracle->last] = oracle->now_ns;
    oracle_forget_unneeded(oracle);
    if (oracle->limit == DISCARD_OLD && oracle_count(oracle) > MSGS_MAX)
        remove_oldest(oracle, SUBJECTS);
    if (oracle->limit == LAST_PER_SUBJECT && count_subject(oracle, subject) > PER_SUBJECT)
        remove_oldest(oracle, subject);
    return true;
}

// ---- consumers ----

/* Never again. On a work queue that is the message's end, unless it was given up. */
static void finish(struct oracle *oracle, uint32_t consumer, uint64_t sequence, bool gives_up)
{
    oracle->consumers[consumer].fate[sequence] = DONE;
    if (oracle->retention == WORK_QUEUE && !gives_up)
        oracle->there[sequence] = false;
    oracle_forget_unneeded(oracle);
}

static void come_due(struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    const uint32_t max = of->config.deliveries_max;
    if (max && of->delivered[sequence] >= max)
        finish(oracle, consumer, sequence, true);
    else
        of->fate[sequence] = READY;
}

void oracle_advance(struct oracle *oracle, int64_t now_ns)
{
    oracle->now_ns = now_ns;
    for (uint64_t i = 1; i <= oracle->last; i++) {
        if (oracle->limit == BY_AGE && oracle->time_ns[i] + MAX_AGE_NS <= now_ns)
            oracle_remove(oracle, i);
        for (uint32_t c = 0; c < CONSUMERS; c++) {
            if (oracle->consumers[c].fate[i] == WAITS && oracle->consumers[c].due_ns[i] <= now_ns)
                come_due(oracle, c, i);
        }
    }
}

int64_t oracle_wait_ns(const struct oracle *oracle, uint32_t consumer, uint32_t delivered)
{
    if (!oracle->consumers[consumer].config.backs_off)
        return ACK_WAIT_NS;
    return oracle_backoff_ns[delivered < BACKOFF_STEPS ? delivered - 1 : BACKOFF_STEPS - 1];
}

static void list_last_of_each(struct oracle *oracle, struct naive_consumer *consumer)
{
    bool found[SUBJECTS] = {false};
    consumer->listed_to = oracle->last;
    for (uint64_t i = oracle->last; i > 0; i--) {
        consumer->listed[i] = oracle->there[i] && !found[oracle->subject[i]];
        found[oracle->subject[i]] |= oracle->there[i];
    }
}

void oracle_begin_consumer(struct oracle *oracle, uint32_t consumer, const struct naive_config *config)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    memset(of, 0, sizeof *of);
    of->exists = true;
    of->config = *config;
    of->cursor = config->start == FROM_NEW        ? oracle->last + 1
                 : config->start == FROM_SEQUENCE ? config->start_sequence
                                                  : 1;
    for (uint64_t i = 0; i < of->cursor; i++)
        of->fate[i] = DONE;
    if (config->start == FROM_LAST_PER_SUBJECT)
        list_last_of_each(oracle, of);
    oracle_forget_unneeded(oracle);
}

void oracle_end_consumer(struct oracle *oracle, uint32_t consumer)
{
    memset(&oracle->consumers[consumer], 0, sizeof oracle->consumers[consumer]);
    oracle_forget_unneeded(oracle);
}

void oracle_change_consumer(struct oracle *oracle, uint32_t consumer, const struct naive_config *config)
{
    oracle->consumers[consumer].config = *config;
    oracle_forget_unneeded(oracle);
}

void oracle_reset_consumer(struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    of->cursor = sequence;
    of->consumer_seq = 0;
    for (uint64_t i = 1; i < MESSAGES_MAX; i++) {
        of->fate[i] = i < sequence ? DONE : NEVER;
        of->delivered[i] = 0;
        of->confirmed[i] = false;
    }
    oracle_forget_unneeded(oracle);
}

/* Is it the one that comes next, or one that was parked and whose turn it is? */
static void check_first(struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    if (is_held(oracle, of, sequence, false))
        oracle_fail(oracle, "%" PRIu64 " came to %u before its subject's turn", sequence, consumer);
    if (of->fate[sequence] == PARKED)
        return;
    if (is_full(oracle, of, false))
        oracle_fail(oracle, "%" PRIu64 " came to %u, which is full", sequence, consumer);
    for (; of->cursor < sequence; of->cursor++) {
        const bool passes = !oracle_is_for(oracle, consumer, of->cursor);
        if (!passes && !is_held(oracle, of, of->cursor, true))
            oracle_fail(oracle, "%" PRIu64 " came to %u, and not %" PRIu64, sequence, consumer, of->cursor);
        of->fate[of->cursor] = passes ? DONE : PARKED; // for good, whatever the filter will be
    }
    if (of->cursor++ != sequence)
        oracle_fail(oracle, "%" PRIu64 " came to %u, which is behind it", sequence, consumer);
}

void oracle_delivered(struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    if (!oracle->there[sequence])
        oracle_fail(oracle, "%" PRIu64 " came to %u and is gone", sequence, consumer);
    if (of->fate[sequence] != READY)
        check_first(oracle, consumer, sequence);
    of->consumer_seq++;
    of->delivered[sequence]++;
    of->fate[sequence] = WAITS;
    of->due_ns[sequence] = oracle->now_ns + oracle_wait_ns(oracle, consumer, of->delivered[sequence]);
    if (of->config.acks == ACKS_NONE)
        finish(oracle, consumer, sequence, false);
}

// ---- acknowledgements ----

void oracle_ack(struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    const bool all = of->config.acks == ACKS_ALL && sequence < of->cursor;
    for (uint64_t i = all ? 1 : sequence; i <= sequence; i++) {
        if (!is_out(of, i))
            continue;
        of->confirmed[i] = true;
        finish(oracle, consumer, i, false);
    }
}

void oracle_terminate(struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    if (!is_out(of, sequence))
        return;
    of->confirmed[sequence] = true;
    finish(oracle, consumer, sequence, false);
}

void oracle_nak(struct oracle *oracle, uint32_t consumer, uint64_t sequence, int64_t delay_ns)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    if (!of->exists || of->fate[sequence] != WAITS)
        return;
    of->due_ns[sequence] = oracle->now_ns + delay_ns;
    if (delay_ns == 0)
        come_due(oracle, consumer, sequence);
}

void oracle_progress(struct oracle *oracle, uint32_t consumer, uint64_t sequence)
{
    struct naive_consumer *of = &oracle->consumers[consumer];
    if (!is_out(of, sequence))
        return;
    of->fate[sequence] = WAITS;
    of->due_ns[sequence] = oracle->now_ns + oracle_wait_ns(oracle, consumer, of->delivered[sequence]);
}

void oracle_forget_memory(struct oracle *oracle)
{
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        if (oracle->consumers[c].config.in_memory)
            oracle_end_consumer(oracle, c);
    }
}

void oracle_restart(struct oracle *oracle)
{
    oracle_forget_memory(oracle);
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        for (uint64_t i = 1; i <= oracle->last; i++) {
            struct naive_consumer *of = &oracle->consumers[c];
            if (!is_out(of, i))
                continue;
            of->fate[i] = WAITS;
            of->due_ns[i] = oracle->now_ns + oracle_wait_ns(oracle, c, of->delivered[i]);
        }
    }
}
