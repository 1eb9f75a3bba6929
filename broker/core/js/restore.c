// SPDX-License-Identifier: Apache-2.0
#include "restore.h"

#include "api.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "js_limits.h"
#include "proto/message.h"
#include "random_id.h"
#include "storage/backup.h"
#include "stream.h"
#include "stream_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define BEHIND_THE_END "there was more behind its end"

enum { ID_CHARS = 22, SUBJECT_BYTES_MAX = 384 };

struct chunk {
    struct chunk *next;
    size_t len; // 0: the end
    size_t reply_len;
    uint8_t bytes[]; // the chunk, the reply
};

struct restore {
    struct restore *next;
    struct jetstream *js;
    Rill__StreamConfig *config;
    struct rill_disk *disk;
    char *folder;
    char subject[SUBJECT_BYTES_MAX];
    struct sub *sub;
    struct rill_deadline due; // nothing came for too long, or there is something to do
    int64_t start_wall_ns;
    uint64_t bytes;

    struct chunk *queue; // that came and are not with the job
    size_t queue_bytes;
    const char *refused; // why the next answer is an error; NULL: it is not

    // the job's, while it is out
    bool working;
    struct rill_job job;
    struct rill_restore *sink;
    struct chunk *batch;
    bool finished;
    enum rill_err err;
    struct rill_error_text why;
};

// ---- life ----

static const struct restore *find(const struct jetstream *js, const char *name)
{
    const struct restore *restore;
    LL_FOREACH (js->restores, restore) {
        if (strcmp(restore->config->name, name) == 0)
            return restore;
    }
    return NULL;
}

struct rill_js_error restore_check(struct jetstream *js, const Rill__StreamConfig *config)
{
    const struct restore *restore;
    size_t count;
    if (stream_find(js, rill_bytes_from_cstr(config->name)) || find(js, config->name))
        return rill_js_error_of(RILL_JS_STREAM_NAME_EXISTS_RESTORE);
    LL_COUNT(js->restores, restore, count);
    if (count >= RESTORES_MAX)
        return rill_js_error_of(RILL_JS_TOO_MANY_REQUESTS);
    if (stream_subjects_overlap(js, NULL, config->subjects, config->n_subjects))
        return rill_js_error_of(RILL_JS_STREAM_SUBJECT_OVERLAP);
    return js_limits_check_stream(js, config, NULL);
}

static void on_chunk(void *owner, const struct message *message);

static void wait_for_more(struct restore *restore)
{
    struct rill_core *core = restore->js->core;
    rill_deadline_set(&core->deadlines, &restore->due, core->now.mono_ns + RESTORE_SILENCE_NS);
}

const char *restore_begin(struct jetstream *js, const Rill__StreamConfig *config)
{
    char id[ID_CHARS + 1];
    struct restore *restore = rill_alloc_zero(1, sizeof *restore);
    restore->js = js;
    restore->config = (Rill__StreamConfig *)rill_message_copy(&config->base);
    restore->disk = stream_place_disk(js, config);
    restore->folder = stream_place_folder(js, config->name);
    restore->due.kind = DEADLINE_RESTORE;
    restore->start_wall_ns = js->core->now.wall_ns;
    random_id_write(&js->core->random, id, ID_CHARS);
    const int len =
        snprintf(restore->subject, sizeof restore->subject, "$JS.SNAPSHOT.RESTORE.%s.%s", config->name, id);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof restore->subject); // a name has at most 255 bytes
    restore->sub = route_subscribe(js->account, restore->subject, on_chunk, restore);
    LL_APPEND(js->restores, restore);
    wait_for_more(restore);
    return restore->subject;
}

static void free_chunks(struct chunk **chunks)
{
    struct chunk *chunk;
    while ((chunk = *chunks)) {
        *chunks = chunk->next;
        free(chunk);
    }
}

static void restore_free(struct restore *restore)
{
    RILL_ASSERT(!restore->working && !restore->sink);
    LL_DELETE(restore->js->restores, restore);
    if (restore->sub)
        route_unsubscribe(restore->js->account, restore->sub);
    rill_deadline_cancel(&restore->js->core->deadlines, &restore->due);
    free_chunks(&restore->queue);
    free_chunks(&restore->batch);
    rill_message_free(&restore->config->base);
    free(restore->folder);
    free(restore);
}

// ---- answers ----

static struct rill_bytes reply_of(const struct chunk *chunk)
{
    return rill_bytes_of(chunk->bytes + chunk->len, chunk->reply_len);
}

void restore_refuse(struct jetstream *js, struct rill_bytes reply, const struct rill_js_error *error)
{
    api_respond_error(js, reply, &rill__stream_create_response__descriptor, error);
}

static void refuse_chunks(struct restore *restore, struct chunk **chunks)
{
    const struct rill_js_error error = rill_js_error_with(
        RILL_JS_STREAM_RESTORE, "%s", restore->refused ? restore->refused : restore->why.text);
    for (const struct chunk *chunk = *chunks; chunk; chunk = chunk->next)
        restore_refuse(restore->js, reply_of(chunk), &error);
    free_chunks(chunks);
}

// ---- giving up ----

static void run_discard(struct rill_job *job)
{
    struct restore *restore = (struct restore *)((char *)job - offsetof(struct restore, job));
    rill_restore_close(restore->sink);
    restore->sink = NULL;
    restore->err = rill_restore_discard(restore->disk, restore->folder);
}

static void finish_discard(struct rill_core *core, struct rill_job *job)
{
    struct restore *restore = (struct restore *)((char *)job - offsetof(struct restore, job));
    restore->working = false;
    if (restore->err)
        rill_log(&core->log, RILL_LOG_WARN, "JetStream stream '%s': what was restored of it stays: %s",
                 restore->config->name, rill_err_text(restore->err));
    restore_free(restore);
}

/* Everybody who waits hears why. */
static void give_up(struct restore *restore)
{
    struct jetstream *js = restore->js;
    RILL_ASSERT(!restore->working);
    rill_log(&js->core->log, RILL_LOG_WARN, "JetStream stream '%s': restore failed: %s",
             restore->config->name, restore->refused ? restore->refused : restore->why.text);
    refuse_chunks(restore, &restore->batch);
    refuse_chunks(restore, &restore->queue);
    route_unsubscribe(js->account, restore->sub);
    restore->sub = NULL;
    rill_deadline_cancel(&js->core->deadlines, &restore->due);
    restore->working = true;
    restore->job = (struct rill_job){.run = run_discard, .finish = finish_discard, .lane = RILL_LANE_LONG};
    core_submit(js->core, &restore->job);
}

/* In the next turn, or when the job is back: a subscription does not end while it is called. */
static void refuse_soon(struct restore *restore, const char *why)
{
    struct rill_core *core = restore->js->core;
    if (!restore->refused)
        restore->refused = why;
    if (restore->sub)
        rill_deadline_set(&core->deadlines, &restore->due, core->now.mono_ns);
}

// ---- writing ----

static enum rill_err write_chunk(struct restore *restore, const struct chunk *chunk)
{
    if (restore->finished) {
        rill_error_text_set(&restore->why, BEHIND_THE_END);
        return RILL_ERR_DAMAGED;
    }
    if (chunk->len)
        return rill_restore_write(restore->sink, rill_bytes_of(chunk->bytes, chunk->len), &restore->why);
    return rill_restore_finish(restore->sink, &restore->why);
}

static void run_write(struct rill_job *job)
{
    struct restore *restore = (struct restore *)((char *)job - offsetof(struct restore, job));
    enum rill_err err = RILL_OK;
    if (!restore->sink)
        err = rill_restore_open(restore->disk, restore->folder, &restore->sink, &restore->why);
    for (const struct chunk *chunk = restore->batch; !err && chunk; chunk = chunk->next) {
        err = write_chunk(restore, chunk);
        restore->finished = !chunk->len && !err;
    }
    restore->err = err;
}

static void write_some(struct restore *restore);

/* The files are whole; what is left is no business of this object. */
static void hand_over(struct restore *restore, const struct chunk *last)
{
    struct jetstream *js = restore->js;
    const struct restore_finish finish = {
        .config = restore->config,
        .without_consumers = rill_restore_flags(restore->sink) & RILL_BACKUP_WITHOUT_CONSUMERS,
        .start_wall_ns = restore->start_wall_ns,
        .bytes = restore->bytes,
        .reply = reply_of(last),
    };
    const struct rill_js_error error = restore_finish(js, &finish);
    if (rill_js_error_is_set(&error)) {
        restore_refuse(js, finish.reply, &error);
        rill_error_text_set(&restore->why, "%s", error.description);
        free_chunks(&restore->batch);
        give_up(restore);
        return;
    }
    rill_restore_close(restore->sink);
    restore->sink = NULL;
    restore_free(restore);
}

static void finish_write(struct rill_core *core, struct rill_job *job)
{
    struct restore *restore = (struct restore *)((char *)job - offsetof(struct restore, job));
    const struct rill_bytes none = {0};
    restore->working = false;
    if (restore->finished && restore->queue)
        refuse_soon(restore, BEHIND_THE_END);
    if (restore->err || restore->refused) {
        give_up(restore);
        return;
    }
    const struct chunk *chunk = restore->batch;
    for (; chunk && chunk->len; chunk = chunk->next)
        js_send_status(restore->js, reply_of(chunk), none);
    if (restore->finished) {
        hand_over(restore, chunk);
        return;
    }
    free_chunks(&restore->batch);
    wait_for_more(restore);
    write_some(restore);
}

static void write_some(struct restore *restore)
{
    if (restore->working || !restore->queue)
        return;
    restore->batch = restore->queue;
    restore->queue = NULL;
    restore->queue_bytes = 0;
    restore->working = true;
    restore->job = (struct rill_job){.run = run_write, .finish = finish_write, .lane = RILL_LANE_LONG};
    core_submit(restore->js->core, &restore->job);
}

// ---- chunks ----

static bool has_room(const struct restore *restore, size_t bytes)
{
    const struct jetstream *js = restore->js;
    const bool in_memory = restore->config->storage == RILL__STORAGE__STORAGE_MEMORY;
    const int64_t max = in_memory ? js->limits.memory_bytes_max : js_limits_storage_max(js);
    const uint64_t used = in_memory ? js->memory_bytes : js->file_bytes;
    return max <= 0 || used + restore->bytes + bytes <= (uint64_t)max;
}

static const char *why_not(const struct restore *restore, const struct message *message)
{
    if (!message->reply.len)
        return "each chunk needs a reply subject";
    if (restore->queue_bytes + message->payload.len > RESTORE_QUEUE_BYTES_MAX)
        return "too many chunks at once";
    if (!has_room(restore, message->payload.len))
        return "insufficient resources";
    return NULL;
}

static void on_chunk(void *owner, const struct message *message)
{
    struct restore *restore = owner;
    const char *why = why_not(restore, message);
    if (restore->refused || !restore->sub)
        return;
    struct chunk *chunk = rill_alloc_zero(1, sizeof *chunk + message->payload.len + message->reply.len);
    chunk->len = why ? 0 : message->payload.len;
    chunk->reply_len = message->reply.len;
    if (chunk->len)
        memcpy(chunk->bytes, message->payload.data, chunk->len);
    if (chunk->reply_len)
        memcpy(chunk->bytes + chunk->len, message->reply.data, chunk->reply_len);
    LL_APPEND(restore->queue, chunk);
    restore->queue_bytes += chunk->len + sizeof *chunk;
    restore->bytes += chunk->len;
    if (why) {
        refuse_soon(restore, why);
        return;
    }
    wait_for_more(restore);
    write_some(restore);
}

void restore_due(struct rill_deadline *due)
{
    struct restore *restore = (struct restore *)((char *)due - offsetof(struct restore, due));
    if (restore->working)
        return; // when the job is back
    if (!restore->refused)
        restore->refused = "nothing came for too long";
    give_up(restore);
}

void restore_stop_all(struct jetstream *js)
{
    struct restore *restore;
    LL_FOREACH (js->restores, restore)
        refuse_soon(restore, "the server is stopping");
}
