// SPDX-License-Identifier: Apache-2.0
//
// What of a stream's life waits for a disk and is neither a commit nor a read: making, recovering, closing, deleting. Each
// is a job; while it is out it alone has the store.
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "early_pulls.h"
#include "proto/message.h"
#include "recovery.h"
#include "snapshot.h"
#include "stream.h"
#include "stream_advisory.h"
#include "stream_place.h"
#include "stream_tidy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

struct stream_job {
    struct rill_job job;
    struct stream *stream;
    struct stream_place place;
    bool in_memory;
    struct rill_buf checkpoint; // creating
    struct rill_store *store;   // creating: out; ending: in
    bool deletes;               // ending
    struct recovery recovery;   // recovering
    Rill__StreamRecord *record; // defining
    size_t reply_len;
    uint8_t *reply;
    enum rill_err err;
    struct rill_error_text why;
};

static bool is_in_memory(const Rill__StreamRecord *record)
{
    return record && record->config->storage == RILL__STORAGE__STORAGE_MEMORY;
}

static struct stream_job *job_create(struct stream *stream, void (*run)(struct rill_job *),
                                     void (*finish)(struct rill_core *, struct rill_job *))
{
    struct stream_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run, .finish = finish, .lane = RILL_LANE_LONG};
    job->stream = stream;
    job->in_memory = is_in_memory(stream->record);
    stream_place_init(&job->place, stream);
    rill_buf_init(&job->checkpoint, 1 << 20);
    return job;
}

static void job_free(struct stream_job *job)
{
    rill_buf_fini(&job->checkpoint);
    stream_place_fini(&job->place);
    free(job->reply);
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

/* A new one. */
static void take_store(struct stream *stream, struct rill_store *store)
{
    struct rill_store_state log;
    rill_store_state(store, &log);
    stream->store = store;
    stream->last_committed = stream->last_appended = log.last_sequence;
}

void stream_set_to_work(struct stream *stream)
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
    job->err = stream_place_create(&job->place, job->in_memory, rill_buf_bytes(&job->checkpoint), &job->store,
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
        take_store(stream, job->store);
        stream_set_to_work(stream);
        stream_advise(stream, STREAM_ACTION_CREATED);
        answer_created(stream, NULL);
        held_release(stream->js, &stream->held);
    }
    job_free(job);
}

void stream_create_log(struct stream *stream)
{
    RILL_ASSERT(stream->state == STREAM_CREATING && stream->record);
    struct rill_core *core = stream->js->core;
    struct stream_job *job = job_create(stream, run_create, finish_create);
    dedupe_init(&stream->dedupe, rill_random_next(&core->random), stream->record->config->duplicate_window);
    const enum rill_err err = stream_checkpoint(stream, &job->checkpoint);
    RILL_ASSERT(err == RILL_OK); // a request is shorter than the buffer's maximum
    core_submit(core, &job->job);
}

// ---- recovering ----

static void run_recover(struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    job->err = recovery_run(&job->recovery, &job->place.file, &job->why);
    if (!job->err && is_in_memory(job->recovery.record))
        job->err = recovery_begin_anew(&job->recovery, &job->place, &job->why);
}

static void log_recovered(struct rill_core *core, struct stream *stream, const struct recovery *recovery)
{
    const struct rill_store_report *report = &recovery->report;
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    const bool many = stream->js->recovery.streams > RECOVERIES_TOLD_MAX;
    rill_log(&core->log, many ? RILL_LOG_DEBUG : RILL_LOG_INFO,
             "JetStream stream '%s': recovered %" PRIu64 " messages and %u consumers, read %" PRIu64
             " messages in %" PRIu64 " bytes of log",
             stream->name, log.messages, stream->durable_count, report->messages, report->bytes_read);
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
    stream_log_forgotten_ids(stream);
}

static void finish_recover(struct rill_core *core, struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    struct stream *stream = job->stream;
    const bool failed = job->err && job->err != RILL_ERR_NOT_FOUND;
    struct jetstream *js = stream->js;
    if (base->cancelled) {
        recovery_fini(&job->recovery);
        stream_free(stream);
    } else if (job->err == RILL_ERR_NOT_FOUND) {
        // A crash while it was being made, before anybody was told that it is there. Making it again works.
        rill_log(&core->log, RILL_LOG_INFO, "JetStream stream '%s' was never finished: ignored",
                 stream->name);
        recovery_fini(&job->recovery);
        stream_free(stream);
    } else if (job->err) {
        stream->state = STREAM_OFFLINE;
        stream->why = job->why;
        early_pulls_end(stream);
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s' is offline: %s", stream->name,
                 job->why.text);
        recovery_fini(&job->recovery);
        if (stream->js->stopping)
            stream_free(stream);
    } else {
        recovery_attach(&job->recovery);
        log_recovered(core, stream, &job->recovery);
        recovery_fini(&job->recovery);
        stream_set_to_work(stream);
    }
    recovery_progress_done(&js->recovery, core, failed, job->recovery.report.messages);
    job_free(job);
}

void stream_recover(struct stream *stream)
{
    struct rill_core *core = stream->js->core;
    struct stream_job *job = job_create(stream, run_recover, finish_recover);
    job->job.lane = RILL_LANE_RECOVERY;
    recovery_init(&job->recovery, stream, rill_random_next(&core->random), core->now.wall_ns);
    core_submit(core, &job->job);
}

// ---- another configuration for a stream in memory ----

static void run_define(struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    job->err = stream_place_define(&job->place, job->record, &job->why);
}

static void finish_define(struct rill_core *core, struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    struct stream *stream = job->stream;
    const struct rill_bytes reply = rill_bytes_of(job->reply, job->reply_len);
    struct rill_js_error error = {0};
    stream->loads_out--;
    stream->defining = false;
    stream_touch(stream);
    if (job->err)
        error = rill_js_error_with(RILL_JS_STREAM_UPDATE, "%s", job->why.text);
    else if (stream->state != STREAM_ACTIVE)
        error = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    if (rill_js_error_is_set(&error)) {
        rill_message_free(&job->record->base);
        stream_answer_updated(stream, reply, &error);
    } else {
        const enum rill_err err = stream_append_record(stream, job->record, reply);
        if (err) {
            error = stream_store_error(stream, err);
            stream_answer_updated(stream, reply, &error);
        }
    }
    held_release(stream->js, &stream->held);
    job_free(job);
}

void stream_define(struct stream *stream, Rill__StreamRecord *record, struct rill_bytes reply)
{
    RILL_ASSERT(stream->state == STREAM_ACTIVE && !stream->defining);
    struct stream_job *job = job_create(stream, run_define, finish_define);
    job->record = record;
    job->reply = (uint8_t *)rill_alloc_cstr(reply);
    job->reply_len = reply.len;
    stream->loads_out++;
    stream->defining = true;
    core_submit(stream->js->core, &job->job);
}

// ---- ending ----

static void run_end(struct rill_job *base)
{
    struct stream_job *job = (struct stream_job *)base;
    rill_store_close(job->store);
    job->store = NULL;
    if (job->deletes)
        job->err = stream_place_remove(&job->place, job->in_memory, &job->why);
}

/* Whatever was waited for, its stream is gone now. */
static void answer_ended(struct stream *stream, const struct stream_waiter *waiter,
                         const struct rill_js_error *error)
{
    const struct rill_bytes reply = rill_bytes_of(waiter->reply, waiter->reply_len);
    const struct rill_js_error gone = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    if (waiter->what == STREAM_WAIT_DELETED)
        stream_answer_deleted(stream->js, reply, error);
    else if (STREAM_WAIT_IS_CONSUMERS(waiter->what))
        durable_answer(stream->js, waiter->what, NULL, reply, &gone);
    else if (waiter->what == STREAM_WAIT_UPDATED)
        stream_answer_updated(stream, reply, &gone);
    else if (waiter->what == STREAM_WAIT_PURGED)
        stream_answer_purged(stream, reply, 0, &gone);
    else if (stream_wait_is_delete(waiter->what))
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

/* The store must outlive them. */
static void let_go_of_filters(struct stream *stream)
{
    struct durable *durable;
    for (durable = stream->durables; durable; durable = durable->by_name.next)
        source_stop(durable);
    rill_store_filter_destroy(stream->everything);
    stream->everything = NULL;
}

void stream_end(struct stream *stream)
{
    RILL_ASSERT(!stream->commit_out && !stream->loads_out && !stream->subs);
    snapshot_end(stream, "500 Stream Ended");
    const struct rill_js_error gone = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    asked_fail(stream, &gone);
    parked_fail(stream, &gone);
    stream_forget_expected(stream);
    let_go_of_filters(stream);
    stream_feed(stream);
    struct stream_job *job = job_create(stream, run_end, finish_end);
    job->store = stream->store;
    job->deletes = stream->state == STREAM_DELETING;
    stream->store = NULL;
    stream->state = STREAM_ENDING;
    core_submit(stream->js->core, &job->job);
}
