// SPDX-License-Identifier: Apache-2.0
#include "stream_tidy.h"

#include "base/alloc.h"
#include "snapshot.h"

#include <stdlib.h>
#include <utlist.h>

/* After a failure nothing is begun for a while; while something is under way, questions are asked again so often. */
#define AFTER_FAILURE_NS RILL_NS_PER_S
#define ASK_AGAIN_NS     RILL_NS_PER_MS

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

static void run_tidy(struct rill_job *base)
{
    rill_store_job_run(((struct tidy_job *)base)->store_job);
}

static void finish_tidy(struct rill_core *core, struct rill_job *base)
{
    struct tidy_job *job = (struct tidy_job *)base;
    struct stream *stream = job->stream;
    const enum rill_err err = rill_store_background_finish(stream->store, job->store_job);
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

void stream_tidy(struct stream *stream)
{
    const int64_t wait_ns = stream->tidy_after_ns - stream->js->core->now.mono_ns;
    const bool is_read = snapshot_is_reading(stream); // what is being copied is not overwritten
    if (wait_ns > 0)
        stream_due_within(stream, wait_ns);
    struct rill_store_job *store_job =
        wait_ns > 0 || is_read ? NULL : rill_store_background_start(stream->store);
    if (!store_job)
        return;
    struct tidy_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run_tidy, .finish = finish_tidy, .lane = RILL_LANE_LONG};
    job->stream = stream;
    job->store_job = store_job;
    stream->loads_out++;
    stream->tidies_out++;
    core_submit(stream->js->core, &job->job);
}

void stream_await_index(struct stream *stream)
{
    const struct rill_core *core = stream->js->core;
    stream_tidy(stream);
    const bool waits = stream->tidies_out || core->now.mono_ns < stream->tidy_after_ns;
    stream_due_within(stream, waits ? ASK_AGAIN_NS : 0);
}
