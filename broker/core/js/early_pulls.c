// SPDX-License-Identifier: Apache-2.0
#include "early_pulls.h"

#include "durable.h"

#include <stdlib.h>
#include <utlist.h>

enum { EARLY_PULLS_MAX = 1024 }; // of one stream

struct early_pull {
    struct early_pull *next;
    size_t consumer_len;
    size_t reply_len;
    size_t body_len;
    uint8_t bytes[]; // consumer, reply, body
};

static uint8_t *put(uint8_t *at, struct rill_bytes bytes)
{
    if (bytes.len)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

bool early_pulls_add(struct stream *stream, struct rill_bytes consumer, struct rill_bytes reply,
                     struct rill_bytes body)
{
    if (stream->early_pull_count >= EARLY_PULLS_MAX)
        return false;
    struct early_pull *pull = malloc(sizeof *pull + consumer.len + reply.len + body.len);
    if (!pull)
        return false;
    *pull = (struct early_pull){NULL, consumer.len, reply.len, body.len};
    (void)put(put(put(pull->bytes, consumer), reply), body);
    LL_APPEND(stream->early_pulls, pull);
    stream->early_pull_count++;
    return true;
}

void early_pulls_carry_out(struct jetstream *js, struct stream *stream, struct rill_bytes consumer,
                           struct rill_bytes reply, struct rill_bytes body)
{
    struct durable *durable =
        stream && stream->state == STREAM_ACTIVE ? durable_find(stream, consumer) : NULL;
    if (durable && !durable->deleting && !js->stopping)
        durable_pull(durable, reply, body);
    else
        // As at nats-server, whoever pulls from what is not there hears that nobody answers.
        js_send_status(js, reply, RILL_BYTES("NATS/1.0 503\r\n\r\n"));
}

void early_pulls_end(struct stream *stream)
{
    struct early_pull *pull = stream->early_pulls;
    stream->early_pulls = NULL;
    stream->early_pull_count = 0;
    while (pull) {
        struct early_pull *next = pull->next;
        const uint8_t *reply = pull->bytes + pull->consumer_len;
        early_pulls_carry_out(stream->js, stream, rill_bytes_of(pull->bytes, pull->consumer_len),
                              rill_bytes_of(reply, pull->reply_len),
                              rill_bytes_of(reply + pull->reply_len, pull->body_len));
        free(pull);
        pull = next;
    }
}
