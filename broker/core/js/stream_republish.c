// SPDX-License-Identifier: Apache-2.0
#include "stream_republish.h"

#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "direct_send.h"
#include "proto/headers.h"
#include "proto/subject.h"
#include "proto/subject_transform.h"
#include "stream.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STEP_MESSAGES_MAX = 1000, ENTRIES_MIN = 64 };

// ---- the configuration ----

void stream_republish_end(struct stream *stream)
{
    rill_subject_transform_destroy(stream->republish.transform);
    free(stream->republish.entries);
    stream->republish = (struct republish){0};
}

void stream_republish_apply(struct stream *stream)
{
    const Rill__Republish *wanted = stream->record->config->republish;
    struct republish *republish = &stream->republish;
    struct rill_error_text why;
    rill_subject_transform_destroy(republish->transform);
    republish->transform = NULL;
    if (wanted &&
        rill_subject_transform_create(rill_bytes_from_cstr(wanted->src), rill_bytes_from_cstr(wanted->dest),
                                      &republish->transform, &why))
        rill_log(&stream->js->core->log, RILL_LOG_ERROR, "JetStream stream '%s': republish: %s", stream->name,
                 why.text);
}

// ---- what is to be sent ----

enum rill_err stream_republish_prepare(struct stream *stream, struct rill_bytes subject, bool *ret_wanted,
                                       uint64_t *ret_before)
{
    *ret_wanted = stream->republish.transform &&
                  rill_subject_matches(rill_bytes_from_cstr(stream->record->config->republish->src), subject);
    if (!*ret_wanted)
        return RILL_OK;
    const enum rill_err err = rill_store_subject_newest(stream->store, subject, ret_before);
    if (err == RILL_ERR_AGAIN)
        return err;
    if (err)
        *ret_before = 0;
    return RILL_OK;
}

void stream_republish_note(struct stream *stream, uint64_t sequence, uint64_t before)
{
    struct republish *republish = &stream->republish;
    if (republish->first == republish->end)
        republish->first = republish->end = 0;
    if (republish->end == republish->capacity) {
        republish->capacity = republish->capacity ? republish->capacity * 2 : ENTRIES_MIN;
        republish->entries =
            rill_alloc_resize(republish->entries, republish->capacity, sizeof *republish->entries);
    }
    republish->entries[republish->end++] = (struct republish_entry){sequence, before};
}

void stream_republish_take_back(struct stream *stream)
{
    struct republish *republish = &stream->republish;
    while (republish->end > republish->first &&
           republish->entries[republish->end - 1].sequence > stream->last_committed)
        republish->end--;
}

// ---- sending ----

static void send(struct stream *stream, const struct rill_store_message *stored, uint64_t before)
{
    struct jetstream *js = stream->js;
    const bool headers_only = stream->record->config->republish->headers_only;
    const struct rill_bytes none = {0};
    struct rill_buf subject;
    struct rill_buf out;
    rill_buf_init(&subject, 64 * 1024);
    rill_buf_init(&out, DIRECT_HEADERS_BYTES_MAX + stored->headers.len + stored->payload.len);
    enum rill_err err = rill_subject_transform_apply(stream->republish.transform, stored->subject,
                                                     &js->core->random, &subject);
    if (!err)
        err = direct_add_origin(&out, stream, stored);
    if (!err)
        err = direct_add_number(&out, "Nats-Last-Sequence", before);
    if (!err && headers_only)
        err = direct_add_number(&out, "Nats-Msg-Size", stored->payload.len);
    if (!err)
        err = rill_headers_end(&out);
    const size_t headers_len = out.len;
    if (!err && !headers_only)
        err = rill_buf_append(&out, stored->payload);
    if (!err)
        (void)route_publish(js->core, js->account, rill_buf_bytes(&subject), none,
                            rill_bytes_of(out.data, headers_len),
                            rill_bytes_of(out.data + headers_len, out.len - headers_len));
    rill_buf_fini(&out);
    rill_buf_fini(&subject);
}

/* False when its block must be loaded first. */
static bool send_entry(struct stream *stream, const struct republish_entry *entry)
{
    struct rill_store_message stored;
    const enum rill_err err = rill_store_read(stream->store, entry->sequence, &stored);
    if (err == RILL_ERR_AGAIN) {
        asked_load(stream, entry->sequence);
        return false;
    }
    if (!err && stream->republish.transform)
        send(stream, &stored, entry->before);
    return true;
}

void stream_republish_go_on(struct stream *stream)
{
    struct republish *republish = &stream->republish;
    for (int sent = 0; republish->first < republish->end; sent++) {
        const struct republish_entry entry = republish->entries[republish->first];
        if (entry.sequence > stream->last_committed)
            return;
        if (sent == STEP_MESSAGES_MAX) {
            stream_soon(stream);
            return;
        }
        if (!send_entry(stream, &entry))
            return;
        republish->first++;
    }
}
