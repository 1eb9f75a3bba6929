// SPDX-License-Identifier: Apache-2.0
#include "stream_load.h"

#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"

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

static void load_failed(struct stream *stream, enum rill_err err)
{
    struct rill_core *core = stream->js->core;
    const struct rill_js_error error = stream_store_error(stream, err);
    rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s': reading the log failed: %s", stream->name,
             rill_err_text(err));
    asked_fail(stream, &error);
    stream->commit_wanted = false;
    if (!rill_deadline_armed(&stream->due))
        rill_deadline_set(&core->deadlines, &stream->due, core->now.mono_ns + RILL_NS_PER_S);
}

static void finish_load(struct rill_core *core, struct rill_job *base)
{
    struct load_job *job = (struct load_job *)base;
    struct stream *stream = job->stream;
    const enum rill_err err = rill_store_load_finish(stream->store, job->store_job);
    free(job);
    RILL_ASSERT(stream->loads_out > 0);
    stream->loads_out--;
    stream->log_changes++;
    stream_touch(stream);
    if (err)
        load_failed(stream, err);
    else
        stream_serve_waiting(stream);
}

void stream_load(struct stream *stream, struct rill_store_job *store_job)
{
    struct load_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run_load, .finish = finish_load, .lane = RILL_LANE_DISK};
    job->stream = stream;
    job->store_job = store_job;
    stream->loads_out++;
    core_submit(stream->js->core, &job->job);
}
