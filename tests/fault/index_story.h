// SPDX-License-Identifier: Apache-2.0
//
// What happens to an index, drawn from a seed: feeds, deletes, purges, seals, rotations with their jobs, idleness.
// And all that it answers, as a text: two indexes that were told the same must answer the same, whatever of it is in
// a file.
#pragma once

#include "index.h"

#include "base/random.h"

enum { STORY_EVENTS_MAX = 2000, STORY_WINDOW_NS = 200, STORY_IDS = 40 };

enum story_event_kind { STORY_FEED, STORY_DELETE, STORY_PURGE, STORY_SEAL, STORY_JOB, STORY_IDLE };

struct story_event {
    enum story_event_kind kind;
    uint64_t sequence;
    uint32_t subject, id;
    int64_t expire_ns;
    uint64_t block;
};

struct story {
    struct story_event events[STORY_EVENTS_MAX];
    size_t count;
};

/* `count` events or some more: it ends with a seal and its jobs. */
void story_init(struct story *story, uint64_t seed, size_t count);

struct rill_index_options story_options(struct rill_disk *disk);
/* Tells the index the events [from, to). With `jobs`, also runs them; that may fail. Jobs whose batch is not
   written are tried again at the next one. */
enum rill_err story_play(const struct story *story, struct rill_index *index, size_t from, size_t to,
                         bool jobs) RILL_MUST_CHECK;
/* The event behind a position. */
size_t story_at(const struct story *story, const struct rill_index_position *position);

/* Appends all answers. With an error that is neither OK nor NOT_FOUND it ends. */
enum rill_err story_answers(struct rill_index *index, const struct story *story, size_t to,
                            struct rill_buf *ret_text) RILL_MUST_CHECK;
/* The same of an index that was told [0, to) and has no file. */
void story_right_answers(const struct story *story, size_t to, struct rill_buf *ret_text);
/* Where the line begins in which two texts differ; the length of `a` when they do not. Terminates both. */
size_t story_difference(struct rill_buf *a, struct rill_buf *b);
