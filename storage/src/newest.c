// SPDX-License-Identifier: Apache-2.0
//
// The newest message of a subject, or of a filter, as the next append finds it: first among what is not committed, then,
// from the end on backwards, in the index. What was removed and is not committed is passed over: the index has it still.
#include "indexing.h"

enum { STEPS_MAX = 512 }; // messages that one call passes over

static enum rill_err ready(struct rill_store *store)
{
    const enum rill_err err = store_query_ready(store);
    return err ? err : open_subjects_begin(store);
}

/* 0: none. */
static uint64_t newest_open(struct rill_store *store, const struct open_subject *subject)
{
    uint64_t sequence = subject ? subject->newest : 0;
    while (sequence && !store_is_live(store, sequence))
        sequence = open_subjects_back(&store->opens, sequence);
    return sequence;
}

enum rill_err rill_store_subject_newest(struct rill_store *store, struct rill_bytes subject,
                                        uint64_t *ret_sequence)
{
    enum rill_err err = ready(store);
    uint64_t sequence = err ? 0 : newest_open(store, open_subjects_find(&store->opens, subject));
    uint64_t end = store->committed.sequence + 1;
    for (int i = 0; !err && !sequence; i++) {
        err = i == STEPS_MAX ? RILL_ERR_AGAIN
                             : store_query_result(
                                   store, rill_index_last_before(store->indexing->index, subject, end, &end));
        if (!err && end < store->open.floor)
            err = RILL_ERR_NOT_FOUND;
        sequence = !err && store_is_live(store, end) ? end : 0;
    }
    if (!err)
        *ret_sequence = sequence;
    return err;
}

/* Of all subjects that match. 0: none. */
static uint64_t newest_open_matching(struct rill_store *store, const struct rill_index_filter *filter)
{
    const struct open_subject *subject;
    uint64_t newest = 0;
    for (subject = store->opens.by_text; subject; subject = subject->hh.next) {
        if (subject->newest <= newest || !rill_index_filter_matches(filter, open_subject_text(subject)))
            continue;
        const uint64_t sequence = newest_open(store, subject);
        newest = sequence > newest ? sequence : newest;
    }
    return newest;
}

static enum rill_err newest_of_all(struct rill_store *store, uint64_t *ret_sequence)
{
    if (!store->open.messages)
        return RILL_ERR_NOT_FOUND;
    *ret_sequence = rill_store_newest(store, 1);
    return RILL_OK;
}

enum rill_err rill_store_newest_matching(struct rill_store_filter *filter, uint64_t *ret_sequence)
{
    struct rill_store *store = filter->store;
    if (filter->takes_all)
        return newest_of_all(store, ret_sequence);
    enum rill_err err = ready(store);
    uint64_t sequence = err ? 0 : newest_open_matching(store, filter->filter);
    uint64_t end = store->committed.sequence + 1;
    for (int i = 0; !err && !sequence; i++) {
        err = i == STEPS_MAX ? RILL_ERR_AGAIN
                             : store_query_result(store, rill_index_newest(filter->filter, end, &end));
        if (!err && end < store->open.floor)
            err = RILL_ERR_NOT_FOUND;
        sequence = !err && store_is_live(store, end) ? end : 0;
    }
    if (!err)
        *ret_sequence = sequence;
    return err;
}
