// SPDX-License-Identifier: Apache-2.0
#include "consumer_model.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>

// ---- the stream ----

/* Of a stream's messages: any function of the sequence does. */
uint32_t model_subject_number(uint64_t sequence)
{
    return (uint32_t)(sequence * 7 / 3 % SUBJECTS);
}

struct rill_bytes model_subject(uint64_t sequence)
{
    static const char *const subjects[SUBJECTS] = {"a", "b", "c.d", "e"};
    return rill_bytes_from_cstr(subjects[model_subject_number(sequence)]);
}

bool model_is_for_it(const struct model *model, uint64_t sequence)
{
    return !model->gone[sequence] && model->takes >> model_subject_number(sequence) & 1;
}

uint64_t model_next(const struct model *model, uint64_t from)
{
    for (uint64_t i = from; i <= model->last_sequence; i++) {
        if (model_is_for_it(model, i))
            return i;
    }
    return 0;
}

// ---- what the naive one knows ----

bool naive_is_outstanding(const struct naive *naive, uint64_t sequence)
{
    const enum fate fate = naive->fate[sequence];
    return fate == WAITS || fate == READY || fate == GIVEN_UP || fate == PARKED;
}

static uint32_t count_outstanding(const struct naive *naive, bool again)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++)
        count += naive_is_outstanding(naive, i) && (!again || naive->delivered[i] > 1);
    return count;
}

/* Delivered, or about to be. */
bool naive_is_out(const struct naive *naive, uint64_t sequence)
{
    return naive_is_outstanding(naive, sequence) && naive->fate[sequence] != PARKED;
}

static uint32_t count_out(const struct naive *naive)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++)
        count += naive_is_out(naive, i);
    return count;
}

bool model_subject_is_full(const struct model *model, uint64_t sequence)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < SEQUENCES_MAX; i++)
        count += naive_is_out(&model->naive, i) && model_subject_number(i) == model_subject_number(sequence);
    return model->limits.ack_pending_per_subject_max && count >= model->limits.ack_pending_per_subject_max;
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
        if (naive_is_outstanding(naive, i))
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

// ---- laws ----

static void check_sequences(const struct model *model)
{
    const struct consumer *consumer = model->consumer;
    for (uint64_t i = 1; i <= model->last_sequence; i++) {
        const struct outstanding *entry = outstanding_find(&consumer->outstanding, i);
        cr_assert(eq(int, entry != NULL, naive_is_outstanding(&model->naive, i)),
                  "seed %" PRIu64 " step %u: sequence %" PRIu64, model->seed, model->step, i);
        // Every message that is there, matches and is not done is outstanding, or the cursor has not passed it.
        const bool is_owed = model_is_for_it(model, i) && !model->naive.owes_nothing[i];
        cr_assert(entry || i >= consumer->cursor || !is_owed, "seed %" PRIu64 " step %u: sequence %" PRIu64,
                  model->seed, model->step, i);
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

/* With what it is done it says once: then the stream may forget it. */
static void check_done(struct model *model)
{
    sequences_sort(&model->done);
    sequences_sort(&model->done_expected);
    cr_assert(eq(sz, model->done.count, model->done_expected.count), "seed %" PRIu64 " step %u", model->seed,
              model->step);
    for (size_t i = 0; i < model->done.count; i++)
        cr_assert(eq(u64, model->done.items[i], model->done_expected.items[i]), "seed %" PRIu64 " step %u",
                  model->seed, model->step);
    model->done.count = model->done_expected.count = 0;
}

void model_check(struct model *model)
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
    check_done(model);
}
