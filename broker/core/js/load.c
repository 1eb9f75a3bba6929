// SPDX-License-Identifier: Apache-2.0
//
// A message that a consumer wants and that is not in memory: a job brings its block, and delivery goes on when it is back.
#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"

#include <stdlib.h>

struct load_job {
    struct rill_job job;
    struct stream *stream;
    struct rill_store_job *store_job;
};

static void run_load(struct rill_job *base)
{
    rill_store_job_run(((struct load_job *)base)->store_job);
}

static void finish_load(struct rill_core *core, struct rill_job *base)
{
    struct load_job *job = (struct load_job *)base;
    struct stream *stream = job->stream;
    const enum rill_err err = rill_store_load_finish(stream->store, job->store_job);
    free(job);
    RILL_ASSERT(stream->loads_out > 0);
    stream->loads_out--;
    stream_touch(stream);
    if (!err) {
        stream_serve_waiting(stream);
        return;
    }
    rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s': reading the log failed: %s", stream->name,
             rill_err_text(err));
    if (!rill_deadline_armed(&stream->due))
        rill_deadline_set(&core->deadlines, &stream->due, core->now.mono_ns + RILL_NS_PER_S);
}

/* The message's block is not in memory. Another load may be bringing it; with none out the next turn tries again. */
void durable_load(struct durable *durable, uint64_t sequence)
{
    struct stream *stream = durable->stream;
    struct rill_store_job *store_job =
        stream->state == STREAM_ACTIVE ? rill_store_load_start(stream->store, sequence) : NULL;
    if (!store_job) {
        if (stream->loads_out)
            durable_wait_for_stream(durable);
        else if (stream->state == STREAM_ACTIVE)
            durable_serve_later(durable);
        return;
    }
    struct load_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run_load, .finish = finish_load, .lane = RILL_LANE_DISK};
    job->stream = stream;
    job->store_job = store_job;
    stream->loads_out++;
    durable_wait_for_stream(durable);
    core_submit(stream->js->core, &job->job);
}
