// SPDX-License-Identifier: Apache-2.0
//
// What of a stream's life waits for a disk and is neither a commit nor a read: making, recovering, closing, deleting. Each
// is a job; while it is out it alone has the store.
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "proto/message.h"
#include "recovery.h"
#include "stream.h"
#include "stream_advisory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

struct stream_job {
    struct rill_job job;
    struct stream *stream;
    struct rill_store_options options;
    char *folder;
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    struct rill_buf checkpoint; // creating
    struct rill_store *store;   // creating: out; ending: in
    bool deletes;               // ending
    struct recovery recovery;   // recovering
    enum rill_err err;
    struct rill_error_text why;
};

static struct stream_job *job_create(struct stream *stream, void (*run)(struct rill_job *),
                                     void (*finish)(struct rill_core *, struct rill_job *))
{
    struct stream_job *job = rill_alloc_zero(1, sizeof *job);
    struct jetstream *js = stream->js;
    job->job = (struct rill_job){.run = run, .finish = finish, .lane = RILL_LANE_LONG};
    job->stream = stream;
    const size_t size = strlen(js->store_dir) + strlen(js->account->name) + strlen(stream->name) + 3;
    job->folder = rill_alloc_zero(1, size);
    (void)snprintf(job->folder, size, "%s/%s/%s", js->store_dir, js->account->name, stream->name);
    job->options = (struct rill_store_options){
        .disk = js->disk,
        .folder = job->folder,
        .checkpoint = stream_checkpoint,
        .checkpoint_context = stream,
        .segment_bytes = js->segment_bytes,
        .cache_bytes_max = js->cache_bytes_max,
        .commit_bytes_max = STREAM_COMMIT_BYTES_MAX,
    };
    rill_buf_init(&job->checkpoint, 1 << 20);
    return job;
}

static void job_free(struct stream_job *job)
{
    rill_buf_fini(&job->checkpoint);
    free(job->folder);
    free(job);
}

/* Answers everybody who waits for the stream itself. */
static void answer_created(struct stream *stream, const struct rill_js_error *error)
{
    struct stream_waiter *waiter;
    struct stream_waiter *next;
    LL_FOREACH_SAFE (stream->waiters, waiter, next) {
        if (waiter->what != STREAM_WAIT_CREATED)
            continue;
        LL_DELETE(stream->waiters, waiter);
        stream_answer_created(stream, rill_bytes_of(waiter->reply, waiter->reply_len), error);
        free(waiter);
    }
}

/* The store has become the stream's: it goes to work, or ends at once when the broker does. */
static void set_to_work(struct stream *stream)
{
    stream_activate(stream);
    if (!stream->js->stopping)
        return;
    stream_deactivate(stream);
    stream->state = STREAM_STOPPING;
    stream_touch(stream);
}

// ---- making ----

static void run_create(struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    job->err = rill_store_create(&job->options, job->identity, rill_buf_bytes(&job->checkpoint), &job->store,
                                 &job->why);
}

static void finish_create(struct rill_core *core, struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    struct stream *stream = job->stream;
    if (job->err) {
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s' could not be created: %s", stream->name,
                 job->why.text);
        const struct rill_js_error error = rill_js_error_with(RILL_JS_STREAM_CREATE, "%s", job->why.text);
        answer_created(stream, &error);
        stream_free(stream);
    } else {
        stream->store = job->store;
        set_to_work(stream);
        stream_advise(stream, STREAM_ACTION_CREATED);
        answer_created(stream, NULL);
    }
    job_free(job);
}

void stream_create_log(struct stream *stream)
{
    RILL_ASSERT(stream->state == STREAM_CREATING && stream->record);
    struct rill_core *core = stream->js->core;
    struct stream_job *job = job_create(stream, run_create, finish_create);
    for (size_t i = 0; i < sizeof job->identity; i += sizeof(uint64_t)) {
        const uint64_t random = rill_random_next(&core->random);
        memcpy(job->identity + i, &random, sizeof random);
    }
    dedupe_init(&stream->dedupe, rill_random_next(&core->random), stream->record->config->duplicate_window);
    const enum rill_err err = stream_checkpoint(stream, &job->checkpoint);
    RILL_ASSERT(err == RILL_OK); // a request is shorter than the buffer's maximum
    core_submit(core, &job->job);
}

// ---- recovering ----

static void run_recover(struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    job->err = recovery_run(&job->recovery, &job->options, &job->why);
}

static void log_recovered(struct rill_core *core, const struct stream *stream,
                          const struct recovery *recovery)
{
    const struct rill_store_report *report = &recovery->report;
    rill_log(&core->log, RILL_LOG_INFO,
             "JetStream stream '%s': recovered %" PRIu64 " messages and %u consumers from %" PRIu64
             " bytes of log",
             stream->name, report->messages, stream->durable_count, report->bytes_read);
    if (report->lost_messages || report->lost_ranges || report->foreign_files)
        rill_log(&core->log, RILL_LOG_ERROR,
                 "JetStream stream '%s': damage in %" PRIu64 " places of the log, %" PRIu64
                 " messages lost, %" PRIu64 " foreign files ignored",
                 stream->name, report->lost_ranges, report->lost_messages, report->foreign_files);
    if (report->dropped_bytes)
        rill_log(&core->log, RILL_LOG_WARN,
                 "JetStream stream '%s': the last commit was torn, %" PRIu64
                 " bytes were dropped from sequence %" PRIu64 " on",
                 stream->name, report->dropped_bytes, report->dropped_sequence);
}

static void finish_recover(struct rill_core *core, struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    struct stream *stream = job->stream;
    if (job->err == RILL_ERR_NOT_FOUND) {
        // A crash while it was being made, before anybody was told that it is there. Making it again works.
        rill_log(&core->log, RILL_LOG_INFO, "JetStream stream '%s' was never finished: ignored",
                 stream->name);
        recovery_fini(&job->recovery);
        stream_free(stream);
    } else if (job->err) {
        stream->state = STREAM_OFFLINE;
        stream->why = job->why;
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s' is offline: %s", stream->name,
                 job->why.text);
        recovery_fini(&job->recovery);
        if (stream->js->stopping)
            stream_free(stream);
    } else {
        recovery_attach(&job->recovery);
        log_recovered(core, stream, &job->recovery);
        recovery_fini(&job->recovery);
        set_to_work(stream);
    }
    job_free(job);
}

static void recover(struct stream *stream)
{
    struct rill_core *core = stream->js->core;
    struct stream_job *job = job_create(stream, run_recover, finish_recover);
    recovery_init(&job->recovery, stream, rill_random_next(&core->random), core->now.wall_ns);
    core_submit(core, &job->job);
}

// ---- which streams there are ----

struct list_job {
    struct rill_job job;
    struct jetstream *js;
    struct rill_disk *disk;
    const char *store_dir;
    const char *account;
    char **names;
    size_t count;
    enum rill_err err;
    struct rill_error_text why;
};

static enum rill_err visit_stream(void *context, const char *account, const char *stream, const char *folder)
{
    struct list_job *job = context;
    if (strcmp(account, job->account) != 0)
        return RILL_OK;
    job->names = rill_alloc_resize(job->names, job->count + 1, sizeof *job->names);
    job->names[job->count++] = rill_alloc_cstr(rill_bytes_from_cstr(stream));
    return RILL_OK;
}

static void run_list(struct rill_job *base)
{
    struct list_job *job = (struct list_job *)base;
    job->err = rill_store_list(job->disk, job->store_dir, visit_stream, job, &job->why);
}

static void finish_list(struct rill_core *core, struct rill_job *base)
{
    struct list_job *job = (struct list_job *)base;
    if (job->err)
        // Its streams stay unknown, so nothing may be made in their place: the API says "not ready".
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream store %s cannot be read: %s", job->store_dir,
                 job->why.text);
    job->js->listed = !job->err;
    job->js->list_failed = job->err != RILL_OK;
    for (size_t i = 0; i < job->count; i++) {
        if (!job->err && !job->js->stopping)
            recover(stream_add(job->js, job->names[i], STREAM_RECOVERING));
        free(job->names[i]);
    }
    api_answer_early(job->js);
    free(job->names);
    free(job);
}

void stream_recover_all(struct jetstream *js)
{
    struct list_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run_list, .finish = finish_list, .lane = RILL_LANE_LONG};
    job->js = js;
    job->disk = js->disk;
    job->store_dir = js->store_dir;
    job->account = js->account->name;
    core_submit(js->core, &job->job);
}

// ---- ending ----

static void run_end(struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    rill_store_close(job->store);
    job->store = NULL;
    if (job->deletes)
        job->err = rill_store_delete(job->options.disk, job->folder, &job->why);
}

/* Whatever was waited for, its stream is gone now. */
static void answer_ended(struct stream *stream, const struct stream_waiter *waiter,
                         const struct rill_js_error *error)
{
    const struct rill_bytes reply = rill_bytes_of(waiter->reply, waiter->reply_len);
    const struct rill_js_error gone = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    if (waiter->what == STREAM_WAIT_DELETED)
        stream_answer_deleted(stream->js, reply, error);
    else if (waiter->what == STREAM_WAIT_CONSUMER_CREATED)
        durable_answer_created(stream->js, NULL, reply, &gone);
    else if (waiter->what == STREAM_WAIT_CONSUMER_DELETED)
        durable_answer_deleted(stream->js, NULL, reply, &gone);
    else if (waiter->what == STREAM_WAIT_UPDATED)
        stream_answer_updated(stream, reply, &gone);
    else if (waiter->what == STREAM_WAIT_PURGED)
        stream_answer_purged(stream, reply, 0, &gone);
    else if (waiter->what == STREAM_WAIT_MESSAGE_DELETED)
        stream_answer_message_deleted(stream, reply, &gone);
}

static void finish_end(struct rill_core *core, struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    struct stream *stream = job->stream;
    struct rill_js_error error = {0};
    if (job->deletes && !job->err)
        stream_advise(stream, STREAM_ACTION_DELETED);
    if (job->err) {
        error = rill_js_error_with(RILL_JS_STREAM_DELETE, "%s", job->why.text);
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s' could not be deleted: %s", stream->name,
                 job->why.text);
    }
    struct stream_waiter *waiter;
    while ((waiter = stream->waiters)) {
        LL_DELETE(stream->waiters, waiter);
        answer_ended(stream, waiter, job->err ? &error : NULL);
        if (waiter->record)
            rill_message_free(&waiter->record->base);
        free(waiter);
    }
    stream_free(stream);
    job_free(job);
}

void stream_end(struct stream *stream)
{
    RILL_ASSERT(!stream->commit_out && !stream->loads_out && !stream->subs);
    const struct rill_js_error gone = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    asked_fail(stream, &gone);
    struct stream_job *job = job_create(stream, run_end, finish_end);
    job->store = stream->store;
    job->deletes = stream->state == STREAM_DELETING;
    stream->store = NULL;
    stream->state = STREAM_ENDING;
    core_submit(stream->js->core, &job->job);
}
