// SPDX-License-Identifier: Apache-2.0
#include "recovery_progress.h"

#include "base/assert.h"
#include "core_state.h"

#include <inttypes.h>

/* Between two lines of the log. */
#define TOLD_EVERY_NS (2 * RILL_NS_PER_S)

void recovery_progress_begin(struct recovery_progress *progress, struct rill_core *core, uint32_t streams)
{
    *progress = (struct recovery_progress){
        .streams = streams,
        .began_ns = core->now.mono_ns,
        .told_ns = core->now.mono_ns,
    };
    if (streams)
        rill_log(&core->log, RILL_LOG_INFO, "JetStream: %" PRIu32 " streams to be read", streams);
}

static void tell_end(const struct recovery_progress *progress, struct rill_core *core)
{
    const double seconds = (double)(core->now.mono_ns - progress->began_ns) / (double)RILL_NS_PER_S;
    rill_log(&core->log, RILL_LOG_INFO,
             "JetStream: %" PRIu32 " streams are ready after %.3f s, %" PRIu64 " messages were read",
             progress->streams - progress->failed, seconds, progress->messages);
    if (progress->failed)
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream: %" PRIu32 " streams are offline", progress->failed);
}

void recovery_progress_done(struct recovery_progress *progress, struct rill_core *core, bool failed,
                            uint64_t messages)
{
    RILL_ASSERT(progress->done < progress->streams);
    progress->done++;
    progress->failed += failed;
    progress->messages += messages;
    if (progress->done == progress->streams) {
        tell_end(progress, core);
    } else if (core->now.mono_ns - progress->told_ns >= TOLD_EVERY_NS) {
        progress->told_ns = core->now.mono_ns;
        rill_log(&core->log, RILL_LOG_INFO,
                 "JetStream: %" PRIu32 " of %" PRIu32 " streams are ready, %" PRIu64 " messages were read",
                 progress->done - progress->failed, progress->streams, progress->messages);
    }
}
