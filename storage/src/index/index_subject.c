// SPDX-License-Identifier: Apache-2.0
//
// What one subject has, over all three layers. Limits per subject ask this for every message that is appended, and
// delete the oldest one as often: so where the first live message is, is remembered with the subject in the active
// batch. It can only move up.
#include "index_internal.h"

#include "base/assert.h"

struct view {
    struct rill_index *index;
    struct rill_bytes text;
    struct batch_subject *ready, *active; // NULL where the batch has nothing of the subject
    bool has_row;
    struct subject_row row;
    struct overlay overlay;
    uint64_t from; // nothing is live below
};

static enum rill_err view_of(struct rill_index *index, struct rill_bytes text, struct view *ret)
{
    struct view view = {.index = index, .text = text, .from = index->first_sequence};
    view.ready = index->ready ? batch_find(index->ready, text) : NULL;
    view.active = batch_find(index->active, text);
    if (view.ready && view.ready->live_from > view.from)
        view.from = view.ready->live_from;
    if (view.active && view.active->live_from > view.from)
        view.from = view.active->live_from;
    enum rill_err err = RILL_OK;
    if (view.from <= index->db_last) {
        err = lookup_subject(index, text, &view.row);
        view.has_row = !err;
        view.overlay = overlay_of(index, text);
    }
    *ret = view;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static bool batch_first(const struct view *view, const struct batch *batch,
                        const struct batch_subject *subject, uint64_t *ret_sequence)
{
    return subject && batch->message_count &&
           lookup_batch_next(view->index, batch, subject, view->from, ret_sequence);
}

static enum rill_err view_first(const struct view *view, uint64_t *ret_sequence)
{
    const struct rill_index *index = view->index;
    enum rill_err err = RILL_ERR_NOT_FOUND;
    if (view->has_row)
        err = lookup_db_next(view->index, view->row.id, view->row.eras, &view->overlay, view->from,
                             ret_sequence);
    if (err == RILL_ERR_NOT_FOUND && batch_first(view, index->ready, view->ready, ret_sequence))
        err = RILL_OK;
    if (err == RILL_ERR_NOT_FOUND && batch_first(view, index->active, view->active, ret_sequence))
        err = RILL_OK;
    return err;
}

static bool batch_last(const struct view *view, const struct batch *batch,
                       const struct batch_subject *subject, uint64_t end, uint64_t *ret_sequence)
{
    return subject && lookup_batch_last(view->index, batch, subject, end, ret_sequence);
}

static enum rill_err view_last(const struct view *view, uint64_t end, uint64_t *ret_sequence)
{
    uint64_t sequence = 0;
    enum rill_err err = RILL_OK;
    end = end < INT64_MAX ? end : INT64_MAX;
    if (!batch_last(view, view->index->active, view->active, end, &sequence) &&
        !batch_last(view, view->index->ready, view->ready, end, &sequence))
        err = view->has_row ? lookup_db_last(view->index, &view->row, &view->overlay, end, &sequence)
                            : RILL_ERR_NOT_FOUND;
    if (!err && sequence < view->from)
        err = RILL_ERR_NOT_FOUND;
    if (!err)
        *ret_sequence = sequence;
    return err;
}

static enum rill_err view_count(const struct view *view, uint64_t from, uint64_t *ret_count)
{
    const struct rill_index *index = view->index;
    enum rill_err err = RILL_OK;
    *ret_count = 0;
    if (view->has_row)
        err = lookup_db_count(view->index, &view->row, &view->overlay, from, ret_count);
    if (view->ready)
        *ret_count += lookup_batch_count(index, index->ready, view->ready, from);
    if (view->active)
        *ret_count += lookup_batch_count(index, index->active, view->active, from);
    return err;
}

enum rill_err rill_index_last_before(struct rill_index *index, struct rill_bytes subject, uint64_t end,
                                     uint64_t *ret_sequence)
{
    struct view view;
    enum rill_err err = index_lists(index);
    err = err ? err : view_of(index, subject, &view);
    err = err ? err : view_last(&view, end, ret_sequence);
    return index_failed(index, err);
}

enum rill_err rill_index_subject_from(struct rill_index *index, struct rill_bytes subject, uint64_t from,
                                      struct rill_index_subject *ret)
{
    struct view view;
    struct rill_index_subject found = {.subject = subject};
    enum rill_err err = index_lists(index);
    err = err ? err : view_of(index, subject, &view);
    const bool is_all = !err && from <= view.from;
    if (!err && !is_all)
        view.from = from;
    err = err ? err : view_first(&view, &found.first_sequence);
    if (!err && is_all && view.active)
        view.active->live_from = found.first_sequence;
    err = err ? err : view_count(&view, found.first_sequence, &found.count);
    if (!err) {
        err = view_last(&view, INT64_MAX, &found.last_sequence);
        err = err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err; // there is a first one
    }
    if (!err)
        *ret = found;
    return index_failed(index, err);
}

enum rill_err rill_index_next_of(struct rill_index *index, struct rill_bytes subject, uint64_t from,
                                 uint64_t *ret_sequence)
{
    struct view view;
    enum rill_err err = index_lists(index);
    err = err ? err : view_of(index, subject, &view);
    if (!err && from > view.from)
        view.from = from;
    err = err ? err : view_first(&view, ret_sequence);
    return index_failed(index, err);
}
