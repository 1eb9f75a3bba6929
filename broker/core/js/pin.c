// SPDX-License-Identifier: Apache-2.0
#include "pin.h"

#include "advisory.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "random_id.h"

#include <stdlib.h>

void pin_start(struct durable *durable)
{
    RILL_ASSERT(!durable->pin);
    durable->pin = rill_alloc_zero(1, sizeof *durable->pin);
}

void pin_stop(struct durable *durable)
{
    free(durable->pin);
    durable->pin = NULL;
}

static int64_t now_ns(const struct durable *durable)
{
    return durable->stream->js->core->now.mono_ns;
}

static const char *group_of(const struct durable *durable)
{
    RILL_ASSERT(durable->settings->group);
    return durable->settings->group;
}

bool pin_check(struct durable *durable, struct rill_bytes id)
{
    struct pin *pin = durable->pin;
    if (!pin->number || !rill_bytes_equal_cstr(id, pin->id))
        return false;
    pin->active_ns = now_ns(durable);
    return true;
}

void pin_choose(struct durable *durable)
{
    struct pin *pin = durable->pin;
    struct rill_core *core = durable->stream->js->core;
    if (pin->number || !durable->pulls.first)
        return;
    pin->number = ++pin->number_last;
    random_id_write(&core->random, pin->id, PIN_ID_CHARS);
    pin->active_ns = core->now.mono_ns;
    pin->since_wall_ns = core->now.wall_ns;
    durable->pulls.first->pin = pin->number;
    struct advisory advisory;
    advisory_begin(&advisory, durable, ADVISORY_PINNED);
    advisory.message.group = (char *)group_of(durable);
    advisory.message.pinned_id = pin->id;
    advisory_send(&advisory);
}

static bool has_pull(const struct durable *durable)
{
    for (const struct pull *pull = durable->pulls.first; pull; pull = pull->next) {
        if (pull->pin == durable->pin->number)
            return true;
    }
    return false;
}

static void end_its_pulls(struct durable *durable, uint64_t number)
{
    struct pull *next;
    for (struct pull *pull = durable->pulls.first; pull; pull = next) {
        next = pull->next;
        if (pull->pin != number)
            continue;
        durable_send_unserved(durable, pull, "423 Nats-Wrong-Pin-Id");
        pulls_end(&durable->pulls, pull);
    }
}

void pin_release(struct durable *durable, const char *reason)
{
    struct pin *pin = durable->pin;
    if (!pin->number)
        return;
    end_its_pulls(durable, pin->number);
    pin->number = 0;
    struct advisory advisory;
    advisory_begin(&advisory, durable, ADVISORY_UNPINNED);
    advisory.message.group = (char *)group_of(durable);
    advisory.message.reason = (char *)reason;
    advisory_send(&advisory);
}

int64_t pin_next_deadline_ns(const struct durable *durable)
{
    const struct pin *pin = durable->pin;
    return pin->number ? pin->active_ns + durable->settings->pin_timeout_ns : RILL_NEVER_NS;
}

void pin_serve_due(struct durable *durable)
{
    if (pin_next_deadline_ns(durable) > now_ns(durable))
        return;
    if (has_pull(durable))
        durable->pin->active_ns = now_ns(durable);
    else
        pin_release(durable, "timeout");
}
