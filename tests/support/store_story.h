// SPDX-License-Identifier: Apache-2.0
//
// A random life of one store, and the memory of what was asked of it. Tests crash it, damage it, reopen it,
// and compare.
//
// Each record has an id that is never given twice, and its content follows from the id. A checkpoint says how
// many records there were in front of it.
#pragma once

#include "base/random.h"
#include "storage/store.h"

enum { STORY_RECORDS_MAX = 4096 };

struct story_record {
    uint64_t id;
    uint64_t sequence; // of a message; of the last message before an event
    int64_t time_ns;   // of a message
    bool is_message;
    uint64_t removed_first; // of a delete or a purge: what it removes; 0 for the others
    uint64_t removed_last;
    bool erases; // of a delete: its bytes go too
};

struct story {
    struct rill_random random;
    struct story_record records[STORY_RECORDS_MAX];
    size_t count;     // asked for
    size_t started;   // in a commit that was started
    size_t committed; // in one that has finished
    uint64_t next_id;
    uint32_t payload_max;
    bool keeps_all;             // never removes anything
    bool removes_often;         // so that segments are made anew
    bool compress;              // what the store is asked to
    struct rill_store_job *job; // in flight
    bool job_was_run;
    struct rill_store_job *background; // in flight: erasing, removing files, rewriting
    bool background_was_run;
    bool with_index;     // then what the index covers is not told again
    bool forgets_events; // segments may have been rewritten, so not everything is told again
    uint64_t reads;      // that were compared
    uint64_t rewritten;  // segments
};

void story_init(struct story *story, uint64_t seed);
/* Options with small segments and a small cache, and the story's checkpoints. */
struct rill_store_options story_options(struct story *story, struct rill_disk *disk, const char *folder);
enum rill_err story_create_store(struct story *story, const struct rill_store_options *options,
                                 struct rill_store **ret_store);

/* One random step: an append, a part of a commit, a read. An error of the store comes back; a wrong answer
   aborts. */
enum rill_err story_step(struct story *story, struct rill_store *store);
/* Commits all there is, and finishes what goes on in the background. */
enum rill_err story_commit(struct story *story, struct rill_store *store);
/* After a commit that the store has taken back: the story takes the same back. */
void story_take_back(struct story *story);
/* Finishes the jobs in flight, if there are any, so that the store can be closed. */
void story_settle(struct story *story, struct rill_store *store);
/* Reads a message by all means, and compares it with the story. OK, also when it was removed and is not there;
   or what the store says. */
enum rill_err story_read(struct story *story, struct rill_store *store, uint64_t sequence);

/* Opens the store again and compares all that the replay gives with the story: it must be the whole of what
   was committed, perhaps with the commit that was in flight, and nothing else. The story goes on from there. */
enum rill_err story_reopen(struct story *story, const struct rill_store_options *options,
                           struct rill_store **ret_store, struct rill_store_report *ret_report);
/* Compares what the store says about itself with the story. A wrong answer aborts. */
void story_check_state(const struct story *story, const struct rill_store *store);
/* The committed messages with this subject that are live. */
uint64_t story_live(const struct story *story, struct rill_bytes subject, uint64_t *ret_first,
                    uint64_t *ret_last);
/* Is this what the story said? */
bool story_message_is_right(const struct story *story, const struct rill_store_message *message);
