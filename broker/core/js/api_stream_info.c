// SPDX-License-Identifier: Apache-2.0
//
// What is in a stream: $JS.API.STREAM.INFO, with how many messages each subject has that a filter takes, page by page.
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "proto/subject.h"
#include "stream.h"
#include "stream_tidy.h"

#include <stdlib.h>

/* DETAILS_MAX: sequences told one by one; a client that needs more of them reads the stream. */
enum {
    DETAILS_MAX = 500 * 1000,
    SUBJECTS_PAGE = 100 * 1000, // of an answer
    STEP_SUBJECTS = 1000,
    SUBJECT_BYTES_MAX = 1 << 20,
};

// ---- what is missing ----

/* Each sequence by itself, as NATS has it. */
static void fill_ranges(const struct rill_store_range *ranges, size_t count, uint64_t **ret,
                        size_t *ret_count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += (size_t)(ranges[i].last_sequence - ranges[i].first_sequence + 1);
    if (total > DETAILS_MAX)
        total = DETAILS_MAX;
    *ret = total ? rill_alloc_zero(total, sizeof **ret) : NULL;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t at = ranges[i].first_sequence; at <= ranges[i].last_sequence && *ret_count < total;
             at++)
            (*ret)[(*ret_count)++] = at;
    }
}

static void fill_deleted(struct stream *stream, Rill__StreamState *state)
{
    size_t count;
    const struct rill_store_range *ranges = rill_store_deleted(stream->store, &count);
    fill_ranges(ranges, count, &state->deleted, &state->n_deleted);
}

/* What damage took. */
static void fill_lost(const struct stream *stream, Rill__StreamState *state, Rill__LostStreamData *lost)
{
    size_t count;
    const struct rill_store_range *ranges = rill_store_lost(stream->store, &count);
    if (!count)
        return;
    fill_ranges(ranges, count, &lost->msgs, &lost->n_msgs);
    state->lost = lost;
}

// ---- its subjects ----

/* What subjects_filter takes, as far as it was looked at. */
struct details {
    struct rill_buf after; // the last one
    uint64_t offset;       // of the page
    uint64_t total;
    size_t step;
    Rill__StreamState__SubjectsEntry *entries; // of the page
    size_t count;
};

static void details_release(void *own)
{
    struct details *details = own;
    for (size_t i = 0; i < details->count; i++)
        free(details->entries[i].key);
    free(details->entries);
    rill_buf_fini(&details->after);
    free(details);
}

static struct details *details_create(int64_t offset)
{
    struct details *details = rill_alloc_zero(1, sizeof *details);
    rill_buf_init(&details->after, SUBJECT_BYTES_MAX);
    details->offset = offset > 0 ? (uint64_t)offset : 0;
    return details;
}

static enum rill_err visit(void *context, const struct rill_store_subject *subject)
{
    struct details *details = context;
    const bool on_page = details->total >= details->offset && details->count < SUBJECTS_PAGE;
    details->total++;
    details->step++;
    if (on_page) {
        if (details->count % STEP_SUBJECTS == 0)
            details->entries =
                rill_alloc_resize(details->entries, details->count + STEP_SUBJECTS, sizeof *details->entries);
        Rill__StreamState__SubjectsEntry *entry = &details->entries[details->count++];
        rill__stream_state__subjects_entry__init(entry);
        entry->key = rill_alloc_cstr(subject->subject);
        entry->has_value = true;
        entry->value = subject->count;
    }
    details->after.len = 0;
    return rill_buf_append(&details->after, subject->subject);
}

/* AGAIN: there is more, or the index has to go on. */
static enum rill_err list_subjects(struct stream *stream, const struct asked *asked)
{
    const Rill__StreamInfoRequest *request = (Rill__StreamInfoRequest *)asked->request;
    struct details *details = asked->own;
    details->step = 0;
    enum rill_err err = rill_store_subjects(stream->store, rill_bytes_from_cstr(request->subjects_filter),
                                            rill_buf_bytes(&details->after), STEP_SUBJECTS, visit, details);
    if (err == RILL_ERR_AGAIN)
        stream_await_index(stream);
    if (!err && details->step == STEP_SUBJECTS) {
        stream_soon(stream);
        err = RILL_ERR_AGAIN;
    }
    return err;
}

/* As nats-server: no page is told when nothing matches. */
static void fill_subjects(const struct details *details, Rill__StreamInfoResponse *response,
                          Rill__StreamState *state)
{
    if (!details || !details->total)
        return;
    response->total = (int64_t)details->total;
    response->offset = (int64_t)(details->offset < details->total ? details->offset : details->total);
    response->limit = SUBJECTS_PAGE;
    state->subjects = rill_alloc_zero(details->count + 1, sizeof *state->subjects);
    for (; state->n_subjects < details->count; state->n_subjects++)
        state->subjects[state->n_subjects] = &details->entries[state->n_subjects];
}

// ---- the answer ----

static void respond(struct stream *stream, const struct asked *asked)
{
    const Rill__StreamInfoRequest *request = (Rill__StreamInfoRequest *)asked->request;
    struct stream_info view;
    Rill__ClusterInfo cluster = RILL__CLUSTER_INFO__INIT;
    Rill__LostStreamData lost = RILL__LOST_STREAM_DATA__INIT;
    Rill__StreamInfoResponse response = RILL__STREAM_INFO_RESPONSE__INIT;
    stream_info(stream, &view);
    if (request->deleted_details)
        fill_deleted(stream, &view.state);
    fill_lost(stream, &view.state, &lost);
    fill_subjects(asked->own, &response, &view.state);
    cluster.leader = stream->js->core->server_name;
    view.info.cluster = &cluster;
    response.inline_info = &view.info;
    js_respond(stream->js, asked_reply(asked), &response.base);
    free(view.state.deleted);
    free(view.state.subjects);
    free(lost.msgs);
}

static enum asked_outcome step_info(struct stream *stream, struct asked *asked)
{
    (void)stream_subjects_count(stream); // which may begin to count
    if (stream_subjects_are_awaited(stream))
        return ASKED_WAITS;
    respond(stream, asked);
    return ASKED_DONE;
}

static enum asked_outcome step_subjects(struct stream *stream, struct asked *asked)
{
    const enum rill_err err = list_subjects(stream, asked);
    if (err)
        return asked_stop(stream, asked, err);
    asked->step = step_info;
    return step_info(stream, asked);
}

void api_stream_info(const struct api_call *call)
{
    const Rill__StreamInfoRequest *request = (Rill__StreamInfoRequest *)call->request;
    const char *filter = request->subjects_filter;
    struct stream *stream = api_stream(call);
    if (!stream)
        return;
    struct asked asked = {.step = step_info, .response = call->response};
    if (filter && filter[0] && rill_subject_is_valid(rill_bytes_from_cstr(filter))) {
        asked.step = step_subjects;
        asked.own = details_create(request->offset);
        asked.release = details_release;
    }
    asked_begin(stream, &asked, &request->base, call->reply);
}
