// SPDX-License-Identifier: Apache-2.0
//
// What has to happen to a consumer at a time of its own: acknowledgements that did not come, pulls that are over,
// heartbeats, the end of a pause, the end of a consumer that nobody uses. All of it in one place, so that one deadline serves.
#include "advisory.h"
#include "base/assert.h"
#include "pace.h"
#include "pin.h"
#include "push.h"

/* When the end of an unused consumer could not be noted. */
#define TRY_AGAIN_NS RILL_NS_PER_S

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

// ---- pausing ----

static int64_t pause_left_ns(const struct durable *durable)
{
    const int64_t until_wall_ns = durable->settings->pause_until_wall_ns;
    return until_wall_ns ? until_wall_ns - durable->stream->js->core->now.wall_ns : 0;
}

static void tell_pause(const struct durable *durable)
{
    struct advisory advisory;
    Rill__Timestamp until = RILL__TIMESTAMP__INIT;
    until.unix_ns = durable->settings->pause_until_wall_ns;
    advisory_begin(&advisory, durable, ADVISORY_PAUSE);
    advisory.message.has_paused = true;
    advisory.message.paused = durable->paused;
    advisory.message.pause_until = until.unix_ns ? &until : NULL;
    advisory_send(&advisory);
}

void durable_look_at_pause(struct durable *durable)
{
    const bool paused = pause_left_ns(durable) > 0;
    if (paused == durable->paused)
        return;
    durable->paused = paused;
    tell_pause(durable);
}

// ---- ending what nobody uses ----

/* A client is there: it waits for messages, or listens. */
static bool is_used(struct durable *durable)
{
    if (durable->push)
        return durable->push->bound;
    durable_drop_abandoned(durable);
    return durable->pulls.first != NULL;
}

static int64_t unused_deadline_ns(const struct durable *durable)
{
    const int64_t threshold_ns = durable->settings->inactive_threshold_ns;
    if (threshold_ns <= 0 || durable->deleting || (durable->push && durable->push->bound))
        return RILL_NEVER_NS;
    return durable->active_ns < RILL_NEVER_NS - threshold_ns ? durable->active_ns + threshold_ns
                                                             : RILL_NEVER_NS;
}

/* True when it is gone. */
static bool end_unused(struct durable *durable)
{
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    if (unused_deadline_ns(durable) > now_ns)
        return false;
    if (is_used(durable)) {
        durable->active_ns = now_ns;
        return false;
    }
    switch (durable_delete(durable, rill_bytes_of(NULL, 0))) {
    case DURABLE_DELETED:
        return true;
    case DURABLE_DELETE_WAITS:
        return false;
    case DURABLE_DELETE_FAILED:
        durable->active_ns = now_ns - durable->settings->inactive_threshold_ns + TRY_AGAIN_NS;
        return false;
    }
    RILL_UNREACHABLE();
}

// ---- all of it ----

void durable_drop_purged(struct durable *durable)
{
    struct rill_store_state log;
    rill_store_state(durable->stream->store, &log);
    consumer_purged(durable->consumer, log.first_sequence);
    if (durable->consumer->cursor < log.first_sequence)
        consumer_skip(durable->consumer, log.first_sequence);
}

int64_t durable_next_deadline_ns(const struct durable *durable)
{
    const struct rill_now *now = &durable->stream->js->core->now;
    int64_t at_ns =
        earlier(consumer_next_deadline_ns(durable->consumer), pulls_next_deadline_ns(&durable->pulls));
    at_ns = earlier(at_ns, unused_deadline_ns(durable));
    if (durable->push)
        at_ns = earlier(at_ns, push_next_deadline_ns(durable->push));
    if (durable->pin)
        at_ns = earlier(at_ns, pin_next_deadline_ns(durable));
    if (durable->paused)
        at_ns = earlier(at_ns, now->mono_ns + pause_left_ns(durable));
    if (durable->retry_at_ns > now->mono_ns)
        at_ns = earlier(at_ns, durable->retry_at_ns);
    return earlier(at_ns, pace_next_deadline_ns(durable));
}

bool durable_serve_due(struct durable *durable)
{
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    durable_drop_purged(durable);
    consumer_expire(durable->consumer, now_ns);
    durable_bury(durable);
    durable_serve_due_pulls(durable);
    if (durable->paused)
        durable_look_at_pause(durable);
    if (durable->pin)
        pin_serve_due(durable);
    if (durable->push) {
        push_look(durable);
        push_serve_due(durable->push);
    }
    return !end_unused(durable);
}
