// SPDX-License-Identifier: Apache-2.0
//
// The consumer's state machine against a naive one: an array with the fate of each sequence, searched from end to end for
// everything. Random operations, restarts and lost records among them.
#include "consumer_keys.h"

#include "base/random.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { SUBJECTS = 4, SEEDS = 60, STEPS = 1500, SEQUENCES_MAX = 400, LOG_EVENTS_MAX = STEPS };

#define ACK_WAIT_NS 100

enum fate { NEVER, WAITS, READY, GIVEN_UP, PARKED, DONE };

struct naive {
    enum fate fate[SEQUENCES_MAX];
    uint32_t delivered[SEQUENCES_MAX];
    uint64_t consumer_seq_of[SEQUENCES_MAX]; // of its first delivery
    int64_t due_ns[SEQUENCES_MAX];
    bool terminated[SEQUENCES_MAX];
    uint64_t cursor;
    uint64_t consumer_seq;
};

struct model {
    uint64_t seed;
    uint32_t step;
    struct rill_random random;
    struct consumer_limits limits;
    struct consumer *consumer;
    struct naive naive;
    struct naive noted; // as the log has it
    uint64_t first_sequence;
    uint64_t last_sequence;
    int64_t now_ns;
    int64_t backoff_ns[3];

    // the log
    struct rill_buf log[LOG_EVENTS_MAX];
    uint32_t log_count;
};

/* But for the kind of acknowledgements and the limit of a subject, which never change. */
static void choose_limits(struct model *model)
{
    const enum consumer_acks acks = model->limits.acks;
    const uint32_t per_subject = model->limits.ack_pending_per_subject_max;
    model->limits = (struct consumer_limits){
        .acks = acks,
        .ack_pending_per_subject_max = per_subject,
        .ack_wait_ns = ACK_WAIT_NS,
        .backoff_ns = model->backoff_ns,
        .backoff_count = rill_random_below(&model->random, 4),
        .deliveries_max = rill_random_chance(&model->random, 1, 2) ? 3 : 0,
        .ack_pending_max = 1 + rill_random_below(&model->random, 20),
    };
}

static void model_init(struct model *model, uint64_t seed)
{
    *model = (struct model){.seed = seed, .random.state = seed};
    for (size_t i = 0; i < 3; i++)
        model->backoff_ns[i] = 10 + rill_random_below(&model->random, 150);
    choose_limits(model);
    model->limits.acks = (enum consumer_acks)rill_random_below(&model->random, 3);
    if (model->limits.acks == CONSUMER_ACKS_EXPLICIT)
        model->limits.ack_pending_per_subject_max = rill_random_below(&model->random, 3);
    const uint64_t first = 1 + rill_random_below(&model->random, 5);
    model->first_sequence = first; // a consumer never begins in front of its stream
    model->last_sequence = first - 1;
    model->consumer = consumer_create(&model->limits, first);
    model->naive.cursor = model->noted.cursor = first;
    for (uint64_t i = 0; i < first; i++)
        model->naive.fate[i] = model->noted.fate[i] = DONE;
}

static void model_fini(struct model *model)
{
    consumer_destroy(model->consumer);
    for (uint32_t i = 0; i < model->log_count; i++)
        rill_buf_fini(&model->log[i]);
}

/* Of a stream's messages: any function of the sequence does. */
static uint32_t subject_number(uint64_t sequence)
{
    return (uint32_t)(sequence * 7 / 3 % SUBJECTS);
}

static struct rill_bytes subject_of(uint64_t sequence)
{
    static const char *const subjects[SUBJECTS] = {"a", "b", "c.d", "e"};
    return rill_bytes_from_cstr(subjects[subject_number(sequence)]);
}

// ---- what the naive one knows ----

static bool is_outstanding(const struct naive *naive, uint64_t sequence)
{
    const enum fate fate = naive->fate[sequence];
    return fate == WAITS || fate == READY || fate == GIVEN_UP || fate == PARKED;
}

static uint32_t count_outstanding(const struct naive *naive, bool again)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++)
        count += is_outstanding(naive, i) && (!again || naive->delivered[i] > 1);
    return count;
}

/* Delivered, or about to be. */
static bool is_out(const struct naive *naive, uint64_t sequence)
{
    return is_outstanding(naive, sequence) && naive->fate[sequence] != PARKED;
}

static uint32_t count_out(const struct naive *naive)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++)
        count += is_out(naive, i);
    return count;
}

static bool subject_is_full(const struct model *model, uint64_t sequence)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++)
        count += is_out(&model->naive, i) && subject_number(i) == subject_number(sequence);
    return model->limits.ack_pending_per_subject_max && count >= model->limits.ack_pending_per_subject_max;
}

/* Who waits for its subject's turn has it as soon as there is room. */
static void naive_settle(struct model *model)
{
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        if (model->naive.fate[i] == PARKED && !subject_is_full(model, i))
            model->naive.fate[i] = READY;
    }
}

static bool any_ready(const struct naive *naive)
{
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        if (naive->fate[i] == READY)
            return true;
    }
    return false;
}

static uint64_t floor_of(const struct naive *naive)
{
    for (uint64_t i = 0; i < naive->cursor; i++) {
        if (is_outstanding(naive, i))
            return i - 1;
    }
    return naive->cursor - 1;
}

static enum consumer_want want_of(const struct model *model)
{
    if (any_ready(&model->naive))
        return CONSUMER_WANTS_AGAIN;
    if (count_out(&model->naive) >= model->limits.ack_pending_max)
        return CONSUMER_IS_FULL;
    return model->naive.cursor > model->last_sequence ? CONSUMER_IS_AT_END : CONSUMER_WANTS_NEXT;
}

// ---- operations, each done to both ----

static void publish(struct model *model)
{
    if (model->last_sequence < SEQUENCES_MAX - 2)
        model->last_sequence++;
}

static int64_t naive_wait_ns(const struct model *model, uint32_t delivered)
{
    const uint32_t count = model->limits.backoff_count;
    if (!count || !delivered)
        return ACK_WAIT_NS;
    return model->backoff_ns[delivered <= count ? delivered - 1 : count - 1];
}

static void naive_deliver(struct model *model, uint64_t sequence)
{
    struct naive *naive = &model->naive;
    naive->consumer_seq++;
    if (naive->delivered[sequence]++ == 0)
        naive->consumer_seq_of[sequence] = naive->consumer_seq;
    naive->fate[sequence] = model->limits.acks == CONSUMER_ACKS_NONE ? DONE : WAITS;
    naive->due_ns[sequence] = model->now_ns + naive_wait_ns(model, naive->delivered[sequence]);
}

/* Some of the next ones are not for this consumer. */
static void skip(struct model *model)
{
    struct naive *naive = &model->naive;
    uint64_t to = naive->cursor + rill_random_below(&model->random, 4);
    if (to > model->last_sequence + 1)
        to = model->last_sequence + 1;
    if (to <= naive->cursor)
        return;
    consumer_skip(model->consumer, to);
    while (naive->cursor < to)
        naive->fate[naive->cursor++] = DONE;
}

static void deliver(struct model *model)
{
    struct naive *naive = &model->naive;
    uint64_t sequence = 0;
    const enum consumer_want want = consumer_want(model->consumer, model->last_sequence, &sequence);
    if (want != CONSUMER_WANTS_AGAIN && want != CONSUMER_WANTS_NEXT)
        return;
    cr_assert(want == CONSUMER_WANTS_AGAIN ? naive->fate[sequence] == READY : sequence == naive->cursor);
    if (rill_random_chance(&model->random, 1, 20)) {
        consumer_pass(model->consumer, sequence); // its message is lost
        naive->fate[sequence] = DONE;
    } else if (want == CONSUMER_WANTS_NEXT && subject_is_full(model, sequence)) {
        struct consumer_key *key = consumer_key_take(model->consumer, subject_of(sequence));
        cr_assert(consumer_key_is_full(model->consumer, key));
        consumer_park(model->consumer, key);
        naive->fate[sequence] = PARKED;
    } else {
        struct consumer_key *key =
            want == CONSUMER_WANTS_NEXT ? consumer_key_take(model->consumer, subject_of(sequence)) : NULL;
        const struct consumer_offer offer = consumer_offer(model->consumer, sequence);
        cr_assert(eq(u64, offer.consumer_seq, naive->consumer_seq + 1));
        cr_assert(eq(u32, offer.delivered, naive->delivered[sequence] + 1));
        consumer_delivered(model->consumer, sequence, key, model->now_ns);
        naive_deliver(model, sequence);
    }
    if (sequence == naive->cursor)
        naive->cursor++;
}

static uint64_t some_sequence(struct model *model)
{
    return 1 + rill_random_below(&model->random, (uint32_t)model->last_sequence + 2);
}

static void expect_answer(const struct model *model, uint64_t sequence, enum consumer_answer answer,
                          bool was_out)
{
    const bool parked = model->naive.fate[sequence] == PARKED;
    const enum consumer_answer expected = was_out                                     ? CONSUMER_KNOWS
                                          : sequence < model->naive.cursor && !parked ? CONSUMER_IS_DONE
                                                                                      : CONSUMER_KNOWS_NOT;
    cr_assert(eq(int, answer, expected));
}

/* Ends this one, or all up to it; returns whether any was outstanding. */
static bool naive_ack(struct model *model, uint64_t sequence)
{
    const bool all = model->limits.acks == CONSUMER_ACKS_ALL && sequence < model->naive.cursor;
    bool any = false;
    for (uint64_t i = all ? 0 : sequence; i <= sequence; i++) {
        if (!is_out(&model->naive, i))
            continue;
        model->naive.fate[i] = DONE;
        any = true;
    }
    return any;
}

static void ack(struct model *model)
{
    const uint64_t sequence = some_sequence(model);
    const enum consumer_answer answer = consumer_ack(model->consumer, sequence);
    expect_answer(model, sequence, answer, naive_ack(model, sequence));
}

static void terminate(struct model *model)
{
    const uint64_t sequence = some_sequence(model);
    const bool was_out = is_out(&model->naive, sequence);
    expect_answer(model, sequence, consumer_terminate(model->consumer, sequence), was_out);
    if (!was_out)
        return;
    model->naive.fate[sequence] = GIVEN_UP;
    model->naive.terminated[sequence] = true;
}

/* Whoever tells about what is given up does it when it likes. */
static void bury(struct model *model)
{
    const struct outstanding *entry = consumer_given_up(model->consumer);
    if (!entry)
        return;
    const uint64_t sequence = entry->sequence;
    cr_assert(eq(int, model->naive.fate[sequence], GIVEN_UP));
    if (rill_random_chance(&model->random, 1, 3)) {
        // A letter goes out, and is stored or not.
        consumer_bury_later(model->consumer, model->now_ns + 50);
        model->naive.fate[sequence] = WAITS;
        model->naive.due_ns[sequence] = model->now_ns + 50;
        if (rill_random_chance(&model->random, 1, 2))
            return;
        consumer_buried(model->consumer, sequence);
    } else {
        consumer_bury(model->consumer);
    }
    model->naive.fate[sequence] = DONE;
}

static void purge(struct model *model)
{
    const uint64_t first = some_sequence(model);
    consumer_purged(model->consumer, first);
    for (uint64_t i = 0; i < first; i++) {
        if (is_outstanding(&model->naive, i))
            model->naive.fate[i] = DONE;
    }
}

static void reset(struct model *model)
{
    struct naive *naive = &model->naive;
    const uint64_t sequence = 1 + rill_random_below(&model->random, (uint32_t)model->last_sequence + 1);
    consumer_reset(model->consumer, sequence);
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        naive->fate[i] = i < sequence ? DONE : NEVER;
        naive->delivered[i] = 0;
        naive->terminated[i] = false;
    }
    naive->cursor = sequence;
}

static void change_limits(struct model *model)
{
    choose_limits(model);
    consumer_set_limits(model->consumer, &model->limits);
}

/* Due: again, or given up. */
static void naive_due(struct model *model, uint64_t sequence)
{
    const uint32_t max = model->limits.deliveries_max;
    const bool too_often = max && model->naive.delivered[sequence] >= max;
    model->naive.fate[sequence] = model->naive.terminated[sequence] || too_often ? GIVEN_UP : READY;
}

static void nak(struct model *model)
{
    const uint64_t sequence = some_sequence(model);
    const bool was_out = is_out(&model->naive, sequence);
    const bool waits = model->naive.fate[sequence] == WAITS;
    const int64_t delay_ns = rill_random_below(&model->random, 3) * 40;
    const enum consumer_answer answer =
        consumer_nak(model->consumer, sequence, model->now_ns + delay_ns, model->now_ns);
    expect_answer(model, sequence, answer, was_out);
    if (waits && delay_ns)
        model->naive.due_ns[sequence] = model->now_ns + delay_ns;
    else if (waits)
        naive_due(model, sequence);
}

static void progress(struct model *model)
{
    const uint64_t sequence = some_sequence(model);
    const bool was_out = is_out(&model->naive, sequence);
    expect_answer(model, sequence, consumer_progress(model->consumer, sequence, model->now_ns), was_out);
    if (!was_out || !model->naive.delivered[sequence])
        return;
    model->naive.fate[sequence] = WAITS;
    model->naive.due_ns[sequence] = model->now_ns + naive_wait_ns(model, model->naive.delivered[sequence]);
}

static void let_time_pass(struct model *model)
{
    model->now_ns += rill_random_below(&model->random, 60);
    consumer_expire(model->consumer, model->now_ns);
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        if (model->naive.fate[i] == WAITS && model->naive.due_ns[i] <= model->now_ns)
            naive_due(model, i);
    }
}

// ---- the log ----

static void write_event(struct model *model)
{
    if (!consumer_has_news(model->consumer) || model->log_count == LOG_EVENTS_MAX)
        return;
    struct rill_buf *event = &model->log[model->log_count++];
    rill_buf_init(event, 1 << 20);
    consumer_write_event(model->consumer, 7, event);
    consumer_noted(model->consumer);
    model->noted = model->naive;
}

/* The commits with the last events fail: the log loses them, the memory does not. */
static void lose_events(struct model *model)
{
    const uint32_t lost = rill_random_below(&model->random, 3);
    for (uint32_t i = 0; i < lost && model->log_count; i++)
        rill_buf_fini(&model->log[--model->log_count]);
    consumer_lost_events(model->consumer);
    write_event(model);
}

static void replay(struct model *model)
{
    for (uint32_t i = 0; i < model->log_count; i++) {
        uint64_t number;
        enum consumer_form form;
        struct rill_bytes rest;
        cr_assert(
            eq(int, consumer_event_parse(rill_buf_bytes(&model->log[i]), &number, &form, &rest), RILL_OK));
        cr_assert(eq(u64, number, 7));
        cr_assert(eq(int, consumer_apply(model->consumer, form, rest), RILL_OK));
    }
}

/* A checkpoint takes the place of all events before it. */
static void checkpoint(struct model *model)
{
    write_event(model);
    for (uint32_t i = 0; i < model->log_count; i++)
        rill_buf_fini(&model->log[i]);
    model->log_count = 1;
    rill_buf_init(&model->log[0], 1 << 20);
    consumer_event_begin(&model->log[0], 7, CONSUMER_FORM_WHOLE);
    consumer_write_whole(model->consumer, &model->log[0]);
    model->noted = model->naive;
}

static void restart(struct model *model)
{
    if (rill_random_chance(&model->random, 1, 2))
        checkpoint(model);
    // What the log does not know never happened, but for the messages themselves.
    consumer_destroy(model->consumer);
    model->consumer = consumer_create(&model->limits, model->first_sequence);
    replay(model);
    consumer_restart(model->consumer, model->last_sequence, model->now_ns);
    model->naive = model->noted;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        if (!is_outstanding(&model->naive, i))
            continue;
        // Who was never delivered waits for its subject's turn anew.
        model->naive.fate[i] = model->naive.delivered[i] ? WAITS : PARKED;
        model->naive.due_ns[i] =
            model->now_ns +
            (model->naive.terminated[i] ? 0 : naive_wait_ns(model, model->naive.delivered[i]));
    }
    const struct outstanding *entry;
    while ((entry = consumer_next_unkeyed(model->consumer)))
        consumer_set_key(model->consumer, subject_of(entry->sequence));
}

/* X(how often of a thousand, what) */
#define OPERATIONS(X)                                                                                        \
    X(200, publish)                                                                                          \
    X(340, deliver)                                                                                          \
    X(20, skip)                                                                                              \
    X(140, ack)                                                                                              \
    X(50, nak)                                                                                               \
    X(30, progress)                                                                                          \
    X(20, terminate)                                                                                         \
    X(30, bury)                                                                                              \
    X(5, purge)                                                                                              \
    X(2, reset)                                                                                              \
    X(3, change_limits)                                                                                      \
    X(70, let_time_pass)                                                                                     \
    X(60, write_event)                                                                                       \
    X(10, lose_events)                                                                                       \
    X(20, restart)

static void step(struct model *model)
{
    static const struct {
        uint32_t share;
        void (*run)(struct model *model);
    } operations[] = {
#define OPERATION_ROW(share, run) {share, run},
        OPERATIONS(OPERATION_ROW)
#undef OPERATION_ROW
    };
    uint32_t left = rill_random_below(&model->random, 1000);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (left < operations[i].share) {
            operations[i].run(model);
            return;
        }
        left -= operations[i].share;
    }
    cr_fatal("the shares make less than a thousand");
}

// ---- laws ----

static void check_sequences(const struct model *model)
{
    const struct consumer *consumer = model->consumer;
    for (uint64_t i = 1; i <= model->last_sequence; i++) {
        const struct outstanding *entry = outstanding_find(&consumer->outstanding, i);
        cr_assert(eq(int, entry != NULL, is_outstanding(&model->naive, i)),
                  "seed %" PRIu64 " step %u: sequence %" PRIu64, model->seed, model->step, i);
        // Every message that is there and not done is outstanding, or the cursor has not passed it.
        cr_assert(entry || model->naive.fate[i] == DONE || i >= consumer->cursor,
                  "seed %" PRIu64 " step %u: sequence %" PRIu64, model->seed, model->step, i);
        if (!entry)
            continue;
        cr_assert(eq(u32, entry->delivered, model->naive.delivered[i]));
        cr_assert(eq(int, entry->state == OUTSTANDING_READY, model->naive.fate[i] == READY));
        cr_assert(eq(int, entry->state == OUTSTANDING_GIVEN_UP, model->naive.fate[i] == GIVEN_UP),
                  "seed %" PRIu64 " step %u: sequence %" PRIu64, model->seed, model->step, i);
        cr_assert(eq(int, entry->state == OUTSTANDING_PARKED, model->naive.fate[i] == PARKED),
                  "seed %" PRIu64 " step %u: sequence %" PRIu64, model->seed, model->step, i);
        if (!entry->delivered)
            continue;
        cr_assert(eq(u64, entry->consumer_seq, model->naive.consumer_seq_of[i]));
    }
}

static void check(const struct model *model)
{
    const struct consumer *consumer = model->consumer;
    uint64_t sequence;
    cr_assert(eq(u64, consumer->cursor, model->naive.cursor), "seed %" PRIu64 " step %u", model->seed,
              model->step);
    cr_assert(eq(u64, consumer->consumer_seq, model->naive.consumer_seq), "seed %" PRIu64 " step %u",
              model->seed, model->step);
    cr_assert(eq(u32, consumer->outstanding.count, count_outstanding(&model->naive, false)),
              "seed %" PRIu64 " step %u", model->seed, model->step);
    cr_assert(eq(u32, consumer_ack_pending(consumer), count_out(&model->naive)), "seed %" PRIu64 " step %u",
              model->seed, model->step);
    cr_assert(eq(u32, consumer->redelivered, count_outstanding(&model->naive, true)),
              "seed %" PRIu64 " step %u", model->seed, model->step);
    cr_assert(eq(u64, consumer_ack_floor(consumer).sequence, floor_of(&model->naive)),
              "seed %" PRIu64 " step %u", model->seed, model->step);
    cr_assert(eq(int, consumer_want(consumer, model->last_sequence, &sequence), want_of(model)),
              "seed %" PRIu64 " step %u", model->seed, model->step);
    check_sequences(model);
}

// Whatever happens in whatever order, the state machine does what the naive one does, also after its log was replayed.
Test(consumer, does_what_a_naive_one_does)
{
    const struct seed_range seeds = seed_range(SEEDS);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct model *model = calloc(1, sizeof *model);
        cr_assert(ne(ptr, model, NULL));
        model_init(model, seed);
        for (; model->step < STEPS; model->step++) {
            step(model);
            naive_settle(model);
            check(model);
        }
        model_fini(model);
        free(model);
    }
}
