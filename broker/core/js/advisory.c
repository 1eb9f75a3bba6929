// SPDX-License-Identifier: Apache-2.0
#include "advisory.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "random_id.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *subject;
    const char *type;
} kinds[] = {
#define ADVISORY_ROW(name, subject, type) {"$JS.EVENT." subject, "io.nats.jetstream." type},
    ADVISORY_TABLE(ADVISORY_ROW)
#undef ADVISORY_ROW
};

void advisory_begin(struct advisory *advisory, const struct durable *durable, enum advisory_kind kind)
{
    struct jetstream *js = durable->stream->js;
    const int len = snprintf(advisory->subject, sizeof advisory->subject, "%s.%s.%s", kinds[kind].subject,
                             durable->stream->name, durable->settings->name);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof advisory->subject);
    advisory->js = js;
    advisory->wanted = interest_any(js->account->interest, rill_bytes_from_cstr(advisory->subject));
    rill__timestamp__init(&advisory->now);
    advisory->now.unix_ns = js->core->now.wall_ns;
    advisory->id[0] = 0;
    Rill__ConsumerAdvisory *message = &advisory->message;
    rill__consumer_advisory__init(message);
    message->type = (char *)kinds[kind].type;
    message->id = advisory->id;
    message->timestamp = &advisory->now;
    message->stream = durable->stream->name;
    message->consumer = durable->settings->name;
}

void advisory_send(struct advisory *advisory)
{
    if (!advisory->wanted)
        return;
    random_id_write(&advisory->js->core->random, advisory->id, ADVISORY_ID_CHARS);
    js_respond(advisory->js, rill_bytes_from_cstr(advisory->subject), &advisory->message.base);
}

void advisory_delivery(const struct durable *durable, enum advisory_kind kind,
                       const struct outstanding *entry, struct rill_bytes reason)
{
    struct advisory advisory;
    advisory_begin(&advisory, durable, kind);
    if (!advisory.wanted)
        return;
    Rill__ConsumerAdvisory *message = &advisory.message;
    message->has_stream_seq = message->has_deliveries = true;
    message->stream_seq = entry->sequence;
    message->deliveries = entry->delivered;
    message->has_consumer_seq = kind != ADVISORY_MAX_DELIVERIES;
    message->consumer_seq = entry->consumer_seq;
    if (kind == ADVISORY_ACK) {
        message->has_ack_time = true;
        message->ack_time = durable->stream->js->core->now.mono_ns - entry->delivered_at_ns;
    }
    char *text = reason.len ? rill_alloc_cstr(reason) : NULL;
    message->reason = text;
    advisory_send(&advisory);
    free(text);
}

void advisory_action(const struct durable *durable, enum advisory_kind kind)
{
    struct advisory advisory;
    advisory_begin(&advisory, durable, kind);
    advisory.message.action = kind == ADVISORY_CREATED ? "create" : "delete";
    advisory_send(&advisory);
}
