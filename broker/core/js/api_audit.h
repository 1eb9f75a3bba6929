// SPDX-License-Identifier: Apache-2.0
//
// The audit of the API: each request and its answer, told at $JS.EVENT.ADVISORY.API, while somebody listens there. An
// answer may come turns after its request, when a commit is durable, so a request is kept until an answer of its kind is
// sent to where it is awaited. Who sends several requests of one kind at once and has them answered at one inbox may see
// their answers exchanged here. Loop thread only.
//
// Limits: AUDITS_MAX requests are kept; for one more the oldest is forgotten, and its answer is not audited. Of long
// requests and answers the first AUDIT_TEXT_BYTES_MAX are told.
#pragma once

#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>

struct audit;
struct jetstream;
struct message;

enum { AUDITS_MAX = 1024, AUDIT_TEXT_BYTES_MAX = 256 * 1024 };

/* Requests whose answers are awaited, oldest first. */
struct audits {
    struct audit *first;
    struct audit *last;
    uint32_t count;
};

/* A request has come that will be answered by such a message. Does nothing unless somebody listens. */
void api_audit_request(struct jetstream *js, const struct message *message,
                       const ProtobufCMessageDescriptor *response);

/* `json` was sent to `reply`. Publishes the audit if that answers a request that was kept. */
void api_audit_answer(struct jetstream *js, struct rill_bytes reply,
                      const ProtobufCMessageDescriptor *response, struct rill_bytes json);

/* The broker ends: forgets all that are kept. */
void api_audit_end(struct audits *audits);
