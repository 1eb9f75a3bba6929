// SPDX-License-Identifier: Apache-2.0
//
// Stores beside an array (store_oracle.h): the stores and the array are changed alike, and every answer of a store is
// that of the array. What is done to them: here. Changes: store_change.c. Questions: store_query.c.
//
// Two kinds of models. One has three stores: on the real disk, on the memory disk, and on the simulated one. They always
// do the same. The other has a single one on a simulated disk that fails now and then; there an operation may be refused
// with an error, and then nothing has happened, in the store and in the array.
#pragma once

#include "faulty_disk.h"
#include "storage/store.h"
#include "store_oracle.h"

#include "base/random.h"

enum {
    MODEL_FILTERS = 5,
    MODEL_SIDES_MAX = 3,
    MODEL_SUBJECTS = 12,
    MODEL_IDS = 60,
    MODEL_ID_WINDOW_NS = 400
};
enum { MODEL_COMMIT_BYTES_MAX = 256 << 10, MODEL_PAYLOAD_MAX = 3000, MODEL_TEXT_MAX = 64 };

struct model_side {
    const char *name;
    struct rill_store_options options;
    char folder[64];
    struct rill_disk *sim; // below it, when it is there that power is lost; else NULL
    struct rill_store *store;
    struct rill_store_job *job;
    struct rill_store_filter *filters[MODEL_FILTERS];
    bool mending;    // its index, in several steps
    uint64_t failed; // calls of the disk before those
};

struct model {
    struct rill_random random;
    uint64_t seed;
    struct model_side sides[MODEL_SIDES_MAX];
    size_t side_count;
    struct oracle oracle;
    struct rill_disk *memory, *sim;
    struct faulty_disk faulty;
    bool has_faults; // then there is one side, on `faulty`
    bool has_index;
    bool has_lost_index; // it failed once, or had no room, so that it may not know the ids of what is gone
    char root[32];
    int64_t now_ns;
    struct rill_store_limits limits;
    bool in_flight;
    bool job_was_run;
    uint64_t refused, ended, unavailable, asked, opened_behind, mended; // how often, to see that it happens
};

/* One side with faults, or three without. Whether there is an index is drawn, as is compression. */
void model_init(struct model *model, uint64_t seed, bool has_faults);
void model_fini(struct model *model);

uint32_t model_below(struct model *model, uint32_t bound);

/* An error that a failing disk explains; the operation has had no effect then. */
bool model_excuses(struct model *model, enum rill_err err);
/* With faults: one of the next calls fails, or none. */
void model_arm(struct model *model);
/* None fails any more. What was to fail comes back. */
uint64_t model_disarm(struct model *model);

/* ---- store_model.c: commits, and lives that end ---- */

/* The next part of a commit: start, run, finish. */
void model_commit_step(struct model *model);
void model_start(struct model *model);
void model_finish(struct model *model);
void model_background(struct model *model);
/* One piece of work in the background of a side that says AGAIN, or of mending. False when there is none. */
bool model_work(struct model *model, struct model_side *side);
/* Closed and opened again; or killed, or without power, and opened again. */
void model_reopen(struct model *model);
void model_crash(struct model *model);
/* What the stores say of themselves. With faults also: a store that is read-only serves what it has, and is opened again. */
void model_expect_state(struct model *model);

/* ---- store_change.c ---- */

void model_append(struct model *model);
void model_delete(struct model *model);
void model_purge(struct model *model);
void model_purge_matching(struct model *model);
/* All sides say the same. True when it was done; false when it was refused: for want of room, or by a failing disk. */
bool model_is_done(struct model *model, const enum rill_err *errs);
/* What is in flight, then what is open. */
void model_commit_all(struct model *model);

/* ---- store_limits.c: by subject, and for messages with times of their own, only with an index, on disks that do not fail ---- */

/* What the limits say of an append when they discard what is new. */
enum rill_err model_refusal(const struct model *model, uint32_t subject, uint32_t record_bytes);
void model_set_limits(struct model *model);
void model_expire(struct model *model);
/* The newest of a subject or a filter, committed or not. */
void model_newest(struct model *model);

/* ---- store_query.c ---- */

void model_make_filters(struct model_side *side);
void model_drop_filters(struct model_side *side);
/* What of a filter is committed from a sequence on. */
struct rill_store_subject model_wanted(const struct model *model, size_t filter, uint64_t from);
bool model_matches(size_t filter, uint32_t subject);
void model_subject_text(uint32_t subject, char ret[MODEL_TEXT_MAX]);
struct rill_bytes model_payload(uint64_t sequence, size_t bytes);
/* With its id and its time to live; none without. */
struct rill_bytes model_headers(const struct oracle_message *message, char ret[MODEL_TEXT_MAX]);

/* Had this answer to be an error, and is it one? Because there is no index, or it has failed, or the disk has just now.
   An error without a reason ends the test. */
bool model_is_unavailable(struct model *model, const struct model_side *side, size_t filter,
                          enum rill_err err);

void model_read(struct model *model, uint64_t sequence);
void model_query_filter(struct model *model);
void model_query_subjects(struct model *model);
void model_query_seen(struct model *model);
void model_query_time(struct model *model);
void model_query_deleted(struct model *model);
