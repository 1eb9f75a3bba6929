// SPDX-License-Identifier: Apache-2.0
#include "proto/ack_body.h"

#include "proto/duration.h"
#include "proto/jetstream.pb-c.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "trim.h"

static int64_t json_delay_ns(struct rill_bytes json)
{
    ProtobufCMessage *message = NULL;
    struct rill_error_text why;
    if (rill_json_decode(&rill__nak_options__descriptor, json, RILL_JSON_UNKNOWN_IGNORED, &message, &why))
        return 0;
    const int64_t delay_ns = ((Rill__NakOptions *)message)->delay;
    rill_message_free(message);
    return delay_ns;
}

// A delay that cannot be read, or is negative, is none: the message must not get lost over it.
static int64_t delay_ns_of(struct rill_bytes text)
{
    int64_t delay_ns = 0;
    if (text.len && text.data[0] == '{')
        delay_ns = json_delay_ns(text);
    else if (text.len && !rill_duration_parse(text, &delay_ns))
        return 0;
    return delay_ns > 0 ? delay_ns : 0;
}

static const struct {
    struct rill_bytes word;
    enum rill_ack_kind kind;
    bool takes_rest;
} words[] = {
    {RILL_BYTES("+ACK"), RILL_ACK_DONE, false},      {RILL_BYTES("+OK"), RILL_ACK_DONE, false},
    {RILL_BYTES("-NAK"), RILL_ACK_AGAIN, true},      {RILL_BYTES("+WPI"), RILL_ACK_PROGRESS, false},
    {RILL_BYTES("+TERM"), RILL_ACK_TERMINATE, true}, {RILL_BYTES("+NXT"), RILL_ACK_NEXT, true},
};

struct rill_ack_body rill_ack_body_parse(struct rill_bytes body)
{
    if (body.len == 0)
        return (struct rill_ack_body){.kind = RILL_ACK_DONE};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!rill_bytes_has_prefix(body, words[i].word))
            continue;
        const struct rill_bytes rest = trim(rill_bytes_from(body, words[i].word.len));
        if (!words[i].takes_rest && body.len != words[i].word.len)
            continue;
        return (struct rill_ack_body){
            .kind = words[i].kind,
            .delay_ns = words[i].kind == RILL_ACK_AGAIN ? delay_ns_of(rest) : 0,
            .rest = rest,
        };
    }
    return (struct rill_ack_body){.kind = RILL_ACK_UNKNOWN};
}
