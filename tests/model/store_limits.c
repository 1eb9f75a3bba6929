// SPDX-License-Identifier: Apache-2.0
//
// What limits and times do to the two stores and to the array.
#include "store_model.h"

#include "base/clock.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { HEARD_MAX = 20000 };

/* Ages and times to live count in seconds, the model's clock in nanoseconds: what is done with them is done so much later, so
   that a message of one second goes when it is a little old. */
#define LATER_NS (RILL_NS_PER_S - 100)

static uint64_t count_of(const struct oracle *oracle, uint32_t subject)
{
    uint64_t count = 0;
    for (uint64_t sequence = 1; sequence <= oracle->last[OPEN]; sequence++) {
        const struct oracle_message *message = oracle_find(oracle, OPEN, sequence);
        count += message && message->subject == subject;
    }
    return count;
}

enum rill_err model_refusal(const struct model *model, uint32_t subject, uint32_t record_bytes)
{
    const struct oracle_state state = oracle_state(&model->oracle, OPEN);
    const struct rill_store_limits *limits = &model->limits;
    const bool is_full = limits->max_messages_per_subject &&
                         count_of(&model->oracle, subject) >= limits->max_messages_per_subject;
    if (is_full && limits->discard_new_per_subject)
        return RILL_ERR_FULL_SUBJECT;
    if (limits->discard_new && limits->max_messages && state.messages >= limits->max_messages && !is_full)
        return RILL_ERR_FULL_MESSAGES;
    if (limits->discard_new && limits->max_bytes && state.bytes + record_bytes > limits->max_bytes)
        return RILL_ERR_FULL_BYTES;
    return RILL_OK;
}

// ---- limits ----

/* In steps until no subject has too many; nothing else is in the way then. */
static void lower(struct model *model, struct model_side *side, const struct rill_store_limits *limits)
{
    rill_store_set_limits(side->store, limits);
    for (int i = 0; rill_store_limits_left(side->store); i++) {
        const enum rill_err err = drive_commit(side->store);
        cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND, "seed %lu", model->seed);
        cr_assert(lt(int, i, 1000), "seed %lu", model->seed);
        if (err == RILL_ERR_NOT_FOUND)
            (void)model_work(model, side);
    }
}

static void lower_all(struct model *model)
{
    const struct rill_store_limits limits = {.max_messages_per_subject =
                                                 model->limits.max_messages_per_subject};
    for (size_t i = 0; i < model->side_count; i++)
        lower(model, &model->sides[i], &limits);
    oracle_keep_subjects(&model->oracle, limits.max_messages_per_subject);
    oracle_start(&model->oracle);
    oracle_commit(&model->oracle);
}

/* An index that works, and commits that are not refused: what the limits here are about. */
static bool is_steady(const struct model *model)
{
    return model->has_index && !model->has_faults;
}

void model_set_limits(struct model *model)
{
    const uint32_t what = model_below(model, 8);
    const uint32_t per_subject = is_steady(model) ? model_below(model, 4) : 0;
    model_commit_all(model); // else what is open may leave no room for a limit that comes behind it
    model_expect_state(model);
    model->limits = (struct rill_store_limits){
        .max_messages = what & 1 ? model_below(model, 300) : 0,
        .max_bytes = what & 2 ? model_below(model, 600000) : 0,
        .max_messages_per_subject = per_subject ? 1 + model_below(model, 20) : 0,
        .max_age_ns = model_below(model, 4) ? LATER_NS + model_below(model, 2000) : 0,
        .discard_new = what & 4,
        .discard_new_per_subject = per_subject == 1,
        .message_ttl = is_steady(model) && model_below(model, 2),
    };
    if (is_steady(model))
        lower_all(model);
    for (size_t i = 0; i < model->side_count; i++)
        rill_store_set_limits(model->sides[i].store, &model->limits);
    model_start(model);
}

// ---- time ----

struct heard {
    uint64_t sequences[HEARD_MAX];
    bool is_last[HEARD_MAX];
    size_t count;
};

static void hear(void *context, const struct rill_store_gone *gone)
{
    struct heard *heard = context;
    cr_assert(lt(sz, heard->count, HEARD_MAX));
    heard->sequences[heard->count] = gone->sequence;
    heard->is_last[heard->count++] = gone->is_last;
}

/* May it go now? Its own time counts when it is committed: before, the index does not know it. */
static bool is_due(const struct model *model, uint64_t sequence)
{
    const struct oracle_message *message = oracle_find(&model->oracle, OPEN, sequence);
    const struct rill_store_limits *limits = &model->limits;
    const int64_t now_ns = model->now_ns + LATER_NS;
    if (!message)
        return false;
    if (limits->max_age_ns && message->time_ns <= now_ns - limits->max_age_ns &&
        !(limits->message_ttl && message->ttl < 0))
        return true;
    return limits->message_ttl && message->ttl > 0 && sequence <= model->oracle.last[COMMITTED] &&
           message->time_ns + message->ttl * RILL_NS_PER_S <= now_ns;
}

static void take_heard(struct model *model, const struct heard *heard)
{
    for (size_t i = 0; i < heard->count; i++) {
        const uint64_t sequence = heard->sequences[i];
        cr_assert(is_due(model, sequence), "seed %lu: %lu", model->seed, sequence);
        oracle_remove(&model->oracle, sequence);
        const uint32_t subject = model->oracle.messages[sequence - 1].subject;
        cr_assert(eq(int, heard->is_last[i], !count_of(&model->oracle, subject)), "seed %lu: %lu",
                  model->seed, sequence);
    }
}

static void expect_none_due(const struct model *model)
{
    for (uint64_t sequence = 1; sequence <= model->oracle.last[OPEN]; sequence++)
        cr_assert(not(is_due(model, sequence)), "seed %lu: %lu", model->seed, sequence);
}

/* One by one, and told. */
static void expire_each(struct model *model)
{
    static struct heard heard[MODEL_SIDES_MAX];
    struct rill_store_expired expired[MODEL_SIDES_MAX];
    enum rill_err errs[MODEL_SIDES_MAX] = {0};
    for (size_t i = 0; i < model->side_count; i++) {
        heard[i].count = 0;
        errs[i] = drive_expire(model->sides[i].store, model->now_ns + LATER_NS, hear, &heard[i], &expired[i]);
        cr_assert(eq(u64, expired[i].messages, heard[i].count), "seed %lu", model->seed);
        cr_assert(eq(sz, heard[i].count, heard[0].count), "seed %lu", model->seed);
        for (size_t j = 0; j < heard[0].count; j++)
            cr_assert(eq(u64, heard[i].sequences[j], heard[0].sequences[j]), "seed %lu", model->seed);
    }
    take_heard(model, &heard[0]);
    if (errs[0] != RILL_ERR_AGAIN && model_is_done(model, errs))
        expect_none_due(model);
}

static void expire_by_age(struct model *model)
{
    const int64_t age_ns = model->limits.max_age_ns, now_ns = model->now_ns + LATER_NS;
    struct rill_store_expired expired[MODEL_SIDES_MAX];
    enum rill_err errs[MODEL_SIDES_MAX] = {0};
    for (size_t i = 0; i < model->side_count; i++)
        errs[i] = drive_expire(model->sides[i].store, now_ns, NULL, NULL, &expired[i]);
    if (!model_is_done(model, errs))
        return;
    const uint64_t wanted = age_ns ? oracle_expire(&model->oracle, now_ns - age_ns) : 0;
    const struct oracle_state state = oracle_state(&model->oracle, OPEN);
    for (size_t i = 0; i < model->side_count; i++) {
        cr_assert(eq(u64, expired[i].messages, wanted), "seed %lu", model->seed);
        cr_assert(expired[i].next_ns <= state.first_time_ns + age_ns || !age_ns || !state.messages);
        cr_assert(eq(int, expired[i].next_ns == INT64_MAX, !age_ns || !state.messages), "seed %lu",
                  model->seed);
    }
}

void model_expire(struct model *model)
{
    const bool may_tell = is_steady(model) && model_below(model, 2);
    if (model->limits.message_ttl || may_tell)
        expire_each(model);
    else
        expire_by_age(model);
}

// ---- the newest ----

/* Of those that the filter matches, or of a subject. */
static uint64_t newest_of(const struct model *model, size_t filter, uint32_t subject)
{
    for (uint64_t sequence = model->oracle.last[OPEN]; sequence; sequence--) {
        const struct oracle_message *message = oracle_find(&model->oracle, OPEN, sequence);
        if (message &&
            (filter < MODEL_FILTERS ? model_matches(filter, message->subject) : message->subject == subject))
            return sequence;
    }
    return 0;
}

static void expect_newest(struct model *model, struct model_side *side, size_t filter, uint32_t number)
{
    const uint64_t wanted = newest_of(model, filter, number);
    uint64_t sequence = 0;
    char subject[MODEL_TEXT_MAX];
    enum rill_err err;
    model_subject_text(number, subject);
    for (int i = 0; i < 100; i++) {
        err = filter < MODEL_FILTERS
                  ? rill_store_newest_matching(side->filters[filter], &sequence)
                  : rill_store_subject_newest(side->store, rill_bytes_from_cstr(subject), &sequence);
        if (err != RILL_ERR_AGAIN)
            break;
        (void)model_work(model, side);
    }
    if (err == RILL_ERR_AGAIN)
        return; // so much was removed that the commit must go on first
    cr_assert(eq(int, err, wanted ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu, %s", model->seed, side->name);
    cr_assert(eq(u64, sequence, wanted), "seed %lu, %s: filter %zu, subject %u", model->seed, side->name,
              filter, number);
}

void model_newest(struct model *model)
{
    const size_t filter = model_below(model, 2 * MODEL_FILTERS);
    const uint32_t subject = model_below(model, MODEL_SUBJECTS + 1);
    if (!is_steady(model))
        return;
    for (size_t i = 0; i < model->side_count; i++)
        expect_newest(model, &model->sides[i], filter, subject);
}
