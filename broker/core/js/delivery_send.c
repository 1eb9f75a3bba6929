// SPDX-License-Identifier: Apache-2.0
#include "delivery_send.h"

#include <stdlib.h>

bool match_has_receiver_inside(const struct match *match)
{
    for (uint32_t i = 0; i < match->sub_count; i++) {
        if (!match_sub(match, i)->conn)
            return true;
    }
    return false;
}

static struct rill_bytes copy_to(uint8_t **at, struct rill_bytes bytes)
{
    if (bytes.len)
        memcpy(*at, bytes.data, bytes.len);
    const struct rill_bytes copy = rill_bytes_of(*at, bytes.len);
    *at += bytes.len;
    return copy;
}

/* A receiver inside may append to the store that the message was read from, which ends the views. */
static uint32_t route_copy(struct rill_core *core, const struct message *message, struct match *match)
{
    uint8_t *memory = malloc(message_size(message) + 1);
    struct message copy = *message;
    uint8_t *at = memory;
    if (!memory)
        return 0; // as if nobody were there: the message stays
    copy.subject = copy_to(&at, message->subject);
    copy.reply = copy_to(&at, message->reply);
    copy.headers = copy_to(&at, message->headers);
    copy.payload = copy_to(&at, message->payload);
    const uint32_t taken = route_matched(core, &copy, match);
    free(memory);
    return taken;
}

/* Much of what was sent to this one waits for him to read. */
static bool is_behind(const struct rill_core *core, const struct sub *sub)
{
    return sub->conn && sub->conn->outq.bytes > core->limits.pending_bytes_max / 4;
}

bool match_any_is_behind(const struct rill_core *core, const struct match *match)
{
    for (uint32_t i = 0; i < match->sub_count; i++) {
        if (is_behind(core, match_sub(match, i)))
            return true;
    }
    for (uint32_t i = 0; i < match->group_count; i++) {
        const struct interest_group *group = match_group(match, i);
        if (group->count == 1 && is_behind(core, group->members[0]))
            return true;
    }
    return false;
}

enum sent durable_send(struct durable *durable, struct rill_bytes to, const struct message *message)
{
    struct jetstream *js = durable->stream->js;
    struct interest *interest = js->account->interest;
    struct match *match = interest_recall(interest, &js->last_delivered, to);
    enum sent sent = RECEIVER_BEHIND;
    match->pins++;
    if (!match_any_is_behind(js->core, match)) {
        const uint32_t taken = match_has_receiver_inside(match) ? route_copy(js->core, message, match)
                                                                : route_matched(js->core, message, match);
        sent = taken ? SENT : NOBODY_THERE;
    }
    interest_unpin(interest, match);
    return sent;
}
