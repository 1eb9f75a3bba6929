// SPDX-License-Identifier: Apache-2.0
#include "store_model.h"

#include "disk_copy.h"
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";

uint32_t model_below(struct model *model, uint32_t bound)
{
    return rill_random_below(&model->random, bound);
}

/* ---- faults ---- */

bool model_excuses(struct model *model, enum rill_err err)
{
    if (!model->has_faults || !model->faulty.failed)
        return false;
    return err == RILL_ERR_IO || err == RILL_ERR_NO_SPACE || err == RILL_ERR_READ_ONLY;
}

void model_arm(struct model *model)
{
    struct faulty_disk *disk = &model->faulty;
    if (!model->has_faults || model_below(model, 3))
        return;
    disk->err = model_below(model, 2) ? RILL_ERR_NO_SPACE : RILL_ERR_IO;
    disk->half_written = model_below(model, 2);
    disk->fail_count = 1 + model_below(model, 3);
    disk->fail_at = disk->calls + 1 + model_below(model, model_below(model, 2) ? 60 : 6);
}

uint64_t model_disarm(struct model *model)
{
    const uint64_t fail_at = model->faulty.fail_at;
    model->faulty.fail_at = 0;
    return fail_at;
}

/* ---- commits ---- */

/* Where a block that a limit needs cannot be read, it goes as a whole; the array would not know, so that may not fail. */
void model_start(struct model *model)
{
    const uint64_t fail_at = model_disarm(model), calls = model->faulty.calls;
    oracle_keep_subjects(&model->oracle, model->limits.max_messages_per_subject);
    (void)oracle_keep(&model->oracle, model->limits.max_messages, model->limits.max_bytes);
    for (size_t i = 0; i < model->side_count; i++) {
        struct model_side *side = &model->sides[i];
        while (drive_state(side->store).index_failed && model_work(model, side))
            ; // a limit may need a directory
        while (!(side->job = drive_commit_start(side->store)) && model->limits.max_messages_per_subject &&
               rill_store_open_bytes(side->store))
            (void)model_work(model, side); // the index must catch up
        cr_assert(eq(int, side->job != NULL, model->sides[0].job != NULL), "seed %lu", model->seed);
    }
    model->faulty.fail_at = fail_at ? fail_at + model->faulty.calls - calls : 0;
    model->in_flight = model->sides[0].job != NULL;
    model->job_was_run = false;
    if (model->in_flight)
        oracle_start(&model->oracle);
}

static enum rill_err finish_side(struct model *model, struct model_side *side)
{
    struct rill_store_committed committed;
    if (!model->job_was_run)
        rill_store_job_run(side->job);
    const enum rill_err err = rill_store_commit_finish(side->store, side->job, &committed);
    const enum plane plane = err ? COMMITTED : STARTED;
    cr_assert(eq(u64, committed.last_sequence, model->oracle.last[plane]), "seed %lu", model->seed);
    side->job = NULL;
    if (rill_random_chance(&model->random, 1, 2))
        rill_store_catch_up(side->store);
    return err;
}

void model_finish(struct model *model)
{
    enum rill_err err = RILL_OK;
    for (size_t i = 0; i < model->side_count; i++) {
        err = finish_side(model, &model->sides[i]);
        cr_assert(err == RILL_OK || model->has_faults, "seed %lu: %s", model->seed, rill_err_text(err));
    }
    model->in_flight = false;
    if (!err) {
        oracle_commit(&model->oracle);
    } else if (err != RILL_ERR_READ_ONLY) { // then it may be found by the next open
        model->refused++;
        oracle_take_back(&model->oracle);
    }
}

void model_commit_step(struct model *model)
{
    if (!model->in_flight) {
        model_start(model);
    } else if (model_below(model, 2)) {
        model_finish(model);
    } else if (!model->job_was_run) {
        for (size_t i = 0; i < model->side_count; i++)
            rill_store_job_run(model->sides[i].job);
        model->job_was_run = true;
    }
}

/* ---- in the background ---- */

/* UNAVAILABLE: the disk has failed the next one, too, in this step or in one before. */
static bool mend(struct model *model, struct model_side *side)
{
    if (!side->mending)
        side->failed = model->faulty.failed;
    const enum rill_err err = drive_mend(side->store);
    const bool has_failed = model->faulty.failed > side->failed;
    side->mending = !err && drive_state(side->store).index_failed;
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND ||
                  (has_failed && (err == RILL_ERR_UNAVAILABLE || model_excuses(model, err))),
              "seed %lu, %s: %s", model->seed, side->name, rill_err_text(err));
    model->has_lost_index |= err == RILL_OK;
    model->mended += err == RILL_OK && !drive_state(side->store).index_failed;
    return err != RILL_ERR_NOT_FOUND;
}

/* An index that could not be written says that it is damaged, and is mended. */
bool model_work(struct model *model, struct model_side *side)
{
    const enum rill_err err = drive_work(side->store);
    const bool is_index = model->faulty.failed && drive_state(side->store).index_failed;
    model->has_lost_index |= err == RILL_ERR_NO_SPACE; // then nothing waits for it
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND || model_excuses(model, err) ||
                  (is_index && err == RILL_ERR_DAMAGED),
              "seed %lu, %s: %s", model->seed, side->name, rill_err_text(err));
    return err != RILL_ERR_NOT_FOUND || mend(model, side);
}

void model_background(struct model *model)
{
    for (size_t i = 0; i < model->side_count; i++)
        (void)model_work(model, &model->sides[i]);
}

/* ---- lives that end ---- */

static bool is_at(const struct model *model, const struct model_side *side, enum plane plane)
{
    const struct oracle_state wanted = oracle_state(&model->oracle, plane);
    const struct rill_store_state state = drive_state(side->store);
    return state.last_sequence == model->oracle.last[plane] && state.messages == wanted.messages &&
           state.bytes == wanted.bytes && state.first_sequence == wanted.first_sequence;
}

/* Closes one that could not read everything, when it has done all that it would have liked to. */
static void close_unread(struct model *model, struct model_side *side)
{
    enum rill_err err;
    do
        err = drive_work(side->store);
    while (err == RILL_OK);
    cr_assert(err == RILL_ERR_NOT_FOUND || drive_state(side->store).read_only ||
                  drive_state(side->store).index_failed,
              "seed %lu: %s", model->seed, rill_err_text(err));
    rill_store_close(side->store);
    model->has_lost_index = true; // the next open makes it anew
}

/* An open that could not read everything counts what it could not read as it stands; so it is opened once more, and has
   forgotten that. */
static void open_side(struct model *model, struct model_side *side)
{
    struct rill_error_text why = {""};
    const uint64_t failed = model->faulty.failed;
    side->options.limits = model->limits;
    enum rill_err err = rill_store_open(&side->options, NULL, &side->store, NULL, &why);
    if (model->faulty.failed > failed) {
        cr_assert(err == RILL_OK || err == RILL_ERR_DAMAGED || model_excuses(model, err), "seed %lu: %s",
                  model->seed, why.text);
        (void)model_disarm(model);
        model->has_lost_index = true; // another one may have been made
        if (!err)
            close_unread(model, side);
        err = rill_store_open(&side->options, NULL, &side->store, NULL, &why);
    }
    cr_assert(eq(int, err, RILL_OK), "seed %lu, %s: %s", model->seed, side->name, why.text);
    model_make_filters(side);
}

/* A commit that was in flight is there, or it is not. Whoever has a single store may look. */
static void open_again(struct model *model)
{
    struct model_side *first = &model->sides[0];
    for (size_t i = 0; i < model->side_count; i++)
        open_side(model, &model->sides[i]);
    if (model->has_faults && !is_at(model, first, COMMITTED)) {
        cr_assert(is_at(model, first, STARTED), "seed %lu: neither with the commit nor without", model->seed);
        oracle_commit(&model->oracle);
        model->opened_behind++;
    }
    oracle_take_back(&model->oracle);
}

static void close_side(struct model *model, struct model_side *side)
{
    model->has_lost_index |= drive_state(side->store).index_failed;
    model_drop_filters(side);
    rill_store_close(side->store);
    side->store = NULL;
    side->mending = false;
}

void model_reopen(struct model *model)
{
    if (model->in_flight)
        model_finish(model);
    for (size_t i = 0; i < model->side_count; i++)
        close_side(model, &model->sides[i]);
    open_again(model);
}

/* The files as they are while the store is open are what a kill leaves. */
static void kill_side(struct model *model, struct model_side *side)
{
    struct rill_disk *disk = side->options.disk;
    char copy[80];
    (void)snprintf(copy, sizeof copy, "%s.killed", side->folder);
    cr_assert(eq(int, disk_copy_folder(disk, side->folder, copy), RILL_OK));
    close_side(model, side);
    cr_assert(eq(int, disk_remove_folder(disk, side->folder), RILL_OK));
    cr_assert(eq(int, disk_copy_folder(disk, copy, side->folder), RILL_OK));
    cr_assert(eq(int, disk_remove_folder(disk, copy), RILL_OK));
}

/* The commit in flight is cut off, or was durable just before. */
static void crash_side(struct model *model, struct model_side *side)
{
    const bool is_kill = model_below(model, 2);
    sim_disk_crash(side->sim);
    if (model->in_flight && finish_side(model, side) == RILL_OK)
        oracle_commit(&model->oracle);
    close_side(model, side);
    if (is_kill)
        sim_disk_restart_killed(side->sim);
    else
        sim_disk_restart(side->sim);
}

void model_crash(struct model *model)
{
    (void)model_disarm(model);
    if (model->in_flight && (!model->has_faults || model_below(model, 2)))
        model_finish(model);
    for (size_t i = 0; i < model->side_count; i++) {
        struct model_side *side = &model->sides[i];
        if (side->sim)
            crash_side(model, side);
        else
            kill_side(model, side);
    }
    model->in_flight = false;
    open_again(model);
}

/* ---- what they say of themselves ---- */

static void expect_side(struct model *model, const struct model_side *side)
{
    const struct oracle_state wanted = oracle_state(&model->oracle, COMMITTED);
    const struct rill_store_state state = drive_state(side->store);
    const uint64_t last = model->oracle.last[COMMITTED];
    cr_assert(not(state.read_only), "seed %lu: %s", model->seed, state.why.text);
    cr_assert(model->has_faults || !state.index_failed, "seed %lu, %s", model->seed, side->name);
    cr_assert(eq(u64, state.first_sequence, wanted.first_sequence), "seed %lu", model->seed);
    cr_assert(eq(u64, state.last_sequence, last), "seed %lu", model->seed);
    cr_assert(eq(u64, state.open_sequence, model->oracle.last[OPEN]), "seed %lu", model->seed);
    cr_assert(eq(u64, state.messages, wanted.messages), "seed %lu", model->seed);
    cr_assert(eq(u64, state.bytes, wanted.bytes), "seed %lu", model->seed);
    cr_assert(eq(i64, state.last_time_ns, wanted.last_time_ns), "seed %lu", model->seed);
    cr_assert(le(i64, state.first_time_ns, wanted.first_time_ns), "seed %lu", model->seed);
    cr_assert(eq(u64, state.deleted, last + 1 - wanted.first_sequence - wanted.messages), "seed %lu",
              model->seed);
    cr_assert(eq(u64, state.lost_messages, 0), "seed %lu", model->seed);
}

/* Read-only for good, with a reason: it still has what was committed, and takes nothing. */
static void end_side(struct model *model, struct model_side *side)
{
    const uint64_t last = model->oracle.last[COMMITTED];
    const struct rill_store_state state = drive_state(side->store);
    cr_assert(model->faulty.failed > 0, "seed %lu: read-only without a failure", model->seed);
    cr_assert(state.why.text[0] != '\0', "seed %lu: no reason", model->seed);
    cr_assert(eq(int,
                 rill_store_append_event(side->store, RILL_STORE_EVENT_CONSUMER_STATE, RILL_BYTES("refused")),
                 RILL_ERR_READ_ONLY),
              "seed %lu", model->seed);
    (void)model_disarm(model);
    for (uint64_t sequence = last > 50 ? last - 50 : 1; sequence <= last; sequence++)
        model_read(model, sequence);
    model->ended++;
}

void model_expect_state(struct model *model)
{
    for (size_t i = 0; i < model->side_count; i++) {
        struct model_side *side = &model->sides[i];
        if (model->has_faults && drive_state(side->store).read_only) {
            if (model->in_flight)
                model_finish(model);
            end_side(model, side);
            model_below(model, 2) ? model_reopen(model) : model_crash(model);
        }
        expect_side(model, side);
    }
}

/* ---- beginning and end ---- */

static void make(struct model *model, const char *name, struct rill_disk *disk, struct rill_disk *sim,
                 const char *root)
{
    struct model_side *side = &model->sides[model->side_count++];
    struct rill_error_text why;
    side->name = name;
    side->sim = sim;
    (void)snprintf(side->folder, sizeof side->folder, "%s/A/S", root);
    side->options = (struct rill_store_options){.disk = disk,
                                                .folder = side->folder,
                                                .segment_bytes = 128 << 10,
                                                .commit_bytes_max = MODEL_COMMIT_BYTES_MAX,
                                                .compress = model->seed % 3 == 0,
                                                .index = model->has_index,
                                                .id_window_ns = MODEL_ID_WINDOW_NS,
                                                .index_batch_bytes = 20000,
                                                .index_log_bytes = 300 << 10,
                                                .cache_bytes_max = 300 << 10};
    cr_assert(
        eq(int, rill_store_create(&side->options, identity, RILL_BYTES(""), &side->store, &why), RILL_OK),
        "%s", why.text);
    model_make_filters(side);
}

void model_init(struct model *model, uint64_t seed, bool has_faults)
{
    *model = (struct model){
        .random = {seed}, .seed = seed, .has_faults = has_faults, .has_index = seed % 4 != 1, .now_ns = 1000};
    model->sim = sim_disk_create(seed);
    model->memory = rill_disk_memory_create(0);
    faulty_disk_init(&model->faulty, model->sim);
    if (has_faults) {
        make(model, "faulty", &model->faulty.base, model->sim, "store");
        return;
    }
    strcpy(model->root, "/tmp/rill-model-XXXXXX");
    cr_assert(mkdtemp(model->root) != NULL);
    make(model, "file", rill_disk_real(), NULL, model->root);
    make(model, "memory", model->memory, NULL, "store");
    make(model, "simulated", model->sim, model->sim, "store");
}

void model_fini(struct model *model)
{
    struct rill_error_text why;
    char path[64];
    for (size_t i = 0; i < model->side_count; i++) {
        struct model_side *side = &model->sides[i];
        model_drop_filters(side);
        rill_store_close(side->store);
        cr_assert(eq(int, rill_store_delete(side->options.disk, side->folder, &why), RILL_OK));
    }
    (void)snprintf(path, sizeof path, "%s/A", model->root);
    cr_assert(model->has_faults || (rmdir(path) == 0 && rmdir(model->root) == 0));
    rill_disk_memory_destroy(model->memory);
    sim_disk_destroy(model->sim);
    oracle_fini(&model->oracle);
}
