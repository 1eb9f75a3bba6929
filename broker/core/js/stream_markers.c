// SPDX-License-Identifier: Apache-2.0
#include "stream_markers.h"

#include "base/alloc.h"
#include "proto/duration.h"
#include "proto/headers.h"
#include "stream_limits.h"
#include "stream_republish.h"

#include <stdlib.h>

enum { HEADERS_BYTES_MAX = 512 };

struct stream_marker {
    struct stream_marker *next;
    size_t subject_len;
    uint8_t subject[];
};

bool stream_markers_are_wanted(const struct stream *stream)
{
    return stream->record->config->subject_delete_marker_ttl > 0;
}

bool stream_marker_is(struct rill_bytes headers)
{
    struct rill_bytes value;
    if (!headers.len)
        return false;
    if (rill_headers_find(headers, RILL_BYTES("Nats-Marker-Reason"), &value))
        return true;
    return rill_headers_find(headers, RILL_BYTES("KV-Operation"), &value) &&
           rill_bytes_equal(value, RILL_BYTES("PURGE"));
}

void stream_markers_init(struct stream_markers *markers)
{
    markers->first = NULL;
    markers->last = &markers->first;
}

void stream_markers_add(struct stream_markers *markers, struct rill_bytes subject)
{
    struct stream_marker *marker = rill_alloc_zero(1, sizeof *marker + subject.len);
    marker->subject_len = subject.len;
    memcpy(marker->subject, subject.data, subject.len);
    *markers->last = marker;
    markers->last = &marker->next;
}

static enum rill_err write_headers(const struct stream *stream, const char *reason, struct rill_buf *buf)
{
    char ttl[RILL_DURATION_BYTES_MAX];
    (void)rill_duration_write(stream->record->config->subject_delete_marker_ttl, ttl);
    enum rill_err err = rill_headers_begin(buf, rill_bytes_of(NULL, 0));
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Marker-Reason"), rill_bytes_from_cstr(reason));
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Rollup"), RILL_BYTES("sub"));
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-TTL"), rill_bytes_from_cstr(ttl));
    return err ? err : rill_headers_end(buf);
}

static enum rill_err append(struct stream *stream, const struct stream_marker *marker,
                            struct rill_bytes headers)
{
    const struct rill_bytes subject = rill_bytes_of(marker->subject, marker->subject_len);
    bool goes_on = false;
    uint64_t before = 0;
    // The one before it is on its way out: where that cannot be told, none is.
    if (stream_republish_prepare(stream, subject, &goes_on, &before))
        before = 0;
    struct rill_store_message record = {
        .time_ns = stream->js->core->now.wall_ns, .subject = subject, .headers = headers};
    const enum rill_err err = rill_store_append(stream->store, &record);
    if (err)
        return err;
    stream->last_appended = record.sequence;
    stream->last_msg_id.len = 0;
    if (goes_on)
        stream_republish_note(stream, record.sequence, before);
    stream_limits_note_ttl(stream, stream->record->config->subject_delete_marker_ttl);
    return RILL_OK;
}

void stream_markers_append(struct stream *stream, struct stream_markers *markers, const char *reason)
{
    struct rill_buf headers;
    struct stream_marker *marker;
    rill_buf_init(&headers, HEADERS_BYTES_MAX);
    enum rill_err err = markers->first ? write_headers(stream, reason, &headers) : RILL_OK;
    while ((marker = markers->first)) {
        markers->first = marker->next;
        if (!err)
            err = append(stream, marker, rill_buf_bytes(&headers));
        free(marker);
    }
    markers->last = &markers->first;
    if (err)
        rill_log(&stream->js->core->log, RILL_LOG_WARN, "JetStream stream '%s': a marker was not stored: %s",
                 stream->name, rill_err_text(err));
    rill_buf_fini(&headers);
}
