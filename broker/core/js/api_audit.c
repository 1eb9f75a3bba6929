// SPDX-License-Identifier: Apache-2.0
#include "api_audit.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "js_state.h"
#include "proto/advisory.pb-c.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "random_id.h"

#include <stdlib.h>

#define SUBJECT "$JS.EVENT.ADVISORY.API"

enum { ID_CHARS = 22, JSON_BYTES_MAX = 8 << 20 };

struct audit {
    struct audit *next;
    Rill__AuditAdvisory *advisory; // owned; without what only the answer brings
    const ProtobufCMessageDescriptor *response;
    size_t reply_len;
    uint8_t reply[];
};

static char *text_of(struct rill_bytes bytes)
{
    const size_t len = bytes.len < AUDIT_TEXT_BYTES_MAX ? bytes.len : AUDIT_TEXT_BYTES_MAX;
    return rill_alloc_cstr(rill_bytes_of(bytes.data, len));
}

// ---- a request is kept ----

static void fill_client(const struct conn *conn, Rill__AuditClient *client, Rill__Timestamp *start)
{
    start->unix_ns = conn->start_wall_ns;
    client->start = start;
    client->host = conn->address;
    client->has_id = client->has_rtt = true;
    client->id = conn->id;
    client->rtt = conn->rtt_ns;
    client->user = conn->user ? (char *)conn->user->name : NULL;
    client->name = conn->name;
    client->lang = conn->lang;
    client->ver = conn->version;
    client->kind = "Client";
    client->client_type = conn->kind == RILL_CONN_WEBSOCKET ? "websocket" : "nats";
}

/* A copy that lives as long as it takes. */
static Rill__AuditAdvisory *describe(const struct jetstream *js, const struct message *message)
{
    Rill__Timestamp start = RILL__TIMESTAMP__INIT;
    Rill__Timestamp now = RILL__TIMESTAMP__INIT;
    Rill__AuditClient client = RILL__AUDIT_CLIENT__INIT;
    Rill__AuditAdvisory advisory = RILL__AUDIT_ADVISORY__INIT;
    if (message->origin)
        fill_client(message->origin, &client, &start);
    client.acc = (char *)js->account->name;
    client.server = js->core->server_name;
    advisory.id = advisory.response = "";
    advisory.timestamp = &now;
    advisory.server = js->core->server_name;
    advisory.client = &client;
    advisory.subject = text_of(message->subject);
    advisory.request = message->payload.len ? text_of(message->payload) : NULL;
    Rill__AuditAdvisory *copy = (Rill__AuditAdvisory *)rill_message_copy(&advisory.base);
    free(advisory.subject);
    free(advisory.request);
    return copy;
}

static void audit_free(struct audit *audit)
{
    rill_message_free(&audit->advisory->base);
    free(audit);
}

static struct audit *take_behind(struct audits *audits, struct audit *before)
{
    struct audit **slot = before ? &before->next : &audits->first;
    struct audit *audit = *slot;
    *slot = audit->next;
    if (audits->last == audit)
        audits->last = before;
    RILL_ASSERT(audits->count > 0);
    audits->count--;
    return audit;
}

void api_audit_request(struct jetstream *js, const struct message *message,
                       const ProtobufCMessageDescriptor *response)
{
    struct audits *audits = &js->audits;
    if (!interest_any(js->account->interest, RILL_BYTES(SUBJECT)))
        return;
    if (audits->count == AUDITS_MAX)
        audit_free(take_behind(audits, NULL));
    struct audit *audit = rill_alloc_zero(1, sizeof *audit + message->reply.len);
    audit->advisory = describe(js, message);
    audit->response = response;
    audit->reply_len = message->reply.len;
    memcpy(audit->reply, message->reply.data, message->reply.len);
    if (audits->last)
        audits->last->next = audit;
    else
        audits->first = audit;
    audits->last = audit;
    audits->count++;
}

void api_audit_end(struct audits *audits)
{
    while (audits->first)
        audit_free(take_behind(audits, NULL));
}

// ---- its answer is sent ----

/* The oldest that waits there, taken out; NULL when none does. */
static struct audit *take_waiting(struct audits *audits, struct rill_bytes reply,
                                  const ProtobufCMessageDescriptor *response)
{
    struct audit *before = NULL;
    for (struct audit *audit = audits->first; audit; before = audit, audit = audit->next) {
        if (audit->response == response &&
            rill_bytes_equal(rill_bytes_of(audit->reply, audit->reply_len), reply))
            return take_behind(audits, before);
    }
    return NULL;
}

static void publish(struct jetstream *js, const Rill__AuditAdvisory *advisory)
{
    const struct rill_bytes none = {0};
    struct rill_buf json;
    rill_buf_init(&json, JSON_BYTES_MAX);
    const enum rill_err err = rill_json_encode(&advisory->base, &json);
    if (!err) // else names beyond all measure
        (void)route_publish(js->core, js->account, RILL_BYTES(SUBJECT), none, none, rill_buf_bytes(&json));
    rill_buf_fini(&json);
}

void api_audit_answer(struct jetstream *js, struct rill_bytes reply,
                      const ProtobufCMessageDescriptor *response, struct rill_bytes json)
{
    struct audit *audit = take_waiting(&js->audits, reply, response);
    if (!audit)
        return;
    char id[ID_CHARS + 1];
    Rill__AuditAdvisory advisory = *audit->advisory;
    random_id_write(&js->core->random, id, ID_CHARS);
    advisory.id = id;
    advisory.timestamp->unix_ns = js->core->now.wall_ns;
    advisory.response = text_of(json);
    publish(js, &advisory);
    free(advisory.response);
    audit_free(audit);
}
