// SPDX-License-Identifier: Apache-2.0
#include "pace.h"

#include "base/alloc.h"

#include <stdlib.h>

/* Shorter gaps are not replayed. */
#define REPLAY_GAP_NS RILL_NS_PER_MS

void pace_set(struct durable *durable)
{
    const bool wanted = durable->settings->rate_limit_bps || durable->settings->replays_original;
    if (!wanted)
        pace_stop(durable);
    else if (!durable->pace)
        durable->pace = rill_alloc_zero(1, sizeof *durable->pace);
}

void pace_stop(struct durable *durable)
{
    free(durable->pace);
    durable->pace = NULL;
}

static int64_t now_ns(const struct durable *durable)
{
    return durable->stream->js->core->now.mono_ns;
}

bool pace_is_early(struct durable *durable, const struct rill_store_message *stored)
{
    struct pace *pace = durable->pace;
    if (!pace)
        return false;
    if (durable->settings->replays_original && pace->replayed_wall_ns) {
        const int64_t gap_ns = stored->time_ns - pace->replayed_wall_ns;
        const int64_t at_ns = pace->replayed_at_ns + gap_ns;
        if (gap_ns >= REPLAY_GAP_NS && at_ns > pace->at_ns)
            pace->at_ns = at_ns;
    }
    return pace->at_ns > now_ns(durable);
}

void pace_keep(struct durable *durable, int64_t time_ns, uint64_t bytes)
{
    struct pace *pace = durable->pace;
    const uint64_t limit_bps = durable->settings->rate_limit_bps;
    if (!pace)
        return;
    pace->replayed_wall_ns = time_ns;
    pace->replayed_at_ns = now_ns(durable);
    if (limit_bps)
        pace->at_ns = now_ns(durable) + (int64_t)((double)bytes * 8 * 1e9 / (double)limit_bps);
}

int64_t pace_next_deadline_ns(const struct durable *durable)
{
    const struct pace *pace = durable->pace;
    return pace && pace->at_ns > now_ns(durable) ? pace->at_ns : RILL_NEVER_NS;
}
