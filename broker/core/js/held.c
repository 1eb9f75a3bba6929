// SPDX-License-Identifier: Apache-2.0
#include "held.h"

#include "api.h"
#include "base/assert.h"
#include "js_state.h"

enum { HELD_MAX = 1024 }; // when not configured

static uint32_t held_max(const struct jetstream *js)
{
    const int64_t configured = js->limits.requests_max;
    return configured > 0 && configured < UINT32_MAX ? (uint32_t)configured : HELD_MAX;
}

bool held_add(struct jetstream *js, struct kept_messages *held, const struct message *message)
{
    if (js->held_count >= held_max(js) || kept_messages_add(held, message))
        return false;
    js->held_count++;
    return true;
}

void held_release(struct jetstream *js, struct kept_messages *held)
{
    struct kept_messages due = *held;
    *held = (struct kept_messages){0};
    while (due.count) {
        const struct message message = kept_messages_first(&due, js->account);
        RILL_ASSERT(js->held_count > 0);
        js->held_count--;
        api_dispatch(js, &message);
        kept_messages_drop(&due);
    }
}
