// SPDX-License-Identifier: Apache-2.0
//
// The subjects of deletes that were appended and not fed: nobody can say them any more when the delete is fed. An index that has
// failed keeps none, until another one is made in its place (mend.c): that one is fed from the commit on up to which it
// was made, so it takes over the subjects of deletes behind it.
#include "indexing.h"

#include "base/assert.h"

#include <stdlib.h>

/* In front of each subject that is kept. */
struct kept {
    uint64_t commit;
    uint64_t sequence;
    uint64_t len;
};

static struct kept kept_at(const struct indexing *indexing, size_t at)
{
    struct kept kept;
    RILL_ASSERT(at + sizeof kept <= indexing->subjects.len);
    memcpy(&kept, indexing->subjects.data + at, sizeof kept);
    return kept;
}

struct rill_bytes indexing_kept_subject(const struct indexing *indexing, uint64_t sequence)
{
    const struct kept kept = kept_at(indexing, indexing->subjects_at);
    RILL_ASSERT(kept.sequence == sequence);
    return rill_bytes_of(indexing->subjects.data + indexing->subjects_at + sizeof kept, (size_t)kept.len);
}

void indexing_drop_kept(struct indexing *indexing)
{
    size_t *at = &indexing->subjects_at;
    *at += sizeof(struct kept) + kept_at(indexing, *at).len;
    if (*at == indexing->subjects.len || *at > INDEXING_SUBJECTS_MAX / 4) {
        rill_buf_drop(&indexing->subjects, *at);
        *at = 0;
    }
}

/* The next index will have them from the log. */
static void drop_committed(struct indexing *indexing)
{
    const uint64_t commit = indexing->store->committed.commit;
    while (indexing->subjects_at < indexing->subjects.len &&
           kept_at(indexing, indexing->subjects_at).commit <= commit)
        indexing_drop_kept(indexing);
}

void indexing_keep_subject(struct indexing *indexing, uint64_t commit, uint64_t sequence,
                           struct rill_bytes subject)
{
    const struct kept kept = {commit, sequence, subject.len};
    struct rill_buf *subjects = &indexing->subjects;
    if (!indexing_keeps(indexing))
        return;
    if (indexing->keeps && !indexing->ended)
        drop_committed(indexing);
    indexing->subjects_last = subjects->len;
    if (indexing->keeps && commit <= indexing->keeps_from)
        return;
    enum rill_err err = rill_buf_reserve(subjects, sizeof kept + subject.len);
    if (!err)
        err = rill_buf_append(subjects, rill_bytes_of(&kept, sizeof kept));
    if (!err)
        err = rill_buf_append(subjects, subject);
    if (err)
        indexing_fail(indexing, err, "keep a deleted message's subject");
    indexing->keeps &= !err;
}

void indexing_forget_subject(struct indexing *indexing)
{
    if (indexing_keeps(indexing))
        indexing->subjects.len = indexing->subjects_last;
}

void indexing_tell_kept(const struct indexing *indexing)
{
    struct rill_store *store = indexing->store;
    size_t at = indexing->subjects_at;
    while (indexing_keeps(indexing) && at < indexing->subjects.len) {
        const struct kept kept = kept_at(indexing, at);
        const struct rill_bytes subject =
            rill_bytes_of(indexing->subjects.data + at + sizeof kept, (size_t)kept.len);
        if (kept.commit > store->committed.commit)
            open_subjects_removed(store, kept.commit, kept.sequence, subject);
        at += sizeof kept + kept.len;
    }
}

void indexing_take_back(struct indexing *indexing, uint64_t commit)
{
    size_t at = indexing->subjects_at;
    while (indexing_keeps(indexing) && at < indexing->subjects.len) {
        const struct kept kept = kept_at(indexing, at);
        if (kept.commit > commit)
            break;
        at += sizeof kept + kept.len;
    }
    if (indexing_keeps(indexing))
        indexing->subjects.len = at;
    if (commit < indexing->keeps_from)
        indexing->keeps_from = commit;
}

// ---- the next one ----

void indexing_keep(struct indexing *indexing)
{
    const struct rill_store *store = indexing->store;
    RILL_ASSERT(indexing->failed);
    if (indexing->keeps)
        return;
    indexing->keeps = true;
    indexing->keeps_from = store->removal_count ? store->removals[store->removal_count - 1].commit : 0;
    indexing->subjects.len = indexing->subjects_at = 0;
}

bool indexing_may_end(const struct indexing *indexing)
{
    return indexing->keeps && indexing->keeps_from <= indexing->store->committed.commit;
}

void indexing_end(struct indexing *indexing)
{
    const struct log_mark *committed = &indexing->store->committed;
    drop_committed(indexing);
    indexing->ended = true;
    indexing_stand_on(indexing, committed->block, committed->block_len);
}

/* Those that could not be kept are in the log, as long as their messages are. */
static void keep_ids(struct indexing *indexing)
{
    if (!indexing->ids)
        indexing->ids = rill_index_ids_create(indexing->options.identity);
    enum rill_err err = rill_index_ids_forget(indexing->ids, indexing->store->committed.time_ns -
                                                                 indexing->options.id_window_ns);
    if (!err && indexing->index)
        err = rill_index_ids_add_unwritten(indexing->ids, indexing->index);
    err = err ? err : seen_keep(indexing->store, indexing->ids);
    indexing->has_forgotten_ids |= err != RILL_OK;
}

void indexing_retire(struct indexing *indexing)
{
    RILL_ASSERT(indexing->failed && !indexing->out);
    keep_ids(indexing);
    store_filters_detach(indexing->store);
    indexing->store->segments.source = (struct directory_source){0};
    (void)indexing_disconnect(indexing);
    rill_index_close(indexing->index);
    indexing->index = NULL;
    indexing->is_removed = true;
}

void indexing_unretire(struct indexing *indexing)
{
    indexing_stand_on(indexing, NULL, 0);
    indexing->ended = indexing->is_removed = false;
}

bool indexing_succeed(struct indexing *next, struct rill_store *store)
{
    struct indexing *old = store->indexing;
    if (!old->keeps || next->failed)
        return false;
    const struct rill_buf subjects = next->subjects;
    next->subjects = old->subjects;
    old->subjects = subjects;
    next->subjects_at = old->subjects_at;
    next->subjects_last = old->subjects_last;
    next->store = store;
    next->has_forgotten_ids |= old->has_forgotten_ids;
    next->stored_count = 0; // of another division into blocks
    next->stale = true;
    rill_index_set_batch_bytes(next->index, next->options.batch_bytes);
    next->block = old->block; // and its pin
    next->block_len = old->block_len;
    old->block = NULL;
    store->indexing = next;
    store->segments.source = indexing_source(next);
    indexing_free(old);
    store_filters_attach(store);
    return true;
}
