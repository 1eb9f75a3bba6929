// SPDX-License-Identifier: Apache-2.0
#include "event_json.h"

#include "proto/json_codec.h"
#include "proto/message.h"
#include "proto/rfc3339.h"
#include "proto/stream_log.pb-c.h"

#include <inttypes.h>

enum { VARINT_BYTES_MAX = 10 };

// ---- records ----

static enum rill_err put_time(const char *name, int64_t unix_ns, struct rill_buf *out)
{
    char text[RILL_RFC3339_BYTES_MAX];
    const size_t len = rill_rfc3339_format(unix_ns, text);
    return rill_buf_appendf(out, "\"%s\":\"%.*s\"", name, (int)len, text);
}

static enum rill_err put_stream(const Rill__StreamRecord *record, struct rill_buf *out)
{
    enum rill_err err = rill_buf_append(out, RILL_BYTES("{"));
    if (!err)
        err = put_time("created", record->created_unix_ns, out);
    if (!err)
        err = rill_buf_append(out, RILL_BYTES(",\"config\":"));
    if (!err)
        err = rill_json_encode(&record->config->base, out);
    return err ? err : rill_buf_append(out, RILL_BYTES("}"));
}

/* Without its closing brace. */
static enum rill_err put_consumer(const Rill__ConsumerRecord *record, struct rill_buf *out)
{
    enum rill_err err = rill_buf_appendf(out, "{\"number\":%" PRIu64 ",\"name\":", record->number);
    if (!err)
        err = rill_json_append_string(out, rill_bytes_from_cstr(record->name));
    if (!err)
        err = rill_buf_appendf(out, ",\"first_sequence\":%" PRIu64 ",", record->first_sequence);
    if (!err)
        err = put_time("created", record->created_unix_ns, out);
    if (!err)
        err = rill_buf_append(out, RILL_BYTES(",\"config\":"));
    return err ? err : rill_json_encode(&record->config->base, out);
}

// ---- a consumer's state ----

static bool take(struct rill_bytes *rest, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < rest->len && i < VARINT_BYTES_MAX; i++) {
        value |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
        if (rest->data[i] & 0x80)
            continue;
        *rest = rill_bytes_from(*rest, i + 1);
        *ret = value;
        return true;
    }
    return false;
}

static enum rill_err put_run(struct rill_bytes *rest, uint64_t *previous, struct rill_buf *out)
{
    static const char *const words[] = {"delivered", "again",  "done",      "passed",
                                        "sent",      "parked", "terminated"};
    uint64_t head, more;
    if (!take(rest, &head) || !take(rest, &more) || (head & 7) >= sizeof words / sizeof words[0])
        return RILL_ERR_DAMAGED;
    const uint64_t zigzag = head >> 3;
    const uint64_t first = *previous + ((zigzag >> 1) ^ (~(zigzag & 1) + 1));
    *previous = first + more;
    return rill_buf_appendf(out,
                            "{\"what\":\"%s\",\"first_sequence\":%" PRIu64 ",\"last_sequence\":%" PRIu64 "}",
                            words[head & 7], first, first + more);
}

static enum rill_err put_runs(struct rill_bytes rest, struct rill_buf *out)
{
    uint64_t previous = 0;
    enum rill_err err = rill_buf_append(out, RILL_BYTES("\"runs\":["));
    for (bool first = true; !err && rest.len; first = false) {
        if (!first)
            err = rill_buf_append(out, RILL_BYTES(","));
        if (!err)
            err = put_run(&rest, &previous, out);
    }
    return err ? err : rill_buf_append(out, RILL_BYTES("]"));
}

static enum rill_err put_outstanding(struct rill_bytes *rest, uint64_t *sequence, uint64_t last_given,
                                     struct rill_buf *out)
{
    uint64_t step, deliveries, behind;
    if (!take(rest, &step) || !take(rest, &deliveries) || !take(rest, &behind))
        return RILL_ERR_DAMAGED;
    *sequence += step;
    return rill_buf_appendf(
        out, "{\"sequence\":%" PRIu64 ",\"deliveries\":%" PRIu64 ",\"consumer_sequence\":%" PRIu64 "}",
        *sequence, deliveries >> 1, last_given - behind);
}

static enum rill_err put_whole(struct rill_bytes rest, struct rill_buf *out)
{
    uint64_t cursor, given, count, sequence = 0;
    if (!take(&rest, &cursor) || !take(&rest, &given) || !take(&rest, &count))
        return RILL_ERR_DAMAGED;
    enum rill_err err = rill_buf_appendf(
        out, "\"cursor\":%" PRIu64 ",\"consumer_sequence\":%" PRIu64 ",\"outstanding\":[", cursor, given);
    for (uint64_t i = 0; !err && i < count; i++) {
        if (i)
            err = rill_buf_append(out, RILL_BYTES(","));
        if (!err)
            err = put_outstanding(&rest, &sequence, given, out);
    }
    return err ? err : rill_buf_append(out, RILL_BYTES("]"));
}

static enum rill_err put_consumer_state(struct rill_bytes body, struct rill_buf *out)
{
    uint64_t number, form;
    if (!take(&body, &number) || !take(&body, &form) || form > 1)
        return RILL_ERR_DAMAGED;
    enum rill_err err = rill_buf_appendf(out, "{\"number\":%" PRIu64 ",", number);
    if (!err)
        err = form ? put_whole(body, out) : put_runs(body, out);
    return err ? err : rill_buf_append(out, RILL_BYTES("}"));
}

// ---- a checkpoint ----

static enum rill_err put_checkpoint_consumer(const Rill__ConsumerCheckpoint *part, struct rill_buf *out)
{
    ProtobufCMessage *record;
    enum rill_err err = rill_message_unpack(&rill__consumer_record__descriptor,
                                            rill_bytes_of(part->consumer.data, part->consumer.len), &record);
    if (err)
        return err;
    err = put_consumer((const Rill__ConsumerRecord *)record, out);
    rill_message_free(record);
    if (!err)
        err = rill_buf_append(out, RILL_BYTES(",\"state\":{"));
    if (!err)
        err = put_whole(rill_bytes_of(part->state.data, part->state.len), out);
    return err ? err : rill_buf_append(out, RILL_BYTES("}}"));
}

static enum rill_err put_checkpoint(const Rill__StreamCheckpoint *checkpoint, struct rill_buf *out)
{
    enum rill_err err = rill_buf_append(out, RILL_BYTES("{\"stream\":"));
    if (!err)
        err = put_stream(checkpoint->stream, out);
    if (!err)
        err = rill_buf_appendf(out, ",\"consumer_number_last\":%" PRIu64 ",\"consumers\":[",
                               checkpoint->consumer_number_last);
    for (size_t i = 0; !err && i < checkpoint->n_consumers; i++) {
        if (i)
            err = rill_buf_append(out, RILL_BYTES(","));
        if (!err)
            err = put_checkpoint_consumer(checkpoint->consumers[i], out);
    }
    return err ? err : rill_buf_append(out, RILL_BYTES("]}"));
}

// ---- all of them ----

static const ProtobufCMessageDescriptor *descriptor_of(uint8_t type)
{
    switch (type) {
    case RECORD_CHECKPOINT:
        return &rill__stream_checkpoint__descriptor;
    case RILL_STORE_EVENT_STREAM_CONFIG:
        return &rill__stream_record__descriptor;
    case RILL_STORE_EVENT_CONSUMER_CREATED:
        return &rill__consumer_record__descriptor;
    case RILL_STORE_EVENT_CONSUMER_DELETED:
        return &rill__consumer_end__descriptor;
    default:
        return NULL;
    }
}

static enum rill_err put_message(uint8_t type, const ProtobufCMessage *message, struct rill_buf *out)
{
    enum rill_err err;
    switch (type) {
    case RECORD_CHECKPOINT:
        return put_checkpoint((const Rill__StreamCheckpoint *)message, out);
    case RILL_STORE_EVENT_STREAM_CONFIG:
        return put_stream((const Rill__StreamRecord *)message, out);
    case RILL_STORE_EVENT_CONSUMER_CREATED:
        err = put_consumer((const Rill__ConsumerRecord *)message, out);
        return err ? err : rill_buf_append(out, RILL_BYTES("}"));
    default:
        return rill_buf_appendf(out, "{\"number\":%" PRIu64 "}",
                                ((const Rill__ConsumerEnd *)message)->number);
    }
}

enum rill_err event_json_put(uint8_t type, struct rill_bytes body, struct rill_buf *out)
{
    if (type == RILL_STORE_EVENT_CONSUMER_STATE)
        return put_consumer_state(body, out);
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(type);
    ProtobufCMessage *message;
    enum rill_err err = descriptor ? rill_message_unpack(descriptor, body, &message) : RILL_ERR_DAMAGED;
    if (err)
        return err;
    err = put_message(type, message, out);
    rill_message_free(message);
    return err;
}
