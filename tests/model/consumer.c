// SPDX-License-Identifier: Apache-2.0
//
// The consumer's state machine against a naive one (consumer_model.h). Random operations, restarts and lost records among them.
#include "consumer_model.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { SEEDS = 60 };

/* But for the kind of acknowledgements and the limit of a subject, which never change. */
static void choose_limits(struct model *model)
{
    const enum consumer_acks acks = model->limits.acks;
    const uint32_t per_subject = model->limits.ack_pending_per_subject_max;
    model->limits = (struct consumer_limits){
        .acks = acks,
        .ack_pending_per_subject_max = per_subject,
        .ack_wait_ns = rill_random_chance(&model->random, 1, 4) ? RILL_NEVER_NS : ACK_WAIT_NS,
        .backoff_ns = model->backoff_ns,
        .backoff_count = rill_random_below(&model->random, 4),
        .deliveries_max = rill_random_chance(&model->random, 1, 2) ? 3 : 0,
        .ack_pending_max = 1 + rill_random_below(&model->random, 20),
    };
}

/* A state machine that tells with what it is done. */
static void make_consumer(struct model *model)
{
    model->consumer = consumer_create(&model->limits, model->first_sequence);
    model->consumer->done = &model->done;
    model->consumer->keeps_given_up = model->seed % 2;
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
    model->takes = 1 + rill_random_below(&model->random, (1 << SUBJECTS) - 1);
    make_consumer(model);
    model->naive.cursor = model->noted.cursor = first;
    for (uint64_t i = 0; i < first; i++) {
        model->naive.fate[i] = model->noted.fate[i] = DONE;
        model->naive.owes_nothing[i] = model->noted.owes_nothing[i] = true;
    }
}

static void model_fini(struct model *model)
{
    consumer_destroy(model->consumer);
    sequences_fini(&model->done);
    sequences_fini(&model->done_expected);
    for (uint32_t i = 0; i < model->log_count; i++)
        rill_buf_fini(&model->log[i]);
}

// ---- operations, each done to both ----

/* Who waits for its subject's turn has it as soon as there is room. */
static void naive_settle(struct model *model)
{
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        if (model->naive.fate[i] == PARKED && !model_subject_is_full(model, i))
            model->naive.fate[i] = READY;
    }
}

/* Never again. The stream is told unless it is to keep it, or it is gone there anyway. */
static void naive_finish(struct model *model, uint64_t sequence, bool tells)
{
    model->naive.fate[sequence] = DONE;
    model->naive.owes_nothing[sequence] = true;
    if (tells)
        sequences_add(&model->done_expected, sequence);
}

static void publish(struct model *model)
{
    if (model->last_sequence < SEQUENCES_MAX - 2)
        model->last_sequence++;
}

/* When what was delivered so often comes again, as of now. */
static int64_t naive_due_ns(const struct model *model, uint32_t delivered)
{
    const uint32_t count = model->limits.backoff_count;
    if (count && delivered)
        return model->now_ns + model->backoff_ns[delivered <= count ? delivered - 1 : count - 1];
    return model->limits.ack_wait_ns == RILL_NEVER_NS ? RILL_NEVER_NS : model->now_ns + ACK_WAIT_NS;
}

/* After a restart also what waited for ever comes. */
static int64_t naive_due_again_ns(const struct model *model, uint64_t sequence)
{
    const int64_t due_ns = naive_due_ns(model, model->naive.delivered[sequence]);
    return model->naive.terminated[sequence] || due_ns == RILL_NEVER_NS ? model->now_ns : due_ns;
}

static void naive_deliver(struct model *model, uint64_t sequence)
{
    struct naive *naive = &model->naive;
    naive->consumer_seq++;
    if (naive->delivered[sequence]++ == 0)
        naive->consumer_seq_of[sequence] = naive->consumer_seq;
    naive->fate[sequence] = WAITS;
    if (model->limits.acks == CONSUMER_ACKS_NONE)
        naive_finish(model, sequence, true);
    naive->due_ns[sequence] = naive_due_ns(model, naive->delivered[sequence]);
}

/* What is not for it is passed over. */
static void naive_pass_to(struct model *model, uint64_t to)
{
    for (; model->naive.cursor < to; model->naive.cursor++) {
        cr_assert(not(model_is_for_it(model, model->naive.cursor)));
        naive_finish(model, model->naive.cursor, false);
    }
}

/* The cursor goes to the next one that is for it. False: there is none. */
static bool find_next(struct model *model)
{
    const uint64_t next = model_next(model, model->naive.cursor);
    if (next > model->naive.cursor)
        consumer_skip(model->consumer, next);
    naive_pass_to(model, next);
    return next > 0;
}

static void deliver_first(struct model *model, uint64_t sequence)
{
    struct consumer_key *key = consumer_key_take(model->consumer, model_subject(sequence));
    if (model_subject_is_full(model, sequence)) {
        cr_assert(consumer_key_is_full(model->consumer, key));
        consumer_park(model->consumer, key);
        model->naive.fate[sequence] = PARKED;
    } else {
        consumer_delivered(model->consumer, sequence, key, model->now_ns);
        naive_deliver(model, sequence);
    }
}

static void deliver(struct model *model)
{
    struct naive *naive = &model->naive;
    uint64_t sequence = 0;
    const enum consumer_want want = consumer_want(model->consumer, model->last_sequence, &sequence);
    const bool again = want == CONSUMER_WANTS_AGAIN;
    if (!again && (want != CONSUMER_WANTS_NEXT || !find_next(model)))
        return;
    if (!again)
        sequence = naive->cursor;
    cr_assert(eq(int, naive->fate[sequence], again ? READY : NEVER));
    const struct consumer_offer offer = consumer_offer(model->consumer, sequence);
    cr_assert(eq(u64, offer.consumer_seq, naive->consumer_seq + 1));
    cr_assert(eq(u32, offer.delivered, naive->delivered[sequence] + 1));
    model->gone[sequence] |= rill_random_chance(&model->random, 1, 20); // lost to damage, between two looks
    if (model->gone[sequence]) {
        consumer_pass(model->consumer, sequence);
        naive_finish(model, sequence, false);
    } else if (again) {
        consumer_delivered(model->consumer, sequence, NULL, model->now_ns);
        naive_deliver(model, sequence);
    } else {
        deliver_first(model, sequence);
    }
    naive->cursor += sequence == naive->cursor;
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
        if (!naive_is_out(&model->naive, i))
            continue;
        naive_finish(model, i, true);
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
    const bool was_out = naive_is_out(&model->naive, sequence);
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
    bool tells = true;
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
        tells = model->naive.terminated[sequence] || !model->consumer->keeps_given_up;
        consumer_bury(model->consumer);
    }
    naive_finish(model, sequence, tells);
}

static void purge(struct model *model)
{
    const uint64_t first = some_sequence(model);
    consumer_purged(model->consumer, first);
    for (uint64_t i = 0; i < first && i <= model->last_sequence; i++) {
        model->gone[i] = true;
        if (naive_is_outstanding(&model->naive, i))
            naive_finish(model, i, false);
    }
}

/* What is outstanding stays so, until its turn comes. */
static void delete_one(struct model *model)
{
    const uint64_t sequence = some_sequence(model);
    model->gone[sequence] |= sequence <= model->last_sequence;
}

/* For what comes: neither what is outstanding nor what was passed over. */
static void change_filter(struct model *model)
{
    model->takes = 1 + rill_random_below(&model->random, (1 << SUBJECTS) - 1);
}

static void reset(struct model *model)
{
    struct naive *naive = &model->naive;
    const uint64_t sequence = 1 + rill_random_below(&model->random, (uint32_t)model->last_sequence + 1);
    consumer_reset(model->consumer, sequence);
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        naive->fate[i] = i < sequence ? DONE : NEVER;
        naive->owes_nothing[i] = i < sequence;
        naive->delivered[i] = 0;
        naive->terminated[i] = false;
    }
    naive->cursor = sequence;
    naive->consumer_seq = 0;
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
    const bool was_out = naive_is_out(&model->naive, sequence);
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
    const bool was_out = naive_is_out(&model->naive, sequence);
    expect_answer(model, sequence, consumer_progress(model->consumer, sequence, model->now_ns), was_out);
    if (!was_out || !model->naive.delivered[sequence])
        return;
    model->naive.fate[sequence] = WAITS;
    model->naive.due_ns[sequence] = naive_due_ns(model, model->naive.delivered[sequence]);
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

/* Whoever had the messages is gone. */
static void expire_all(struct model *model)
{
    consumer_expire_all(model->consumer);
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        if (model->naive.fate[i] == WAITS)
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
    make_consumer(model);
    replay(model);
    consumer_restart(model->consumer, model->last_sequence, model->now_ns);
    model->naive = model->noted;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++) {
        if (!naive_is_outstanding(&model->naive, i))
            continue;
        // Who was never delivered waits for its subject's turn anew.
        model->naive.fate[i] = model->naive.delivered[i] ? WAITS : PARKED;
        model->naive.due_ns[i] = naive_due_again_ns(model, i);
    }
    const struct outstanding *entry;
    while ((entry = consumer_next_unkeyed(model->consumer))) {
        const uint64_t sequence = entry->sequence;
        if (!model->gone[sequence]) {
            consumer_set_key(model->consumer, model_subject(sequence));
            continue;
        }
        consumer_pass(model->consumer, sequence);
        naive_finish(model, sequence, false);
    }
}

/* X(how often of a thousand, what) */
#define OPERATIONS(X)                                                                                        \
    X(200, publish)                                                                                          \
    X(340, deliver)                                                                                          \
    X(140, ack)                                                                                              \
    X(50, nak)                                                                                               \
    X(30, progress)                                                                                          \
    X(20, terminate)                                                                                         \
    X(30, bury)                                                                                              \
    X(5, purge)                                                                                              \
    X(15, delete_one)                                                                                        \
    X(5, change_filter)                                                                                      \
    X(2, reset)                                                                                              \
    X(3, change_limits)                                                                                      \
    X(65, let_time_pass)                                                                                     \
    X(5, expire_all)                                                                                         \
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
            model_check(model);
        }
        model_fini(model);
        free(model);
    }
}
