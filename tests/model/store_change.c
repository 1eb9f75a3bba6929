// SPDX-License-Identifier: Apache-2.0
#include "store_model.h"

#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

bool model_is_done(struct model *model, const enum rill_err *errs)
{
    for (size_t i = 1; i < model->side_count; i++)
        cr_assert(eq(int, errs[i], errs[0]), "seed %lu", model->seed);
    if (errs[0] == RILL_ERR_LIMIT || model_excuses(model, errs[0]))
        return false;
    cr_assert(eq(int, errs[0], RILL_OK), "seed %lu: %s", model->seed, rill_err_text(errs[0]));
    return true;
}

static enum rill_err append_to(struct model *model, struct model_side *side,
                               const struct oracle_message *message)
{
    const uint64_t sequence = model->oracle.last[OPEN] + 1;
    char subject[MODEL_TEXT_MAX], headers[MODEL_TEXT_MAX];
    model_subject_text(message->subject, subject);
    struct rill_store_message append = {.time_ns = message->time_ns,
                                        .subject = rill_bytes_from_cstr(subject),
                                        .headers = model_headers(message, headers),
                                        .payload = model_payload(sequence, message->payload_bytes)};
    enum rill_err err;
    while ((err = rill_store_append(side->store, &append)) == RILL_ERR_AGAIN)
        (void)model_work(model, side);
    if (!err)
        cr_assert(eq(u64, append.sequence, sequence), "seed %lu", model->seed);
    return err;
}

static uint32_t record_bytes(const struct oracle_message *message)
{
    char subject[MODEL_TEXT_MAX], headers[MODEL_TEXT_MAX];
    model_subject_text(message->subject, subject);
    const size_t len = 36 + strlen(subject) + model_headers(message, headers).len + message->payload_bytes;
    return (uint32_t)((len + 7) / 8 * 8);
}

void model_append(struct model *model)
{
    struct oracle_message message = {.time_ns = model->now_ns,
                                     .subject = model_below(model, MODEL_SUBJECTS),
                                     .id = model_below(model, 2) * (1 + model_below(model, MODEL_IDS)),
                                     .ttl = model_below(model, 4) ? 0 : (int)model_below(model, 4) - 1,
                                     .payload_bytes = model_below(model, MODEL_PAYLOAD_MAX)};
    enum rill_err errs[MODEL_SIDES_MAX] = {0};
    message.record_bytes = record_bytes(&message);
    const enum rill_err refused = model_refusal(model, message.subject, message.record_bytes);
    for (size_t i = 0; i < model->side_count; i++) {
        errs[i] = append_to(model, &model->sides[i], &message);
        cr_assert(eq(int, errs[i], errs[0]), "seed %lu", model->seed);
    }
    if (refused)
        cr_assert(errs[0] == refused || model_excuses(model, errs[0]), "seed %lu: %s", model->seed,
                  rill_err_text(errs[0]));
    else if (model_is_done(model, errs))
        (void)oracle_append(&model->oracle, &message);
    model->now_ns += model_below(model, 5);
}

/* Some beyond recovery: only what is committed can be. */
void model_delete(struct model *model)
{
    const uint64_t sequence = model_below(model, (uint32_t)model->oracle.last[OPEN] + 3);
    const bool there = oracle_find(&model->oracle, OPEN, sequence) != NULL;
    const bool erases = sequence <= model->oracle.last[COMMITTED] && !model_below(model, 3);
    enum rill_err errs[MODEL_SIDES_MAX] = {0};
    for (size_t i = 0; i < model->side_count; i++) {
        errs[i] = (erases ? drive_erase : drive_delete)(model->sides[i].store, sequence);
        if (!there && errs[i] == RILL_ERR_NOT_FOUND)
            errs[i] = RILL_OK;
    }
    if (model_is_done(model, errs) && there)
        oracle_remove(&model->oracle, sequence);
}

static void purge_below(struct model *model, uint64_t first_kept)
{
    struct rill_store_purged purged[MODEL_SIDES_MAX];
    enum rill_err errs[MODEL_SIDES_MAX] = {0};
    for (size_t i = 0; i < model->side_count; i++)
        errs[i] = drive_purge(model->sides[i].store, first_kept, &purged[i]);
    if (!model_is_done(model, errs))
        return;
    const uint64_t wanted = oracle_purge(&model->oracle, first_kept);
    for (size_t i = 0; i < model->side_count; i++)
        cr_assert(eq(u64, purged[i].messages, wanted), "seed %lu", model->seed);
}

static void purge_all_but(struct model *model, uint32_t keep)
{
    const uint64_t first_kept = oracle_newest(&model->oracle, keep);
    for (size_t i = 0; i < model->side_count && !model->has_faults; i++)
        cr_assert(eq(u64, rill_store_newest(model->sides[i].store, keep), first_kept), "seed %lu",
                  model->seed);
    purge_below(model, first_kept);
}

void model_purge(struct model *model)
{
    const uint64_t last = model->oracle.last[OPEN];
    const uint32_t keep = model_below(model, 100), how = model_below(model, 10);
    if (how == 0)
        purge_below(model, UINT64_MAX);
    else if (how < 3)
        purge_all_but(model, keep);
    else
        purge_below(model, oracle_state(&model->oracle, OPEN).first_sequence + model_below(model, 20 + keep));
    cr_assert(eq(u64, model->oracle.last[OPEN], last));
}

/* ---- what matches ---- */

/* In one go; so it is only asked for when nothing is in flight or open. */
static enum rill_err purge_matching_from(struct model *model, struct model_side *side, size_t filter,
                                         uint64_t first_kept, uint64_t keep,
                                         struct rill_store_purging *purging)
{
    enum rill_err err, loaded = RILL_OK;
    while (!loaded && (err = rill_store_append_purge_matching(side->filters[filter], first_kept, keep,
                                                              purging)) == RILL_ERR_AGAIN) {
        if (purging->load_sequence)
            loaded = drive_load(side->store, purging->load_sequence);
        else
            (void)model_work(model, side);
    }
    return loaded ? loaded : err;
}

/* Removes from the array what such a purge removes. How many. */
static uint64_t remove_matching(struct model *model, size_t filter, uint64_t first_kept, uint64_t keep)
{
    const struct rill_store_subject all = model_wanted(model, filter, 0);
    uint64_t left = all.count > keep ? all.count - keep : 0, removed = 0;
    for (uint64_t sequence = 1; left && sequence < first_kept && sequence <= model->oracle.last[OPEN];
         sequence++) {
        const struct oracle_message *message = oracle_find(&model->oracle, OPEN, sequence);
        if (!message || !model_matches(filter, message->subject))
            continue;
        oracle_remove(&model->oracle, sequence);
        left--;
        removed++;
    }
    return removed;
}

void model_commit_all(struct model *model)
{
    if (model->in_flight)
        model_finish(model);
    model_start(model);
    if (model->in_flight)
        model_finish(model);
}

void model_purge_matching(struct model *model)
{
    const size_t filter = model_below(model, MODEL_FILTERS);
    const uint64_t keep = model_below(model, 20);
    const uint64_t first_kept = model_below(model, (uint32_t)model->oracle.last[OPEN] + 3);
    struct rill_store_purging purging[MODEL_SIDES_MAX] = {{0}};
    enum rill_err errs[MODEL_SIDES_MAX] = {0};
    model_commit_all(model);
    model_expect_state(model); // it may have ended, and was opened again then
    for (size_t i = 0; i < model->side_count; i++)
        errs[i] = purge_matching_from(model, &model->sides[i], filter, first_kept, keep, &purging[i]);
    if (errs[0] == RILL_ERR_UNAVAILABLE && model_is_unavailable(model, &model->sides[0], filter, errs[0]))
        return; // at the first question, when nothing was removed yet
    if (!model_is_done(model, errs)) {
        model_reopen(model); // some were, and nobody knows which
        return;
    }
    const uint64_t wanted = remove_matching(model, filter, first_kept, keep);
    for (size_t i = 0; i < model->side_count; i++)
        cr_assert(eq(u64, purging[i].messages, wanted), "seed %lu", model->seed);
}
