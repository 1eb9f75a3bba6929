// SPDX-License-Identifier: Apache-2.0
//
// Messages that a consumer gives up: they were delivered max_deliver times, or somebody terminated them. Who listens hears
// of it, and the message is done.
//
// With rill.dead_letter_subject in the consumer's metadata the message is published there first, with headers that say where
// it comes from, and is done only when the stream that takes it has acknowledged, which is when it is on disk. Until then it stays
// outstanding. When that takes too long, or is refused, it is published again; its message id makes that one message,
// also when a crash came between. So it is never lost, and stored once as long as the stream's duplicate window reaches.
// When it is the consumer's own stream that takes it, with limits retention, the log says that the message is done in the same
// commit: after a crash there is a letter, or the message is outstanding, and never both. (With other retentions the message's
// removal has to wait for the letter.) In memory it is outstanding until that is acknowledged, for a commit can fail.
// The words of who terminated it are nowhere kept: they are in a letter that goes out with the acknowledgement.
//
//      GIVEN_UP ── published, reply $JS.RILL.BURIED.<stream>.<number>.<sequence> ──► WAITS ── acknowledged ──► done
//         ▲                                                                            │
//         └──────────────────────── no answer for RETRY_NS ────────────────────────────┘
#include "advisory.h"
#include "base/assert.h"
#include "proto/headers.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "proto/subject.h"
#include "route.h"

#include <inttypes.h>
#include <stdio.h>

#define RETRY_NS (5 * RILL_NS_PER_S)

enum { SUBJECT_BYTES_MAX = 640, BURY_MESSAGES_MAX = 1024, REASON_BYTES_MAX = 256 };

/* What somebody said who terminated a message. */
struct termination {
    uint64_t sequence;        // 0: nobody did
    struct rill_bytes reason; // may be empty
};

// ---- a dead letter ----

struct letter {
    const struct durable *durable;
    const struct outstanding *entry; // that is given up
    const struct rill_store_message *stored;
    const struct termination *said;
};

static enum rill_err add_number(struct rill_buf *buf, const char *name, uint64_t value)
{
    return rill_buf_appendf(buf, "%s: %" PRIu64 "\r\n", name, value);
}

/* Lines of the original besides those that would mean something to the stream that takes the letter. */
static enum rill_err add_original(struct rill_buf *buf, struct rill_bytes block)
{
    struct rill_headers_cursor cursor = rill_headers_cursor_of(block);
    struct rill_bytes name;
    struct rill_bytes value;
    enum rill_err err = RILL_OK;
    while (!err && rill_headers_next(&cursor, &name, &value)) {
        if (!rill_bytes_has_prefix(name, RILL_BYTES("Nats-")))
            err = rill_buf_appendf(buf, RILL_PRI ": " RILL_PRI "\r\n", RILL_ARG(name), RILL_ARG(value));
    }
    return err;
}

/* The words of who terminated it, when they are at hand: the first line, which is what a header can bear. */
static struct rill_bytes words_of(const struct letter *letter)
{
    const struct termination *said = letter->said;
    const struct rill_bytes words =
        said->sequence == letter->entry->sequence ? said->reason : rill_bytes_of(NULL, 0);
    size_t len = 0;
    while (len < words.len && len < REASON_BYTES_MAX && words.data[len] >= ' ' && words.data[len] != 0x7f)
        len++;
    return rill_bytes_of(words.data, len);
}

static enum rill_err add_reason(struct rill_buf *buf, const struct letter *letter)
{
    const struct rill_bytes words = words_of(letter);
    enum rill_err err = rill_buf_appendf(buf, "Rill-Reason: %s\r\n",
                                         letter->entry->terminated ? "terminated" : "max_deliver");
    if (!err && words.len)
        err = rill_buf_appendf(buf, "Rill-Term-Reason: " RILL_PRI "\r\n", RILL_ARG(words));
    return err ? err : rill_buf_append(buf, RILL_BYTES("\r\n"));
}

static enum rill_err write_headers(const struct letter *letter, struct rill_buf *buf)
{
    const struct durable *durable = letter->durable;
    const struct outstanding *entry = letter->entry;
    buf->len = 0;
    enum rill_err err = rill_buf_append(buf, RILL_BYTES("NATS/1.0\r\n"));
    if (!err)
        err = add_original(buf, letter->stored->headers);
    if (!err)
        err = rill_buf_appendf(buf, "Nats-Msg-Id: rill-dead-%s-%" PRIu64 "-%" PRIu64 "\r\n",
                               durable->stream->name, durable->settings->number, entry->sequence);
    if (!err)
        err = rill_buf_appendf(buf, "Rill-Stream: %s\r\nRill-Consumer: %s\r\nRill-Subject: " RILL_PRI "\r\n",
                               durable->stream->name, durable->settings->name,
                               RILL_ARG(letter->stored->subject));
    if (!err)
        err = add_number(buf, "Rill-Sequence", entry->sequence);
    if (!err)
        err = add_number(buf, "Rill-Deliveries", entry->delivered);
    return err ? err : add_reason(buf, letter);
}

/* From a copy: whoever takes it may append to the store that the message was read from. */
static void publish_letter(const struct letter *letter)
{
    const struct durable *durable = letter->durable;
    struct jetstream *js = durable->stream->js;
    char reply[SUBJECT_BYTES_MAX];
    const int len = snprintf(reply, sizeof reply, DURABLE_BURIED_SUBJECT ".%s.%s.%" PRIu64,
                             durable->stream->name, durable->settings->name, letter->entry->sequence);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof reply);
    enum rill_err err = write_headers(letter, &js->headers);
    const size_t header_len = js->headers.len;
    if (!err)
        err = rill_buf_append(&js->headers, letter->stored->payload);
    if (err)
        return; // tried again later
    const struct rill_bytes text = rill_buf_bytes(&js->headers);
    (void)route_publish(js->core, js->account, rill_bytes_from_cstr(durable->settings->dead_letter_subject),
                        rill_bytes_of(reply, (size_t)len), rill_bytes_of(text.data, header_len),
                        rill_bytes_from(text, header_len));
}

static bool may_be_one_commit(const struct stream *stream)
{
    return stream->record->config->retention == RILL__RETENTION__RETENTION_LIMITS;
}

/* A stream that has the letter already says so at once, and then the message is done. */
static void send_letter(const struct letter *letter)
{
    struct consumer *consumer = letter->durable->consumer;
    const struct stream *stream = letter->durable->stream;
    const uint64_t sequence = letter->entry->sequence;
    const uint64_t last_appended = stream->last_appended;
    consumer_bury_later(consumer, stream->js->core->now.mono_ns + RETRY_NS);
    publish_letter(letter);
    // Nothing but the letter can have come into its own stream meanwhile.
    if (stream->last_appended > last_appended && may_be_one_commit(stream))
        consumer_log_buried(consumer, sequence);
}

/* True when the first one that is given up is dealt with for now. */
static bool bury_with_letter(struct durable *durable, const struct termination *said)
{
    const struct outstanding *entry = consumer_given_up(durable->consumer);
    struct rill_store_message stored;
    const enum rill_err err = rill_store_read(durable->stream->store, entry->sequence, &stored);
    if (err == RILL_ERR_AGAIN) {
        durable_load(durable, entry->sequence);
        return false;
    }
    if (err || rill_bytes_equal_cstr(stored.subject, durable->settings->dead_letter_subject)) {
        consumer_bury(durable->consumer); // there is nothing to keep, or it is a letter and kept
        return true;
    }
    const struct letter letter = {.durable = durable, .entry = entry, .stored = &stored, .said = said};
    send_letter(&letter);
    return true;
}

// ---- giving up ----

static void bury(struct durable *durable, const struct termination *said)
{
    struct outstanding *entry;
    for (uint32_t count = 0; (entry = durable->consumer->given_up); count++) {
        if (count == BURY_MESSAGES_MAX) {
            durable_serve_later(durable);
            return;
        }
        if (!entry->terminated && !entry->told)
            advisory_delivery(durable, ADVISORY_MAX_DELIVERIES, entry, rill_bytes_of(NULL, 0));
        entry->told = true;
        if (!durable->settings->dead_letter_subject)
            consumer_bury(durable->consumer);
        else if (!bury_with_letter(durable, said))
            return;
    }
}

void durable_bury(struct durable *durable)
{
    const struct termination nobody = {0};
    bury(durable, &nobody);
}

void durable_bury_terminated(struct durable *durable, uint64_t sequence, struct rill_bytes reason)
{
    const struct termination said = {.sequence = sequence, .reason = reason};
    bury(durable, &said);
}

// ---- it is stored ----

static bool is_stored(struct rill_bytes answer)
{
    struct rill_error_text why;
    ProtobufCMessage *message;
    if (rill_json_decode(&rill__pub_ack__descriptor, answer, RILL_JSON_UNKNOWN_IGNORED, &message, &why))
        return false;
    const Rill__PubAck *ack = (Rill__PubAck *)message;
    const bool stored = !ack->error && ack->seq > 0;
    rill_message_free(message);
    return stored;
}

/* "<stream>.<consumer>.<sequence>" behind the prefix. */
void durable_buried(void *owner, const struct message *message)
{
    struct jetstream *js = owner;
    uint64_t sequence;
    if (!rill_bytes_has_prefix(message->subject, RILL_BYTES(DURABLE_BURIED_SUBJECT ".")))
        return;
    struct rill_bytes rest = rill_bytes_from(message->subject, sizeof DURABLE_BURIED_SUBJECT);
    struct stream *stream = stream_find(js, rill_subject_next_token(&rest));
    if (!stream || stream->state != STREAM_ACTIVE || !rest.data)
        return;
    struct durable *durable = durable_find(stream, rill_subject_next_token(&rest));
    if (!durable || !rill_bytes_to_u64(rest, UINT64_MAX, &sequence) || !is_stored(message->payload))
        return;
    consumer_buried(durable->consumer, sequence);
    durable_changed(durable);
    durable_serve_later(durable);
}
