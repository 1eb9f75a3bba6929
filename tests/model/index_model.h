// SPDX-License-Identifier: Apache-2.0
//
// An index beside an array of all that ever happened to it. What happens to it, and how its lives end: index_model.c. Questions:
// index_query.c.
#pragma once

#include "index.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    WINDOW_NS = 500,
    IDS = 300,
    SEGMENTS = 5,
    EVENTS_MAX = 200000,
    MESSAGES_MAX = 40000,
    FILTERS = 5,
    TEXT_MAX = 32
};

enum event_kind { FED, DELETED, PURGED, SEALED };

struct event {
    enum event_kind kind;
    uint64_t sequence;
    uint32_t message; // of FED and DELETED: index in messages
    struct rill_index_block block;
};

struct message {
    uint64_t sequence;
    int64_t time_ns;
    int64_t expire_ns; // 0: never
    uint32_t id;       // 0: none
    char subject[TEXT_MAX];
    bool gone;
    bool sealed;
};

struct model {
    struct rill_random random;
    uint64_t seed;
    char folder[64], path[96];
    struct rill_index *index;
    struct rill_index_job *job;
    bool job_was_run;
    struct rill_index_filter *filters[FILTERS];
    char patterns[FILTERS][3][TEXT_MAX];
    size_t pattern_counts[FILTERS];
    uint32_t subject_style;
    struct rill_index_filter_limits filter;
    struct event *events;
    size_t event_count;
    struct message *messages;
    uint32_t message_count;
    uint64_t first; // purged below
    uint64_t block;
    uint32_t block_start;
    uint64_t batch_bytes;
    uint64_t rebuilt, damaged;
    uint64_t summary;         // a number that every rotation raises; it is the state, and the details'
    uint64_t written_summary; // of the last finished batch
    uint64_t ready_summary;
    bool uses_ids, expires;
    int64_t work;   // that a call may do; 0: as ever
    bool is_sealed; // nothing was fed or deleted since the last block
};

uint32_t model_below(struct model *model, uint32_t bound);
struct rill_bytes model_bytes(const char *text);
void model_random_subject(struct model *model, bool pattern, char *text);
/* The index says that it is damaged: so it is built again. */
void model_rebuild(struct model *model);
bool model_is_live(const struct model *model, const struct message *message);
void model_delete_at(struct model *model, uint32_t at);
void model_feed(struct model *model);
void model_seal(struct model *model);
/* Anywhere, or the oldest ones of a subject, as limits do. */
void model_delete_some(struct model *model);
void model_purge(struct model *model);
void model_job(struct model *model);
void model_reopen(struct model *model);
void model_open_index(struct model *model, bool discard);
void model_close_index(struct model *model);
void model_remove_files(const struct model *model);
void model_query_filter(struct model *model);
/* All of a subject: count, first and last. */
void model_query_subject(struct model *model);
/* The newest message with an id within the window, deleted or not. */
void model_query_seen(struct model *model);
/* A page of what expires, in order, and when the next one does. Often they are deleted then. */
void model_query_expired(struct model *model);
/* What the last finished rotation said of segments is there, and what it dropped is not. */
void model_query_summary(struct model *model);
void model_query_last(struct model *model);
void model_query_list(struct model *model);
void model_query_time(struct model *model);
