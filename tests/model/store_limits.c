// SPDX-License-Identifier: Apache-2.0
//
// What limits and times do to the two stores and to the array.
#include "store_model.h"

#include "base/clock.h"
#include "store_drive.h"

#include <stdio.h>

enum { HEARD_MAX = 20000 };

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

struct rill_bytes model_headers(int ttl, char ret_text[64])
{
    if (!ttl)
        return RILL_BYTES("");
    if (ttl < 0)
        return RILL_BYTES("NATS/1.0\r\nNats-TTL: never\r\n\r\n");
    return rill_bytes_of(ret_text, (size_t)snprintf(ret_text, 64, "NATS/1.0\r\nNats-TTL: %d\r\n\r\n", ttl));
}

// ---- limits ----

static void commit_all(struct model *model)
{
    for (int i = 0; i < 2; i++) {
        if (model->in_flight)
            model_finish(model);
        model_start(model);
    }
    if (model->in_flight)
        model_finish(model);
}

/* In steps until no subject has too many; nothing else is in the way then. */
static void lower(struct model *model, struct side *side, const struct rill_store_limits *limits)
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
    for (size_t i = 0; i < MODEL_SIDES; i++)
        lower(model, side_at(model, i), &limits);
    oracle_keep_subjects(&model->oracle, limits.max_messages_per_subject);
    oracle_start(&model->oracle);
    oracle_commit(&model->oracle);
}

void model_set_limits(struct model *model)
{
    const uint32_t what = below(model, 8), per_subject = below(model, 4);
    commit_all(model);
    model->limits = (struct rill_store_limits){
        .max_messages = what & 1 ? below(model, 300) : 0,
        .max_bytes = what & 2 ? below(model, 600000) : 0,
        .max_messages_per_subject = per_subject ? 1 + below(model, 20) : 0,
        .max_age_ns = below(model, 2000) * RILL_NS_PER_S,
        .discard_new = what & 4,
        .discard_new_per_subject = per_subject == 1,
        .message_ttl = below(model, 2),
    };
    lower_all(model);
    for (size_t i = 0; i < MODEL_SIDES; i++)
        rill_store_set_limits(side_at(model, i)->store, &model->limits);
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
    const int64_t now_ns = model->now_ns;
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
    static struct heard heard[MODEL_SIDES];
    struct rill_store_expired expired[MODEL_SIDES];
    enum rill_err errs[MODEL_SIDES];
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        heard[i].count = 0;
        errs[i] = drive_expire(side_at(model, i)->store, model->now_ns, hear, &heard[i], &expired[i]);
        cr_assert(eq(u64, expired[i].messages, heard[i].count), "seed %lu", model->seed);
    }
    cr_assert(eq(int, errs[0], errs[1]), "seed %lu", model->seed);
    cr_assert(eq(sz, heard[0].count, heard[1].count), "seed %lu", model->seed);
    for (size_t i = 0; i < heard[0].count; i++)
        cr_assert(eq(u64, heard[0].sequences[i], heard[1].sequences[i]), "seed %lu", model->seed);
    take_heard(model, &heard[0]);
    cr_assert(errs[0] == RILL_OK || errs[0] == RILL_ERR_LIMIT || errs[0] == RILL_ERR_AGAIN, "seed %lu: %s",
              model->seed, rill_err_text(errs[0]));
    if (!errs[0])
        expect_none_due(model);
}

static void expire_by_age(struct model *model)
{
    const int64_t age_ns = model->limits.max_age_ns;
    struct rill_store_expired expired[MODEL_SIDES];
    enum rill_err errs[MODEL_SIDES];
    for (size_t i = 0; i < MODEL_SIDES; i++)
        errs[i] = drive_expire(side_at(model, i)->store, model->now_ns, NULL, NULL, &expired[i]);
    cr_assert(eq(int, errs[0], errs[1]), "seed %lu", model->seed);
    if (errs[0] == RILL_ERR_LIMIT)
        return;
    cr_assert(eq(int, errs[0], RILL_OK), "seed %lu", model->seed);
    const uint64_t wanted = age_ns ? oracle_expire(&model->oracle, model->now_ns - age_ns) : 0;
    const struct oracle_state state = oracle_state(&model->oracle, OPEN);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        cr_assert(eq(u64, expired[i].messages, wanted), "seed %lu", model->seed);
        cr_assert(expired[i].next_ns <= state.first_time_ns + age_ns || !age_ns || !state.messages);
        cr_assert(eq(int, expired[i].next_ns == INT64_MAX, !age_ns || !state.messages), "seed %lu",
                  model->seed);
    }
}

void model_expire(struct model *model)
{
    if (model->limits.message_ttl || below(model, 2))
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

static void expect_newest(struct model *model, struct side *side, size_t filter, uint32_t number)
{
    const uint64_t wanted = newest_of(model, filter, number);
    uint64_t sequence = 0;
    char subject[32];
    enum rill_err err;
    model_subject(number, subject);
    do
        err = filter < MODEL_FILTERS
                  ? rill_store_newest_matching(side->filters[filter], &sequence)
                  : rill_store_subject_newest(side->store, rill_bytes_from_cstr(subject), &sequence);
    while (err == RILL_ERR_AGAIN && model_work(model, side));
    if (err == RILL_ERR_AGAIN)
        return; // so much was removed that the commit must go on first
    cr_assert(eq(int, err, wanted ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu, %s", model->seed, side->name);
    cr_assert(eq(u64, sequence, wanted), "seed %lu, %s: filter %zu, subject %u", model->seed, side->name,
              filter, number);
}

void model_newest(struct model *model)
{
    const size_t filter = below(model, 2 * MODEL_FILTERS);
    const uint32_t subject = below(model, MODEL_SUBJECTS + 1);
    for (size_t i = 0; i < MODEL_SIDES; i++)
        expect_newest(model, side_at(model, i), filter, subject);
}
