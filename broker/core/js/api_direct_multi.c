// SPDX-License-Identifier: Apache-2.0
//
// DIRECT.GET with multi_last: the last message of each subject that one of several patterns matches, as the stream was at a
// sequence or a time (up_to), in the order of the stream.
//
//      LIST    the subjects of each pattern, page by page, with the last message of each that is not above up_to
//      SEND    the messages, sorted, then the end of the batch
//
// Each step ends early when the index has to go on, or its share of the turn is used up.
#include "api_direct.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "direct_send.h"
#include "proto/subject.h"
#include "stream_tidy.h"

#include <stdlib.h>

enum {
    RESULTS_MAX = 1024, // as nats-server
    PAGE_SUBJECTS = 1000,
    STEP_READS_MAX = 500,
    SUBJECT_BYTES_MAX = 1 << 20,
};

struct multi {
    uint64_t up_to;
    size_t pattern;        // that is listed
    struct rill_buf after; // the last subject that was looked at
    size_t page;           // subjects on this page
    uint64_t sequences[RESULTS_MAX];
    size_t count;
    size_t sent;
    bool is_sorted;
};

static void multi_release(void *own)
{
    struct multi *multi = own;
    rill_buf_fini(&multi->after);
    free(multi);
}

// ---- listing ----

/* LIMIT when there are too many. */
static enum rill_err add_result(struct multi *multi, uint64_t sequence)
{
    for (size_t i = multi->pattern ? 0 : multi->count; i < multi->count; i++) {
        if (multi->sequences[i] == sequence)
            return RILL_OK; // another pattern has it, too
    }
    if (multi->count == RESULTS_MAX)
        return RILL_ERR_LIMIT;
    multi->sequences[multi->count++] = sequence;
    return RILL_OK;
}

static enum rill_err visit(void *context, const struct rill_store_subject *subject)
{
    struct multi *multi = context;
    multi->page++;
    multi->after.len = 0;
    const enum rill_err err = rill_buf_append(&multi->after, subject->subject);
    return err || !subject->last_sequence ? err : add_result(multi, subject->last_sequence);
}

static enum rill_err list(struct stream *stream, const Rill__MsgGetRequest *request, struct multi *multi)
{
    while (multi->pattern < request->n_multi_last) {
        const struct rill_bytes pattern = rill_bytes_from_cstr(request->multi_last[multi->pattern]);
        multi->page = 0;
        enum rill_err err = RILL_OK;
        if (rill_subject_is_valid(pattern)) // else no message has such a subject
            err = rill_store_subjects_until(stream->store, pattern, multi->up_to,
                                            rill_buf_bytes(&multi->after), PAGE_SUBJECTS, visit, multi);
        if (err == RILL_ERR_AGAIN)
            stream_await_index(stream);
        if (err)
            return err;
        if (multi->page == PAGE_SUBJECTS) {
            stream_soon(stream);
            return RILL_ERR_AGAIN;
        }
        multi->after.len = 0;
        multi->pattern++;
    }
    return RILL_OK;
}

// ---- sending ----

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* In the order of the stream, from the sequence on that the request says. */
static void sort(struct multi *multi, uint64_t from)
{
    if (multi->is_sorted)
        return;
    qsort(multi->sequences, multi->count, sizeof multi->sequences[0], compare);
    while (multi->sent < multi->count && multi->sequences[multi->sent] < from)
        multi->sent++;
    multi->is_sorted = true;
}

static void send_one(struct stream *stream, struct asked *asked, const struct rill_store_message *stored)
{
    struct multi *multi = asked->own;
    const uint64_t bytes = stored->subject.len + stored->headers.len + stored->payload.len;
    const uint64_t sequence = stored->sequence;
    const struct direct_batch batch = {multi->count - multi->sent - 1, asked->sent_sequence};
    direct_send(stream, asked_reply(asked), stored, &batch, ((Rill__MsgGetRequest *)asked->request)->no_hdr);
    asked->sent_sequence = sequence;
    asked->bytes_left = asked->bytes_left > bytes ? asked->bytes_left - bytes : 0;
    asked->left--;
    multi->sent++;
}

static enum rill_err send_all(struct stream *stream, struct asked *asked)
{
    struct multi *multi = asked->own;
    for (int reads = 0; multi->sent < multi->count && asked->left && asked->bytes_left; reads++) {
        struct rill_store_message stored;
        if (reads == STEP_READS_MAX) {
            stream_soon(stream);
            return RILL_ERR_AGAIN;
        }
        const enum rill_err err = direct_read(stream, multi->sequences[multi->sent], &stored);
        if (err == RILL_ERR_AGAIN)
            return err;
        if (err)
            multi->sent++; // it was removed meanwhile, or is damaged
        else
            send_one(stream, asked, &stored);
    }
    return RILL_OK;
}

// ---- all of it ----

/* Up to where: known when the time has been found. */
static enum rill_err find_up_to(struct stream *stream, const Rill__MsgGetRequest *request,
                                struct multi *multi)
{
    uint64_t sequence = 0;
    if (multi->up_to || !request->up_to_time)
        return RILL_OK;
    const enum rill_err err = rill_store_at_time(stream->store, request->up_to_time->unix_ns, &sequence);
    if (err == RILL_ERR_AGAIN)
        asked_load(stream, sequence);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    multi->up_to = err ? stream->last_committed : sequence - 1;
    return multi->up_to ? RILL_OK : RILL_ERR_NOT_FOUND;
}

static enum asked_outcome end(struct stream *stream, const struct asked *asked)
{
    const struct multi *multi = asked->own;
    const struct direct_batch batch = {multi->count - multi->sent, asked->sent_sequence};
    direct_send_end(stream, asked_reply(asked), &batch, multi->up_to);
    return ASKED_DONE;
}

static enum asked_outcome step_multi(struct stream *stream, struct asked *asked)
{
    const Rill__MsgGetRequest *request = (Rill__MsgGetRequest *)asked->request;
    struct multi *multi = asked->own;
    enum rill_err err = find_up_to(stream, request, multi);
    if (!err)
        err = list(stream, request, multi);
    if (!err && !multi->count)
        err = RILL_ERR_NOT_FOUND;
    if (!err) {
        sort(multi, request->seq);
        err = send_all(stream, asked);
    }
    if (!err)
        return end(stream, asked);
    if (err != RILL_ERR_NOT_FOUND && err != RILL_ERR_LIMIT)
        return asked_stop(stream, asked, err);
    direct_send_status(stream->js, asked_reply(asked),
                       err == RILL_ERR_LIMIT ? "413 Too Many Results" : "404 No Results");
    return ASKED_DONE;
}

void direct_multi_prepare(struct stream *stream, const Rill__MsgGetRequest *request, struct asked *asked)
{
    struct multi *multi = rill_alloc_zero(1, sizeof *multi);
    rill_buf_init(&multi->after, SUBJECT_BYTES_MAX);
    if (request->up_to_seq)
        multi->up_to = request->up_to_seq;
    else if (!request->up_to_time)
        multi->up_to = stream->last_committed;
    asked->step = step_multi;
    asked->left = request->batch > 0 ? (uint64_t)request->batch : RESULTS_MAX;
    asked->own = multi;
    asked->release = multi_release;
}
