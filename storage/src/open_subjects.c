// SPDX-License-Identifier: Apache-2.0
#include "open_subjects.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "indexing.h"

#include <stdlib.h>
#include <utlist.h>

// ---- subjects ----

struct open_subject *open_subjects_find(const struct open_subjects *opens, struct rill_bytes subject)
{
    struct open_subject *found = NULL;
    HASH_FIND(hh, opens->by_text, subject.data, subject.len, found);
    return found;
}

struct open_subject *open_subjects_get(struct open_subjects *opens, struct rill_bytes text)
{
    struct open_subject *subject = open_subjects_find(opens, text);
    if (subject)
        return subject;
    subject = rill_alloc_zero(1, sizeof *subject + text.len);
    subject->len = text.len;
    if (text.len)
        memcpy(subject->text, text.data, text.len);
    HASH_ADD_KEYPTR(hh, opens->by_text, subject->text, subject->len, subject);
    return subject;
}

static void drop_unused(struct open_subjects *opens, struct open_subject *subject)
{
    if (subject->refs || subject->queued)
        return;
    HASH_DEL(opens->by_text, subject);
    free(subject);
}

static void unref(struct open_subjects *opens, struct open_subject *subject)
{
    RILL_ASSERT(subject->refs > 0);
    subject->refs--;
    drop_unused(opens, subject);
}

void open_subjects_queue(struct open_subjects *opens, struct open_subject *subject, bool first)
{
    if (subject->queued)
        return;
    subject->queued = true;
    if (first)
        DL_PREPEND(opens->queue, subject);
    else
        DL_APPEND(opens->queue, subject);
}

void open_subjects_unqueue(struct open_subjects *opens, struct open_subject *subject)
{
    RILL_ASSERT(subject->queued);
    DL_DELETE(opens->queue, subject);
    subject->queued = false;
    drop_unused(opens, subject);
}

static void drop_all(struct open_subjects *opens)
{
    struct open_subject *subject, *next;
    HASH_ITER (hh, opens->by_text, subject, next) {
        HASH_DEL(opens->by_text, subject);
        free(subject);
    }
    opens->queue = NULL;
    opens->message_count = 0;
    opens->first_removal += opens->removal_count;
    opens->removal_count = 0;
}

void open_subjects_fini(struct open_subjects *opens)
{
    drop_all(opens);
    free(opens->messages);
    free(opens->removals);
}

// ---- chains ----

static struct open_message *message_at(const struct open_subjects *opens, uint64_t sequence)
{
    RILL_ASSERT(sequence >= opens->first_sequence && sequence - opens->first_sequence < opens->message_count);
    return &opens->messages[sequence - opens->first_sequence];
}

uint64_t open_subjects_back(const struct open_subjects *opens, uint64_t sequence)
{
    const uint32_t back = message_at(opens, sequence)->back;
    return back ? sequence - back : 0;
}

uint64_t open_subjects_ahead(const struct open_subjects *opens, uint64_t sequence)
{
    const uint32_t ahead = message_at(opens, sequence)->ahead;
    return ahead ? sequence + ahead : 0;
}

bool open_subjects_has(const struct open_subjects *opens, const struct open_subject *subject,
                       uint64_t sequence)
{
    return sequence >= opens->first_sequence && sequence - opens->first_sequence < opens->message_count &&
           message_at(opens, sequence)->subject == subject;
}

static void add_message(struct open_subjects *opens, uint64_t sequence, struct open_subject *subject)
{
    if (opens->message_count == opens->message_capacity) {
        opens->message_capacity = opens->message_capacity ? opens->message_capacity * 2 : 64;
        opens->messages =
            rill_alloc_resize(opens->messages, opens->message_capacity, sizeof opens->messages[0]);
    }
    struct open_message *message = &opens->messages[opens->message_count++];
    RILL_ASSERT(sequence == opens->first_sequence + opens->message_count - 1);
    *message = (struct open_message){.subject = subject};
    if (subject->newest) {
        message->back = (uint32_t)(sequence - subject->newest);
        message_at(opens, subject->newest)->ahead = message->back;
    } else {
        subject->oldest = sequence;
    }
    subject->newest = sequence;
    subject->refs++;
}

static void drop_message(struct open_subjects *opens, size_t at)
{
    const uint64_t sequence = opens->first_sequence + at;
    struct open_subject *subject = opens->messages[at].subject;
    RILL_ASSERT(subject->oldest == sequence);
    subject->oldest = open_subjects_ahead(opens, sequence);
    if (subject->oldest)
        message_at(opens, subject->oldest)->back = 0;
    else
        subject->newest = 0;
    unref(opens, subject);
}

static void drop_messages(struct open_subjects *opens, uint64_t last)
{
    size_t count = 0;
    while (count < opens->message_count && opens->first_sequence + count <= last)
        drop_message(opens, count++);
    opens->message_count -= count;
    if (count && opens->message_count)
        memmove(opens->messages, opens->messages + count, opens->message_count * sizeof opens->messages[0]);
    opens->first_sequence += count;
}

static void add_removal(struct open_subjects *opens, const struct open_removal *removal)
{
    if (opens->removal_count == opens->removal_capacity) {
        opens->removal_capacity = opens->removal_capacity ? opens->removal_capacity * 2 : 64;
        opens->removals =
            rill_alloc_resize(opens->removals, opens->removal_capacity, sizeof opens->removals[0]);
    }
    opens->removals[opens->removal_count++] = *removal;
    removal->subject->removal = opens->first_removal + opens->removal_count - 1;
    removal->subject->refs++;
}

static void drop_removals(struct open_subjects *opens, uint64_t commit)
{
    size_t count = 0;
    for (; count < opens->removal_count && opens->removals[count].commit <= commit; count++) {
        struct open_subject *subject = opens->removals[count].subject;
        if (subject->removal == opens->first_removal + count)
            subject->removal = 0;
        unref(opens, subject);
    }
    opens->removal_count -= count;
    if (count && opens->removal_count)
        memmove(opens->removals, opens->removals + count, opens->removal_count * sizeof opens->removals[0]);
    opens->first_removal += count;
}

// ---- what happens ----

void open_subjects_appended(struct rill_store *store, uint64_t sequence, struct rill_bytes text)
{
    struct open_subjects *opens = &store->opens;
    if (!opens->is_on)
        return;
    struct open_subject *subject = open_subjects_get(opens, text);
    add_message(opens, sequence, subject);
    subject->count++;
    if (!store->limits.set.max_messages_per_subject)
        return;
    subject->owed++;
    open_subjects_queue(opens, subject, true);
}

void open_subjects_removed(struct rill_store *store, uint64_t commit, uint64_t sequence,
                           struct rill_bytes text)
{
    struct open_subjects *opens = &store->opens;
    if (!opens->is_on)
        return;
    struct open_subject *subject = open_subjects_get(opens, text);
    add_removal(opens, &(struct open_removal){subject, commit, sequence, subject->removal});
    subject->count--;
}

void open_subjects_not_removed(struct rill_store *store)
{
    struct open_subjects *opens = &store->opens;
    if (!opens->is_on)
        return;
    RILL_ASSERT(opens->removal_count > 0);
    const struct open_removal removal = opens->removals[--opens->removal_count];
    removal.subject->removal = removal.before;
    removal.subject->count++;
    unref(opens, removal.subject);
}

void open_subjects_recount(struct rill_store *store)
{
    store->opens.epoch++;
}

void open_subjects_committed(struct rill_store *store)
{
    struct open_subjects *opens = &store->opens;
    if (!opens->is_on)
        return;
    drop_messages(opens, store->committed.sequence);
    drop_removals(opens, store->committed.commit);
}

void open_subjects_taken_back(struct rill_store *store)
{
    struct open_subjects *opens = &store->opens;
    drop_all(opens);
    opens->first_sequence = store->committed.sequence + 1;
}

// ---- beginning ----

static enum rill_err add_appended(struct rill_store *store)
{
    for (uint64_t sequence = store->committed.sequence + 1; sequence <= store->open.sequence; sequence++) {
        struct block *block;
        const uint8_t *at;
        enum rill_err err = block_find(&store->segments, sequence, &block);
        if (!err)
            err = block_message(&store->segments.cache, block, block->len, sequence, &at);
        if (err)
            return err;
        open_subjects_appended(store, sequence, record_view(at).subject);
    }
    return RILL_OK;
}

enum rill_err open_subjects_begin(struct rill_store *store)
{
    struct open_subjects *opens = &store->opens;
    if (opens->is_on)
        return RILL_OK;
    RILL_ASSERT(!opens->by_text && !opens->message_count && !opens->removal_count);
    opens->is_on = true;
    opens->epoch++;
    opens->first_removal = opens->first_removal ? opens->first_removal : 1;
    opens->first_sequence = store->committed.sequence + 1;
    const enum rill_err err = add_appended(store);
    if (err) {
        drop_all(opens);
        opens->is_on = false;
        return err;
    }
    indexing_tell_kept(store->indexing);
    return RILL_OK;
}

// ---- asking ----

/* Of those that the index has. */
static uint64_t count_removed(const struct rill_store *store, const struct open_subject *subject)
{
    const struct open_subjects *opens = &store->opens;
    uint64_t count = 0;
    for (uint64_t number = subject->removal; number && number >= opens->first_removal;) {
        const struct open_removal *removal = &opens->removals[number - opens->first_removal];
        count += removal->sequence <= store->committed.sequence && removal->sequence >= store->open.floor;
        number = removal->before;
    }
    return count;
}

static uint64_t count_appended(struct rill_store *store, const struct open_subject *subject)
{
    uint64_t count = 0;
    for (uint64_t sequence = subject->newest; sequence;
         sequence = open_subjects_back(&store->opens, sequence))
        count += store_is_live(store, sequence);
    return count;
}

static enum rill_err count_indexed(struct rill_store *store, struct rill_bytes subject, uint64_t *ret_count)
{
    struct rill_index_subject found;
    enum rill_err err = store_query_ready(store);
    if (!err)
        err = store_query_result(
            store, rill_index_subject_from(store->indexing->index, subject, store->open.floor, &found));
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    *ret_count = err ? 0 : found.count;
    return RILL_OK;
}

enum rill_err open_subjects_count(struct rill_store *store, struct rill_bytes text, uint64_t *ret_count)
{
    struct open_subject *subject = open_subjects_find(&store->opens, text);
    if (subject && subject->counted == store->opens.epoch) {
        *ret_count = subject->count;
        return RILL_OK;
    }
    const enum rill_err err = count_indexed(store, text, ret_count);
    if (err || !subject)
        return err;
    const uint64_t removed = count_removed(store, subject);
    RILL_ASSERT(removed <= *ret_count);
    *ret_count += count_appended(store, subject) - removed;
    subject->count = *ret_count;
    subject->counted = store->opens.epoch;
    return RILL_OK;
}
