// SPDX-License-Identifier: Apache-2.0
//
// The limit on the messages of one subject. The happy path: an append puts its subject into a queue and reserves room for
// one delete; when the commit starts, each subject in the queue is counted, as of that commit, and its oldest messages that
// are too many are deleted, in the same commit. So readers never find more than the limit allows.
//
// A delete needs the block of its message in memory (how many bytes go). When it is not, the subject is passed over for the
// time, and in the end the commit does not start: the owner loads what is wanted, several blocks at once, and starts again.
// When a load fails, the commit goes without what it cannot read; that stays until the subject is counted again.
//
// Behind a limit that was lowered, an open, or commits that were taken back, any subject may have too many. Then the
// subjects of the index are looked at one after the other, so many for each commit; those found are put at the queue's
// end. What they have too much goes in steps, so that no commit is long, and those that are appended to come first.
#include "subject_limit.h"

#include "base/assert.h"
#include "indexing.h"

enum {
    STEP_SUBJECTS = 2000, // that one commit looks at
    STEP_DELETES = 512,   // that one commit makes besides those that room is reserved for
};

static bool is_set(const struct rill_store *store)
{
    return store->limits.set.max_messages_per_subject && store->indexing && !store->indexing->failed;
}

enum rill_err subject_limit_is_full(struct rill_store *store, struct rill_bytes subject, bool *ret_full)
{
    const uint64_t max = store->limits.set.max_messages_per_subject;
    uint64_t count = 0;
    enum rill_err err = RILL_OK;
    if (max) {
        err = store_query_ready(store);
        err = err ? err : open_subjects_begin(store);
        err = err ? err : open_subjects_count(store, subject, &count);
    }
    if (!err)
        *ret_full = max && count >= max;
    return err;
}

uint64_t subject_limit_reserve(const struct rill_store *store)
{
    return is_set(store) ? ((uint64_t)store->commit.message_count + 1) * RECORD_DELETE_BYTES : 0;
}

// ---- one subject ----

/* While its oldest messages are being removed. */
struct keeping {
    struct rill_store *store;
    struct open_subject *subject;
    uint64_t from; // where the next one is looked for
    uint64_t over; // how many are too many
    bool passed;   // some in front of `from` are still there
};

static enum rill_err oldest_indexed(const struct keeping *keeping, uint64_t *ret_sequence)
{
    struct rill_store *store = keeping->store;
    return keeping->from > store->committed.sequence
               ? RILL_ERR_NOT_FOUND
               : store_query_result(store, rill_index_next_of(store->indexing->index,
                                                              open_subject_text(keeping->subject),
                                                              keeping->from, ret_sequence));
}

static enum rill_err oldest_open(const struct keeping *keeping, uint64_t *ret_sequence)
{
    const struct open_subjects *opens = &keeping->store->opens;
    const bool is_inside = open_subjects_has(opens, keeping->subject, keeping->from - 1);
    uint64_t sequence = is_inside ? open_subjects_ahead(opens, keeping->from - 1) : keeping->subject->oldest;
    while (sequence && !store_is_live(keeping->store, sequence))
        sequence = open_subjects_ahead(opens, sequence);
    *ret_sequence = sequence;
    return sequence ? RILL_OK : RILL_ERR_NOT_FOUND;
}

/* Steps behind a message that stays. */
static void pass(struct keeping *keeping, uint64_t sequence)
{
    keeping->from = sequence + 1;
    keeping->passed = true;
    keeping->over--;
}

/* The oldest message that is there. What is lost counts in the index, and no longer anywhere else. */
static enum rill_err oldest_of(struct keeping *keeping, uint64_t *ret_sequence)
{
    struct rill_store *store = keeping->store;
    enum rill_err err;
    while (keeping->over && !(err = oldest_indexed(keeping, ret_sequence))) {
        if (store_is_live(store, *ret_sequence))
            return RILL_OK;
        if (lost_has(&store->lost, *ret_sequence))
            pass(keeping, *ret_sequence);
        else
            keeping->from = *ret_sequence + 1;
    }
    if (!keeping->over)
        return RILL_ERR_NOT_FOUND;
    return err == RILL_ERR_NOT_FOUND ? oldest_open(keeping, ret_sequence) : err;
}

static enum rill_err want_load(struct rill_store *store, uint64_t sequence)
{
    struct limits *limits = &store->limits;
    RILL_ASSERT(limits->wanted_count < LIMITS_LOADS_MAX);
    limits->wanted[limits->wanted_count++] = sequence;
    return RILL_ERR_AGAIN;
}

static enum rill_err remove_oldest(struct keeping *keeping)
{
    struct rill_store *store = keeping->store;
    struct open_subject *subject = keeping->subject;
    uint64_t sequence;
    enum rill_err err = oldest_of(keeping, &sequence);
    if (err)
        return err;
    err = rill_store_append_delete(store, sequence);
    if (err == RILL_ERR_AGAIN && !store->limits.load_failed)
        return want_load(store, sequence);
    if (err == RILL_ERR_AGAIN || err == RILL_ERR_IO || err == RILL_ERR_DAMAGED) {
        pass(keeping, sequence);
        return RILL_OK;
    }
    if (err)
        return err;
    keeping->over--;
    keeping->from = sequence + 1;
    if (!keeping->passed)
        subject->from = keeping->from;
    if (subject->owed)
        subject->owed--;
    else
        store->limits.deletes++;
    return RILL_OK;
}

/* *ret_done: it has no more than it may have, or what it has cannot be removed now. */
static enum rill_err keep(struct rill_store *store, struct open_subject *subject, bool *ret_done)
{
    const uint64_t max = store->limits.set.max_messages_per_subject;
    const uint64_t floor = store->open.floor;
    uint64_t count;
    enum rill_err err = open_subjects_count(store, open_subject_text(subject), &count);
    struct keeping keeping = {
        .store = store,
        .subject = subject,
        .from = subject->from > floor ? subject->from : floor,
        .over = !err && count > max ? count - max : 0,
    };
    while (!err && keeping.over && (subject->owed || store->limits.deletes < STEP_DELETES))
        err = remove_oldest(&keeping);
    *ret_done = !err ? !keeping.over : err == RILL_ERR_NOT_FOUND;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

// ---- all that are in the queue ----

static bool is_short_of_room(enum rill_err err)
{
    return err && err != RILL_ERR_AGAIN;
}

/* AGAIN when loads are wanted. */
static enum rill_err keep_all(struct rill_store *store)
{
    struct limits *limits = &store->limits;
    struct open_subject *subject = store->opens.queue;
    enum rill_err err = RILL_OK;
    limits->wanted_count = 0;
    while (subject && !is_short_of_room(err) && limits->wanted_count < LIMITS_LOADS_MAX) {
        struct open_subject *next = subject->next;
        bool is_done = false;
        err = keep(store, subject, &is_done);
        if (is_done)
            open_subjects_unqueue(&store->opens, subject);
        subject = next;
    }
    return limits->wanted_count ? RILL_ERR_AGAIN : err;
}

static enum rill_err queue_crowded(void *context, const struct rill_index_subject *found)
{
    struct open_subjects *opens = context;
    open_subjects_queue(opens, open_subjects_get(opens, found->subject), false);
    return RILL_OK;
}

/* Is there one at the queue's end that nobody has appended to? */
static bool has_rest(const struct rill_store *store)
{
    const struct open_subject *first = store->opens.queue;
    return first && !first->prev->owed;
}

static enum rill_err look_on(struct rill_store *store)
{
    struct limits *limits = &store->limits;
    if (!limits->is_looking || has_rest(store))
        return RILL_OK;
    const enum rill_err err =
        store_query_result(store, rill_index_crowded(store->indexing->index, &limits->looked_to,
                                                     limits->set.max_messages_per_subject, STEP_SUBJECTS,
                                                     queue_crowded, &store->opens));
    limits->is_looking = err || limits->looked_to.len;
    return err;
}

/* The commit starts: what is appended from now on reserves its own room. */
static void forget_room(struct open_subjects *opens)
{
    for (struct open_subject *subject = opens->queue; subject; subject = subject->next)
        subject->owed = 0;
}

/* Without a limit, or an index that works, nobody looks into it; appends go on. */
static void forget_queue(struct open_subjects *opens)
{
    while (opens->queue)
        open_subjects_unqueue(opens, opens->queue);
}

enum rill_err subject_limit_apply(struct rill_store *store)
{
    struct limits *limits = &store->limits;
    if (!is_set(store))
        forget_queue(&store->opens);
    if (!is_set(store) || (!limits->is_looking && !store->opens.queue))
        return RILL_OK;
    enum rill_err err = store_query_ready(store);
    err = err ? err : open_subjects_begin(store);
    err = err ? err : look_on(store);
    err = err ? err : keep_all(store);
    if (err == RILL_ERR_AGAIN)
        return err;
    limits->load_failed = false;
    limits->deletes = 0;
    forget_room(&store->opens);
    return err;
}

bool rill_store_limits_left(const struct rill_store *store)
{
    return is_set(store) && !store->read_only && (store->limits.is_looking || has_rest(store));
}

// ---- loads ----

struct rill_store_job *subject_limit_load_start(struct rill_store *store)
{
    struct rill_store_job *job = NULL;
    for (size_t i = 0; !job && i < store->limits.wanted_count; i++)
        job = rill_store_load_start(store, store->limits.wanted[i]);
    return job;
}

void subject_limit_load_failed(struct rill_store *store, uint64_t first_sequence, uint64_t last_sequence)
{
    struct limits *limits = &store->limits;
    for (size_t i = 0; i < limits->wanted_count; i++)
        limits->load_failed |= first_sequence <= limits->wanted[i] && limits->wanted[i] <= last_sequence;
}

// ---- beginning, ending ----

void subject_limit_look(struct rill_store *store)
{
    struct limits *limits = &store->limits;
    limits->is_looking = limits->set.max_messages_per_subject != 0;
    limits->looked_to.len = 0;
    limits->wanted_count = 0;
}

void subject_limit_fini(struct limits *limits)
{
    rill_buf_fini(&limits->looked_to);
}
