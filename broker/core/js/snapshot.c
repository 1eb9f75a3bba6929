// SPDX-License-Identifier: Apache-2.0
#include "snapshot.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/subject.h"
#include "random_id.h"
#include "storage/backup.h"
#include "stream_advisory.h"
#include "stream_place.h"
#include "stream_tidy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ACK_PREFIX "$JS.SNAPSHOT.ACK."

enum {
    CHUNK_BYTES = 128 * 1024,
    CHUNK_BYTES_MIN = 1024,
    CHUNK_BYTES_MAX = 1 << 20,
    WINDOW_BYTES = 8 << 20,
    WINDOW_BYTES_MAX = 32 << 20,
    PART_BYTES = 1 << 20, // read at a time
    ID_CHARS = 22,
    SUBJECT_BYTES_MAX = 384,
    ACK_SIZE_TOKEN = 5, // of an answer's subject, from 0
};

struct snapshot {
    struct stream *stream;
    struct rill_store_snapshot *files;
    struct rill_backup *backup;
    char *deliver_subject;
    char ack_subject[SUBJECT_BYTES_MAX]; // in front of a chunk's bytes and number
    struct sub *ack_sub;
    size_t chunk_bytes;
    size_t window_bytes;
    size_t out_bytes; // sent and not answered
    uint64_t chunks;
    struct rill_buf part; // read, from `sent` on not sent
    size_t sent;
    bool reading;
    bool wants_read;   // as soon as nothing is being overwritten
    enum rill_err err; // of the reading
    struct rill_error_text why;
    int64_t started_wall_ns;
    struct rill_deadline due; // something came, or nothing did for too long
    int64_t silent_at_ns;     // when nothing will have come for too long
    struct rill_job job;
};

// ---- life ----

static size_t within(int64_t wanted, size_t usual, size_t min, size_t max)
{
    const size_t bytes = wanted <= 0 ? usual : (uint64_t)wanted < max ? (size_t)wanted : max;
    return bytes < min ? min : bytes;
}

static void on_answer(void *owner, const struct message *message);

static void listen(struct snapshot *snapshot)
{
    struct stream *stream = snapshot->stream;
    char id[ID_CHARS + 1];
    char pattern[SUBJECT_BYTES_MAX + 2];
    random_id_write(&stream->js->core->random, id, ID_CHARS);
    const int len = snprintf(snapshot->ack_subject, SUBJECT_BYTES_MAX, ACK_PREFIX "%s.%s", stream->name, id);
    RILL_ASSERT(len > 0 && len < SUBJECT_BYTES_MAX); // a name has at most 255 bytes
    (void)snprintf(pattern, sizeof pattern, "%s.>", snapshot->ack_subject);
    snapshot->ack_sub = route_subscribe(stream->js->account, pattern, on_answer, snapshot);
}

static void read_part(struct snapshot *snapshot);

static void tell_begin(const struct snapshot *snapshot)
{
    struct jetstream *js = snapshot->stream->js;
    struct rill_store_state log;
    rill_store_state(snapshot->stream->store, &log);
    stream_advise_transfer(
        js, snapshot->stream->name,
        &(struct stream_transfer){.kind = STREAM_SNAPSHOT_CREATE,
                                  .segments = snapshot->files->file_count,
                                  .segment_bytes = log.segments ? log.disk_bytes / log.segments : 0});
}

void snapshot_begin(struct stream *stream, const struct snapshot_options *options)
{
    struct jetstream *js = stream->js;
    const struct rill_limits *limits = &js->core->limits;
    const size_t chunk_max =
        limits->payload_bytes_max < CHUNK_BYTES_MAX ? limits->payload_bytes_max : CHUNK_BYTES_MAX;
    struct snapshot *snapshot = rill_alloc_zero(1, sizeof *snapshot);
    RILL_ASSERT(!stream->snapshot && stream->state == STREAM_ACTIVE);
    snapshot->stream = stream;
    snapshot->due.kind = DEADLINE_SNAPSHOT;
    snapshot->deliver_subject = rill_alloc_cstr(options->deliver_subject);
    snapshot->chunk_bytes = within(options->chunk_bytes, CHUNK_BYTES, 1, chunk_max);
    snapshot->window_bytes =
        within(options->window_bytes, WINDOW_BYTES, snapshot->chunk_bytes, WINDOW_BYTES_MAX);
    // A receiver that is behind in reading shall not lose its connection for it.
    if (snapshot->window_bytes > limits->pending_bytes_max / 4)
        snapshot->window_bytes =
            within((int64_t)(limits->pending_bytes_max / 4), 1, snapshot->chunk_bytes, SIZE_MAX);
    snapshot->started_wall_ns = js->core->now.wall_ns;
    rill_buf_init(&snapshot->part, PART_BYTES + CHUNK_BYTES_MAX + RILL_BACKUP_BLOCK_BYTES_MAX);
    snapshot->files = rill_store_snapshot_create(stream->store);
    char *folder = stream_place_folder(js, stream->name);
    snapshot->backup =
        rill_backup_open(stream_place_disk(js, stream->record->config), folder, snapshot->files,
                         options->without_consumers ? RILL_BACKUP_WITHOUT_CONSUMERS : 0);
    free(folder);
    listen(snapshot);
    stream->snapshot = snapshot;
    tell_begin(snapshot);
    read_part(snapshot);
}

static void tell_end(const struct snapshot *snapshot, const char *status)
{
    struct jetstream *js = snapshot->stream->js;
    char headers[sizeof "NATS/1.0 \r\n\r\n" + sizeof snapshot->why.text + 16];
    const int len = snprintf(headers, sizeof headers, "NATS/1.0 %s\r\n\r\n", status);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof headers);
    js_send_status(js, rill_bytes_from_cstr(snapshot->deliver_subject), rill_bytes_of(headers, (size_t)len));
    stream_advise_transfer(js, snapshot->stream->name,
                           &(struct stream_transfer){.kind = STREAM_SNAPSHOT_COMPLETE,
                                                     .start_wall_ns = snapshot->started_wall_ns});
}

void snapshot_end(struct stream *stream, const char *status)
{
    struct snapshot *snapshot = stream->snapshot;
    if (!snapshot)
        return;
    RILL_ASSERT(!snapshot->reading);
    tell_end(snapshot, status);
    stream->snapshot = NULL;
    route_unsubscribe(stream->js->account, snapshot->ack_sub);
    rill_deadline_cancel(&stream->js->core->deadlines, &snapshot->due);
    rill_backup_close(snapshot->backup);
    rill_store_snapshot_destroy(stream->store, snapshot->files);
    rill_buf_fini(&snapshot->part);
    free(snapshot->deliver_subject);
    free(snapshot);
    if (stream->state == STREAM_ACTIVE)
        stream_tidy(stream); // files that were held may go now
}

// ---- reading ----

bool snapshot_is_reading(const struct stream *stream)
{
    return stream->snapshot && (stream->snapshot->reading || stream->snapshot->wants_read);
}

static void run_read(struct rill_job *job)
{
    struct snapshot *snapshot = (struct snapshot *)((char *)job - offsetof(struct snapshot, job));
    const size_t wanted = snapshot->part.len + PART_BYTES;
    snapshot->err = rill_backup_read(snapshot->backup, wanted, &snapshot->part, &snapshot->why);
}

static void send_some(struct snapshot *snapshot);

static void read_failed(struct snapshot *snapshot)
{
    struct stream *stream = snapshot->stream;
    char status[sizeof snapshot->why.text + 8];
    rill_log(&stream->js->core->log, RILL_LOG_ERROR, "JetStream stream '%s': snapshot failed: %s",
             stream->name, snapshot->why.text);
    (void)snprintf(status, sizeof status, "500 %s", snapshot->why.text);
    snapshot_end(stream, status);
}

static void finish_read(struct rill_core *core, struct rill_job *job)
{
    struct snapshot *snapshot = (struct snapshot *)((char *)job - offsetof(struct snapshot, job));
    struct stream *stream = snapshot->stream;
    RILL_ASSERT(stream->loads_out > 0);
    stream->loads_out--;
    snapshot->reading = false;
    stream_touch(stream);
    if (stream->state != STREAM_ACTIVE)
        return; // stream_end does the rest
    stream_tidy(stream);
    if (snapshot->err)
        read_failed(snapshot);
    else
        send_some(snapshot);
}

/* Unless something is being overwritten just now. */
static void read_part(struct snapshot *snapshot)
{
    struct stream *stream = snapshot->stream;
    if (snapshot->reading || stream->state != STREAM_ACTIVE)
        return;
    snapshot->wants_read = stream->tidies_out > 0;
    if (snapshot->wants_read)
        return;
    rill_buf_drop(&snapshot->part, snapshot->sent);
    snapshot->sent = 0;
    snapshot->reading = true;
    snapshot->job = (struct rill_job){.run = run_read, .finish = finish_read, .lane = RILL_LANE_LONG};
    stream->loads_out++;
    core_submit(stream->js->core, &snapshot->job);
}

void snapshot_go_on(struct stream *stream)
{
    if (stream->snapshot && stream->state == STREAM_ACTIVE)
        send_some(stream->snapshot);
}

// ---- sending ----

static void send_chunk(struct snapshot *snapshot, size_t bytes)
{
    struct jetstream *js = snapshot->stream->js;
    const struct rill_bytes none = {0};
    char reply[SUBJECT_BYTES_MAX + 48];
    const int len =
        snprintf(reply, sizeof reply, "%s.%zu.%" PRIu64, snapshot->ack_subject, bytes, ++snapshot->chunks);
    (void)route_publish(js->core, js->account, rill_bytes_from_cstr(snapshot->deliver_subject),
                        rill_bytes_of(reply, (size_t)len), none,
                        rill_bytes_of(snapshot->part.data + snapshot->sent, bytes));
    snapshot->sent += bytes;
    snapshot->out_bytes += bytes;
}

/* The next chunk's size; 0 when more has to be read for it, or there is none. */
static size_t next_bytes(const struct snapshot *snapshot)
{
    const size_t left = snapshot->part.len - snapshot->sent;
    if (left >= snapshot->chunk_bytes)
        return snapshot->chunk_bytes;
    return rill_backup_is_done(snapshot->backup) ? left : 0;
}

static bool anybody_listens(const struct snapshot *snapshot)
{
    return interest_any(snapshot->stream->js->account->interest,
                        rill_bytes_from_cstr(snapshot->deliver_subject));
}

static void watch(struct snapshot *snapshot)
{
    struct rill_core *core = snapshot->stream->js->core;
    rill_deadline_cancel(&core->deadlines, &snapshot->due);
    if (snapshot->out_bytes)
        rill_deadline_set(&core->deadlines, &snapshot->due, snapshot->silent_at_ns);
}

static void send_some(struct snapshot *snapshot)
{
    struct stream *stream = snapshot->stream;
    size_t bytes = 0;
    if (snapshot->reading)
        return;
    if (!anybody_listens(snapshot)) {
        snapshot_end(stream, "408 No Interest");
        return;
    }
    if (!snapshot->out_bytes)
        snapshot->silent_at_ns = stream->js->core->now.mono_ns + SNAPSHOT_ANSWER_NS;
    while ((bytes = next_bytes(snapshot)) && snapshot->out_bytes + bytes <= snapshot->window_bytes)
        send_chunk(snapshot, bytes);
    watch(snapshot);
    if (bytes)
        return; // for an answer
    if (rill_backup_is_done(snapshot->backup))
        snapshot_end(stream, "204");
    else
        read_part(snapshot);
}

// ---- answers ----

static uint64_t answered_bytes(struct rill_bytes subject)
{
    uint64_t bytes = 0;
    struct rill_bytes token = {0};
    for (int i = 0; i <= ACK_SIZE_TOKEN && subject.data; i++)
        token = rill_subject_next_token(&subject);
    return rill_bytes_to_u64(token, SIZE_MAX, &bytes) ? bytes : 0;
}

/* What comes of it comes in the next turn: a subscription does not end while it is called. */
static void on_answer(void *owner, const struct message *message)
{
    struct snapshot *snapshot = owner;
    struct rill_core *core = snapshot->stream->js->core;
    const uint64_t bytes = answered_bytes(message->subject);
    snapshot->out_bytes -= bytes < snapshot->out_bytes ? (size_t)bytes : snapshot->out_bytes;
    snapshot->silent_at_ns = core->now.mono_ns + SNAPSHOT_ANSWER_NS;
    rill_deadline_set(&core->deadlines, &snapshot->due, core->now.mono_ns);
}

void snapshot_due(struct rill_deadline *due)
{
    struct snapshot *snapshot = (struct snapshot *)((char *)due - offsetof(struct snapshot, due));
    struct stream *stream = snapshot->stream;
    if (stream->state != STREAM_ACTIVE || snapshot->reading)
        return; // what is waited for goes on with it
    if (snapshot->out_bytes && stream->js->core->now.mono_ns >= snapshot->silent_at_ns)
        snapshot_end(stream, "408 No Flow Response");
    else
        send_some(snapshot);
}
