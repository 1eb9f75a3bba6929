// SPDX-License-Identifier: Apache-2.0
#include "stream_tidy.h"

#include "base/alloc.h"
#include "durable.h"
#include "snapshot.h"

#include <stdlib.h>
#include <utlist.h>

/* After a failure nothing is begun for a while; while something is under way, questions are asked again so often. */
#define AFTER_FAILURE_NS  RILL_NS_PER_S
#define ASK_AGAIN_NS      RILL_NS_PER_MS
/* Mending an index may read the whole log: after each failure in turn it waits twice as long, up to this. */
#define MEND_AFTER_MAX_NS (300 * RILL_NS_PER_S)

void stream_answer_overwritten(struct stream *stream, const struct rill_js_error *error)
{
    struct stream_waiter *waiter;
    struct stream_waiter *next;
    LL_FOREACH_SAFE (stream->waiters, waiter, next) {
        if (waiter->what != STREAM_WAIT_OVERWRITTEN ||
            (!error && rill_store_erasing(stream->store, waiter->sequence)))
            continue;
        LL_DELETE(stream->waiters, waiter);
        stream_answer_message_deleted(stream, rill_bytes_of(waiter->reply, waiter->reply_len), error);
        free(waiter);
    }
}

struct tidy_job {
    struct rill_job job;
    struct stream *stream;
    struct rill_store_job *store_job;
    bool mends;
};

/* Those who wait for bytes to be overwritten hear that it will take longer. */
static void tidy_failed(struct stream *stream, enum rill_err err)
{
    const struct rill_js_error reason = stream_store_error(stream, err);
    const struct rill_js_error error = rill_js_error_with(
        RILL_JS_MESSAGE_DELETE_FAILED, "deleted, but not overwritten yet: %s", reason.description);
    rill_log(&stream->js->core->log, RILL_LOG_WARN,
             "JetStream stream '%s': work in the background was not done: %s", stream->name,
             reason.description);
    stream->tidy_after_ns = stream->js->core->now.mono_ns + AFTER_FAILURE_NS;
    stream_answer_overwritten(stream, &error);
    stream_look_broken(stream);
}

static int64_t longer(int64_t wait_ns)
{
    const int64_t twice_ns = wait_ns ? 2 * wait_ns : AFTER_FAILURE_NS;
    return twice_ns < MEND_AFTER_MAX_NS ? twice_ns : MEND_AFTER_MAX_NS;
}

static void mend_failed(struct stream *stream, enum rill_err err)
{
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    stream->mend_wait_ns = longer(stream->mend_wait_ns);
    stream->mend_after_ns = stream->js->core->now.mono_ns + stream->mend_wait_ns;
    rill_log(&stream->js->core->log, RILL_LOG_WARN,
             "JetStream stream '%s': its index was not made again: %s (%s); next try in %lld s", stream->name,
             rill_err_text(err), log.index_why.text, (long long)(stream->mend_wait_ns / RILL_NS_PER_S));
}

void stream_log_forgotten_ids(struct stream *stream)
{
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    if (log.ids_forgotten && !stream->told_forgotten_ids)
        rill_log(&stream->js->core->log, RILL_LOG_WARN,
                 "JetStream stream '%s': its index was made again, and not all message ids in the old one "
                 "could be read: a message that was removed may be stored once more",
                 stream->name);
    stream->told_forgotten_ids = log.ids_forgotten;
}

static void mended(struct stream *stream)
{
    stream->mend_wait_ns = 0;
    rill_log(&stream->js->core->log, RILL_LOG_INFO, "JetStream stream '%s': its index was made again",
             stream->name);
    stream_log_forgotten_ids(stream);
    for (struct durable *durable = stream->durables; durable; durable = durable->by_name.next)
        source_see(durable);
}

static enum rill_err finish_job(struct tidy_job *job)
{
    struct stream *stream = job->stream;
    if (!job->mends)
        return rill_store_background_finish(stream->store, job->store_job);
    const enum rill_err err = rill_store_mend_finish(stream->store, job->store_job);
    if (err)
        mend_failed(stream, err);
    else if (!rill_store_wants_mend(stream->store))
        mended(stream);
    return RILL_OK;
}

static void run_tidy(struct rill_job *base)
{
    rill_store_job_run(((struct tidy_job *)base)->store_job);
}

static void finish_tidy(struct rill_core *core, struct rill_job *base)
{
    struct tidy_job *job = (struct tidy_job *)base;
    struct stream *stream = job->stream;
    const enum rill_err err = finish_job(job);
    free(job);
    if (err)
        tidy_failed(stream, err);
    stream->loads_out--;
    stream->log_changes++;
    stream->tidies_out--;
    snapshot_go_on(stream);
    if (!err && stream->state == STREAM_ACTIVE)
        stream_tidy(stream);
    stream_touch(stream);
    stream_serve_waiting(stream);
}

static struct rill_store_job *start_mend(struct stream *stream)
{
    const int64_t wait_ns = stream->mend_after_ns - stream->js->core->now.mono_ns;
    if (!rill_store_wants_mend(stream->store))
        return NULL;
    if (wait_ns > 0)
        stream_due_within(stream, wait_ns);
    return wait_ns > 0 ? NULL : rill_store_mend_start(stream->store);
}

void stream_tidy(struct stream *stream)
{
    const int64_t wait_ns = stream->tidy_after_ns - stream->js->core->now.mono_ns;
    const bool is_read = snapshot_is_reading(stream); // what is being copied is not overwritten
    if (wait_ns > 0)
        stream_due_within(stream, wait_ns);
    if (wait_ns > 0 || is_read)
        return;
    struct rill_store_job *tidies = rill_store_background_start(stream->store);
    struct rill_store_job *mends = tidies ? NULL : start_mend(stream);
    if (!tidies && !mends)
        return;
    struct tidy_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run_tidy, .finish = finish_tidy, .lane = RILL_LANE_LONG};
    job->stream = stream;
    job->store_job = mends ? mends : tidies;
    job->mends = mends != NULL;
    stream->loads_out++;
    stream->tidies_out++;
    core_submit(stream->js->core, &job->job);
}

void stream_feed_later(struct stream *stream)
{
    struct jetstream *js = stream->js;
    if (!stream->is_unfed)
        LL_PREPEND2(js->unfed, stream, unfed_next);
    stream->is_unfed = true;
}

void stream_feed(struct stream *stream)
{
    if (!stream->is_unfed)
        return;
    LL_DELETE2(stream->js->unfed, stream, unfed_next);
    stream->is_unfed = false;
    rill_store_catch_up(stream->store);
    if (stream->state == STREAM_ACTIVE)
        stream_tidy(stream);
}

void stream_await_index(struct stream *stream)
{
    const struct rill_core *core = stream->js->core;
    stream_tidy(stream);
    const bool waits = stream->tidies_out || core->now.mono_ns < stream->tidy_after_ns ||
                       rill_store_wants_mend(stream->store);
    stream_due_within(stream, waits ? ASK_AGAIN_NS : 0);
}
