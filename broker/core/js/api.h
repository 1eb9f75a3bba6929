// SPDX-License-Identifier: Apache-2.0
//
// The JetStream API: requests at $JS.API.>, each answered with one message. One table (api.c) says for each subject
// what its request and its answer look like and which function does it; what needs a
// cluster is in the same table and answers with an error that says so. Loop thread only.
#pragma once

#include "js_state.h"
#include "proto/js_error.h"

/* One request. Everything lives until the handler returns. */
struct api_call {
    struct jetstream *js;
    struct rill_bytes reply;
    struct rill_bytes
        tokens[4]; // those that the row's pattern has a wildcard for; a `>` takes all that is left
    size_t token_count;
    ProtobufCMessage *request; // decoded as the row says; NULL for a raw body
    struct rill_bytes body;
    const ProtobufCMessageDescriptor *response;
};

/* A receiver in the trie: `owner` is the jetstream. */
void api_request(void *owner, const struct message *message);
/* The same at $JS.<domain>.API.>, also for what is published into buckets there. */
void api_domain_request(void *owner, const struct message *message);
/* The same asked in the system's account, which has no streams and is told so. */
void api_system_request(void *owner, const struct message *message);
/* A request that was held. */
void api_dispatch(struct jetstream *js, const struct message *message);

/* Answers. Every response of the API has a type and an error. */
void api_respond_error(struct jetstream *js, struct rill_bytes reply,
                       const ProtobufCMessageDescriptor *response, const struct rill_js_error *error);
void api_fail(const struct api_call *call, enum rill_js_error_id id);

/* The stream that the call's first token names, ready to work with; NULL when the caller was told why not. */
struct stream *api_stream(const struct api_call *call);

/* The consumer that the call's second token names; NULL when the caller was told why not. */
struct durable *api_durable(const struct api_call *call);

// ---- handlers ----

void api_account_info(const struct api_call *call);
void api_stream_create(const struct api_call *call);
void api_stream_update(const struct api_call *call);
void api_stream_list(const struct api_call *call);
void api_stream_snapshot(const struct api_call *call);
void api_stream_restore(const struct api_call *call);
void api_stream_purge(const struct api_call *call);
void api_message_get(const struct api_call *call);
void api_message_delete(const struct api_call *call);
void api_direct_get(const struct api_call *call);         // DIRECT.GET.<stream>
void api_direct_get_subject(const struct api_call *call); // DIRECT.GET.<stream>.<subject>
void api_stream_info(const struct api_call *call);
void api_stream_names(const struct api_call *call);
void api_stream_delete(const struct api_call *call);
void api_consumer_create(const struct api_call *call);       // CONSUMER.CREATE.<stream>
void api_consumer_create_named(const struct api_call *call); // CONSUMER.CREATE.<stream>.<consumer>[.<filter>]
void api_consumer_create_durable(const struct api_call *call); // CONSUMER.DURABLE.CREATE.<stream>.<consumer>
void api_consumer_info(const struct api_call *call);
void api_consumer_names(const struct api_call *call);
void api_consumer_list(const struct api_call *call);
void api_consumer_delete(const struct api_call *call);
void api_consumer_pause(const struct api_call *call);
void api_consumer_unpin(const struct api_call *call);
void api_consumer_reset(const struct api_call *call);
void api_consumer_next(const struct api_call *call);
