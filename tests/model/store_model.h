// SPDX-License-Identifier: Apache-2.0
//
// What the files of the store's model share: two stores and the array that they are held against.
#pragma once

#include "base/random.h"
#include "storage/store.h"
#include "store_oracle.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { MODEL_FILTERS = 5, MODEL_SIDES = 2, MODEL_SUBJECTS = 12 };

struct side {
    const char *name;
    struct rill_store_options options;
    char folder[64];
    struct rill_store *store;
    struct rill_store_job *job;
    struct rill_store_filter *filters[MODEL_FILTERS];
};

struct model {
    struct rill_random random;
    uint64_t seed;
    struct side sides[MODEL_SIDES];
    struct oracle oracle;
    struct rill_disk *memory;
    char root[32];
    int64_t now_ns; // whole seconds
    struct rill_store_limits limits;
    bool in_flight;
    bool job_was_run;
};

static inline uint32_t below(struct model *model, uint32_t bound)
{
    return rill_random_below(&model->random, bound);
}

static inline struct side *side_at(struct model *model, size_t i)
{
    return &model->sides[i];
}

/* store.c */
/* One piece of work in the background. False when there is none. */
bool model_work(struct model *model, struct side *side);
/* Starts a commit, and finishes the one in flight. */
void model_start(struct model *model);
void model_finish(struct model *model);
void model_subject(uint32_t number, char ret_subject[32]);
bool model_matches(size_t filter, uint32_t number);

/* store_limits.c */
/* What the limits say of an append when they discard what is new. */
enum rill_err model_refusal(const struct model *model, uint32_t subject, uint32_t record_bytes);
/* The header of a message with a time to live of so many seconds; 0: none, -1: for ever. */
struct rill_bytes model_headers(int ttl, char ret_text[64]);
void model_set_limits(struct model *model);
void model_expire(struct model *model);
/* The newest of a subject, and of a filter. */
void model_newest(struct model *model);
