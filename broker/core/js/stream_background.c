// SPDX-License-Identifier: Apache-2.0
#include "stream_background.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

/* After a failure nothing is begun for a while; while something is under way, questions are asked again so often. */
#define AFTER_FAILURE_NS RILL_NS_PER_S
#define ASK_AGAIN_NS     RILL_NS_PER_MS

struct background_job {
    struct rill_job job;
    struct stream *stream;
    struct rill_store_job *store_job;
};

static void run(struct rill_job *base)
{
    rill_store_job_run(((struct background_job *)base)->store_job);
}

static void finish(struct rill_core *core, struct rill_job *base)
{
    struct background_job *job = (struct background_job *)base;
    struct stream *stream = job->stream;
    const enum rill_err err = rill_store_background_finish(stream->store, job->store_job);
    free(job);
    RILL_ASSERT(stream->loads_out > 0 && stream->background_out > 0);
    stream->loads_out--;
    stream->background_out--;
    stream->log_changes++;
    if (err) {
        rill_log(&core->log, RILL_LOG_WARN, "JetStream stream '%s': work in the background was not done: %s",
                 stream->name, rill_err_text(err));
        stream->background_after_ns = core->now.mono_ns + AFTER_FAILURE_NS;
    } else if (stream->state == STREAM_ACTIVE) {
        stream_background(stream);
    }
    stream_touch(stream);
    stream_serve_waiting(stream);
}

void stream_background(struct stream *stream)
{
    struct rill_core *core = stream->js->core;
    struct rill_store_job *store_job =
        core->now.mono_ns < stream->background_after_ns ? NULL : rill_store_background_start(stream->store);
    if (!store_job)
        return;
    struct background_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run, .finish = finish, .lane = RILL_LANE_LONG};
    job->stream = stream;
    job->store_job = store_job;
    stream->loads_out++;
    stream->background_out++;
    core_submit(core, &job->job);
}

void stream_await_index(struct stream *stream)
{
    const struct rill_core *core = stream->js->core;
    stream_background(stream);
    const bool waits = stream->background_out || core->now.mono_ns < stream->background_after_ns;
    stream_due_within(stream, waits ? ASK_AGAIN_NS : 0);
}
