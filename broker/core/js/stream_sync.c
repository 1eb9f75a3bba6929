// SPDX-License-Identifier: Apache-2.0
#include "stream_sync.h"

#include "base/assert.h"
#include "stream.h"
#include "stream_tidy.h"

static void run_sync(struct rill_job *base)
{
    const struct stream *stream = (struct stream *)((char *)base - offsetof(struct stream, sync_job));
    rill_store_job_run(stream->sync_out);
}

static void finish_sync(struct rill_core *core, struct rill_job *base)
{
    struct stream *stream = (struct stream *)((char *)base - offsetof(struct stream, sync_job));
    const enum rill_err err = rill_store_sync_finish(stream->store, stream->sync_out);
    stream->sync_out = NULL;
    stream->loads_out--;
    if (err)
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s': what was acknowledged is not synced: %s",
                 stream->name, rill_err_text(err));
    stream_look_broken(stream);
    stream_sync_watch(stream); // commits went on meanwhile
    stream_touch(stream);
}

void stream_sync_watch(struct stream *stream)
{
    struct rill_core *core = stream->js->core;
    if (rill_store_is_synced(stream->store) || stream->sync_out || stream->broken ||
        rill_deadline_armed(&stream->sync_due))
        return;
    rill_deadline_set(&core->deadlines, &stream->sync_due, core->now.mono_ns + stream->js->sync_interval_ns);
}

void stream_sync_due(struct stream *stream)
{
    if (stream->state != STREAM_ACTIVE)
        return; // closing makes all durable
    RILL_ASSERT(!stream->sync_out);
    stream->sync_out = rill_store_sync_start(stream->store);
    if (!stream->sync_out)
        return;
    // A lane of its own pace: it may have minutes of writing before it.
    stream->sync_job = (struct rill_job){.run = run_sync, .finish = finish_sync, .lane = RILL_LANE_LONG};
    stream->loads_out++;
    core_submit(stream->js->core, &stream->sync_job);
}
