// SPDX-License-Identifier: Apache-2.0
//
// From a message that was published to a record in the open commit. This is the hot path: no allocation per message, and
// the acknowledgement is formatted by hand.
#include "base/alloc.h"
#include "base/assert.h"
#include "proto/decimal.h"
#include "proto/json_codec.h"
#include "proto/subject.h"
#include "publish_headers.h"
#include "retention.h"
#include "stream.h"
#include "stream_limits.h"
#include "stream_rollup.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    HEADER_BLOCK_BYTES_MAX = 65535,
    EVENTS_BYTES_RESERVED = 512 * 1024, // of a commit: messages leave it to events
    RECORD_OVERHEAD_BYTES_MAX = 4096,   // of one message, generously
    ACK_BYTES_MAX = 8 * 1024 + 64,
};

// ---- answers ----

void stream_acknowledge(struct stream *stream, const struct pub_ack *ack)
{
    static const char duplicate[] = ",\"duplicate\": true";
    char text[ACK_BYTES_MAX];
    size_t len = stream->ack_prefix.len;
    memcpy(text, stream->ack_prefix.data, len);
    len += rill_decimal_write(ack->sequence, text + len);
    if (ack->duplicate) {
        memcpy(text + len, duplicate, sizeof duplicate - 1);
        len += sizeof duplicate - 1;
    }
    text[len++] = '}';
    const struct message message = {
        .account = stream->js->account,
        .subject = ack->reply,
        .payload = rill_bytes_of(text, len),
    };
    (void)route_recalled(stream->js->core, &message, &stream->js->last_acknowledged);
}

void stream_refuse(struct stream *stream, struct rill_bytes reply, const struct rill_js_error *error)
{
    stream->js->publishes_refused++;
    if (!reply.len || stream->record->config->no_ack)
        return;
    Rill__ApiError view;
    Rill__PubAck ack = RILL__PUB_ACK__INIT;
    rill_js_error_view(error, &view);
    ack.error = &view;
    ack.stream = stream->name;
    const bool overloaded = error->err_code == RILL_JS_TOO_MANY_REQUESTS;
    js_respond_with(stream->js, reply,
                    overloaded ? RILL_BYTES("NATS/1.0 429 Too Many Requests\r\n\r\n")
                               : rill_bytes_of(NULL, 0),
                    &ack.base);
}

struct rill_js_error stream_store_error(const struct stream *stream, enum rill_err err)
{
    if (err == RILL_ERR_LIMIT)
        return rill_js_error_of(RILL_JS_TOO_MANY_REQUESTS);
    if (err != RILL_ERR_READ_ONLY || !stream->store)
        return rill_js_error_with(RILL_JS_STREAM_STORE_FAILED, "%s", rill_err_text(err));
    struct rill_store_state state;
    rill_store_state(stream->store, &state);
    return rill_js_error_with(RILL_JS_STREAM_STORE_FAILED, "%s: %s", rill_err_text(err), state.why.text);
}

// ---- checks ----

static struct rill_js_error check_expected(const struct stream *stream, const struct publish_headers *headers)
{
    const uint64_t last_sequence = stream->last_appended;
    if (headers->expected_stream.len && !rill_bytes_equal_cstr(headers->expected_stream, stream->name))
        return rill_js_error_of(RILL_JS_STREAM_NOT_MATCH);
    if (headers->ttl_ns && !stream->record->config->allow_msg_ttl)
        return rill_js_error_of(RILL_JS_MESSAGE_TTL_DISABLED);
    if (headers->expected_subject.len && !headers->expects_subject_sequence)
        return rill_js_error_of(RILL_JS_EXPECTED_SUBJECT_WITHOUT_SEQUENCE);
    if (headers->expects_last_sequence && headers->expected_last_sequence != last_sequence)
        return rill_js_error_with(RILL_JS_WRONG_LAST_SEQUENCE, "%" PRIu64, last_sequence);
    return (struct rill_js_error){0};
}

/* Of patterns the one asked for last is kept: who uses one uses it again. */
static struct rill_store_filter *expected_filter(struct stream *stream, struct rill_bytes pattern)
{
    if (stream->expected_filter && rill_bytes_equal_cstr(pattern, stream->expected_pattern))
        return stream->expected_filter;
    stream_forget_expected(stream);
    stream->expected_filter = rill_store_filter_create(stream->store, &pattern, 1);
    stream->expected_pattern = rill_alloc_cstr(pattern);
    return stream->expected_filter;
}

void stream_forget_expected(struct stream *stream)
{
    rill_store_filter_destroy(stream->expected_filter);
    free(stream->expected_pattern);
    stream->expected_filter = NULL;
    stream->expected_pattern = NULL;
}

/* The newest message of a subject or of a pattern, durable or not; 0: there is none. */
static enum rill_err newest_of(struct stream *stream, struct rill_bytes subject, uint64_t *ret_sequence)
{
    enum rill_err err = RILL_ERR_NOT_FOUND;
    if (rill_subject_is_literal(subject))
        err = rill_store_subject_newest(stream->store, subject, ret_sequence);
    else if (rill_subject_is_valid(subject))
        err = rill_store_newest_matching(expected_filter(stream, subject), ret_sequence);
    if (err == RILL_ERR_NOT_FOUND)
        *ret_sequence = 0;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

/* AGAIN, and nothing else: ask later. */
static enum rill_err check_expected_of_subject(struct stream *stream, const struct message *message,
                                               const struct publish_headers *headers,
                                               struct rill_js_error *ret_error)
{
    const struct rill_bytes named = headers->expected_subject;
    uint64_t newest = 0;
    if (!headers->expects_subject_sequence)
        return RILL_OK;
    const enum rill_err err = newest_of(stream, named.len ? named : message->subject, &newest);
    if (err == RILL_ERR_AGAIN)
        return err;
    if (err)
        *ret_error = stream_store_error(stream, err);
    else if (newest != headers->expected_subject_sequence)
        *ret_error = rill_js_error_with(RILL_JS_WRONG_LAST_SEQUENCE, "%" PRIu64, newest);
    return RILL_OK;
}

static struct rill_js_error check_last_id(const struct stream *stream, const struct publish_headers *headers)
{
    const struct rill_bytes last = rill_buf_bytes(&stream->last_msg_id);
    const struct rill_bytes expected = headers->expected_last_msg_id;
    return expected.len && !rill_bytes_equal(expected, last)
               ? rill_js_error_with(RILL_JS_WRONG_LAST_MSG_ID, RILL_PRI, RILL_ARG(last))
               : (struct rill_js_error){0};
}

static struct rill_js_error check_rollup(const struct stream *stream, const struct publish_headers *headers)
{
    const Rill__StreamConfig *config = stream->record->config;
    if (headers->rollup == ROLLUP_NONE)
        return (struct rill_js_error){0};
    if (!config->allow_rollup_hdrs || config->deny_purge)
        return rill_js_error_with(RILL_JS_ROLLUP_FAILED, "rollup not permitted");
    if (headers->rollup == ROLLUP_INVALID)
        return rill_js_error_with(RILL_JS_ROLLUP_FAILED, "rollup value invalid: \"" RILL_PRI "\"",
                                  RILL_ARG(headers->rollup_text));
    return (struct rill_js_error){0};
}

/* *ret_error says what is in the way: the text is made for those that are refused only. */
static bool is_within_limits(const struct stream *stream, const struct message *message,
                             enum rill_js_error_id *ret_error)
{
    const Rill__StreamConfig *config = stream->record->config;
    const size_t bytes = message->headers.len + message->payload.len;
    if ((config->max_msg_size >= 0 && bytes > (size_t)config->max_msg_size) ||
        message->subject.len + bytes + RECORD_OVERHEAD_BYTES_MAX >
            STREAM_COMMIT_BYTES_MAX - EVENTS_BYTES_RESERVED)
        *ret_error = RILL_JS_MESSAGE_TOO_LARGE;
    else if (message->headers.len > HEADER_BLOCK_BYTES_MAX)
        *ret_error = RILL_JS_HEADER_TOO_LARGE;
    else if (stream_limits_server_is_full(stream))
        *ret_error = RILL_JS_INSUFFICIENT_RESOURCES;
    else
        return true;
    return false;
}

/* As much waits for the disk as the configuration allows. */
static bool is_buffered_full(const struct stream *stream)
{
    const struct rill_jetstream_limits *limits = &stream->js->limits;
    return (limits->buffered_messages_max > 0 &&
            stream->last_appended - stream->last_committed >= (uint64_t)limits->buffered_messages_max) ||
           (limits->buffered_bytes_max > 0 &&
            rill_store_open_bytes(stream->store) >= (uint64_t)limits->buffered_bytes_max);
}

/* Ids that find no room in memory are the index's business; without one there are no more. */
static bool may_remember_id(const struct stream *stream)
{
    struct rill_store_state log;
    if (dedupe_has_room(&stream->dedupe))
        return true;
    rill_store_state(stream->store, &log);
    return !log.index_failed;
}

/* What is in the way of one more message in the open commit. */
static enum rill_err check_room(const struct stream *stream, const struct publish_headers *headers)
{
    if (stream->broken)
        return RILL_ERR_READ_ONLY;
    if (is_buffered_full(stream))
        return RILL_ERR_LIMIT;
    if (rill_store_open_bytes(stream->store) > STREAM_COMMIT_BYTES_MAX - EVENTS_BYTES_RESERVED ||
        stream->acks_open.bytes.len > PUB_ACKS_BYTES_MAX / 2)
        return RILL_ERR_LIMIT;
    return headers->msg_id.len && !may_remember_id(stream) ? RILL_ERR_LIMIT : RILL_OK;
}

// ---- publishing ----

/* Acknowledged before it is durable, as the configuration wants it. */
static bool is_async(const struct stream *stream)
{
    return stream->js->sync_interval_ns ||
           stream->record->config->persist_mode == RILL__PERSIST_MODE__PERSIST_MODE_ASYNC;
}

/* The id was seen: the answer is the first message's, and goes out when that is durable. */
static void publish_duplicate(struct stream *stream, struct rill_bytes reply, uint64_t sequence)
{
    if (!reply.len || stream->record->config->no_ack)
        return;
    const struct pub_ack ack = {.sequence = sequence, .duplicate = true, .reply = reply};
    if (sequence <= stream->last_committed || is_async(stream)) {
        stream_acknowledge(stream, &ack);
        return;
    }
    const bool flying = stream->commit_out && sequence <= stream->flying_sequence;
    const enum rill_err err = pub_acks_add(flying ? &stream->acks_flying : &stream->acks_open, &ack);
    if (err) {
        const struct rill_js_error error = stream_store_error(stream, RILL_ERR_LIMIT);
        stream_refuse(stream, reply, &error);
    }
}

/* Answers when the message is durable, or at once. */
static void promise_ack(struct stream *stream, struct rill_bytes reply, uint64_t sequence)
{
    const struct pub_ack ack = {.sequence = sequence, .reply = reply};
    if (!reply.len || stream->record->config->no_ack)
        return;
    if (is_async(stream)) {
        stream_acknowledge(stream, &ack);
        return;
    }
    const enum rill_err err = pub_acks_add(&stream->acks_open, &ack);
    RILL_ASSERT(err == RILL_OK); // check_room left enough for any reply
}

/* It is in the open commit: what it replaces goes, and its publisher will be told. */
static void finish_append(struct stream *stream, const struct message *message,
                          const struct publish_headers *headers, uint64_t sequence)
{
    const struct rill_bytes nobody = {0};
    if (headers->rollup == ROLLUP_ALL)
        stream_roll_up_all(stream);
    if (headers->rollup != ROLLUP_SUBJECT) {
        promise_ack(stream, message->reply, sequence);
    } else if (is_async(stream) || stream->record->config->no_ack) {
        promise_ack(stream, message->reply, sequence);
        stream_roll_up_subject(stream, message->subject, sequence, nobody);
    } else {
        stream_roll_up_subject(stream, message->subject, sequence, message->reply);
    }
}

static void remember_id(struct stream *stream, const struct publish_headers *headers,
                        const struct rill_store_message *record)
{
    if (headers->msg_id.len)
        dedupe_add(&stream->dedupe, headers->msg_id, record->sequence, record->time_ns);
    stream->last_msg_id.len = 0;
    const enum rill_err err = rill_buf_append(&stream->last_msg_id, headers->msg_id);
    RILL_ASSERT(err == RILL_OK); // a header block is shorter than the buffer's maximum
}

static enum rill_err append(struct stream *stream, const struct message *message,
                            const struct publish_headers *headers)
{
    bool goes_on = false; // to others, when it is stored
    uint64_t before = 0;
    enum rill_err err = check_room(stream, headers);
    if (!err)
        err = stream_republish_prepare(stream, message->subject, &goes_on, &before);
    if (err)
        return err;
    struct rill_store_message record = {
        .time_ns = stream->js->core->now.wall_ns,
        .subject = message->subject,
        .headers = message->headers,
        .payload = message->payload,
    };
    err = rill_store_append(stream->store, &record);
    if (err)
        return err;
    stream->last_appended = record.sequence;
    remember_id(stream, headers, &record);
    if (goes_on)
        stream_republish_note(stream, record.sequence, before);
    stream_limits_note_ttl(stream, headers->ttl_ns);
    if (!retention_wants(stream, message->subject))
        retention_drop(stream, record.sequence);
    finish_append(stream, message, headers, record.sequence);
    return RILL_OK;
}

/* The first message with this id in the window. NOT_FOUND; UNAVAILABLE when nobody knows. */
static enum rill_err find_duplicate(struct stream *stream, struct rill_bytes id, uint64_t *ret_sequence)
{
    const int64_t now_ns = stream->js->core->now.wall_ns;
    const int64_t since_ns = now_ns - stream->dedupe.window_ns + 1;
    dedupe_age(&stream->dedupe, now_ns);
    const uint64_t sequence = dedupe_find(&stream->dedupe, id);
    if (!sequence && stream->dedupe.complete_from_ns > since_ns)
        return rill_store_seen(stream->store, id, since_ns, ret_sequence);
    *ret_sequence = sequence;
    return sequence ? RILL_OK : RILL_ERR_NOT_FOUND;
}

/* Is it a duplicate, which was answered then? */
static bool is_duplicate(struct stream *stream, const struct message *message,
                         const struct publish_headers *headers, struct rill_js_error *ret_error)
{
    uint64_t sequence;
    if (!headers->msg_id.len)
        return false;
    const enum rill_err err = find_duplicate(stream, headers->msg_id, &sequence);
    if (!err)
        publish_duplicate(stream, message->reply, sequence);
    else if (err != RILL_ERR_NOT_FOUND)
        *ret_error = stream_store_error(stream, err);
    return !err;
}

enum verdict { TAKEN, ANSWERED, REFUSED, PARKED };

/* What the headers ask for. The error is set when the verdict is REFUSED, and only then. */
static enum verdict check_headers(struct stream *stream, const struct message *message,
                                  struct publish_headers *headers, struct rill_js_error *ret_error)
{
    *ret_error = publish_headers_read(message->headers, headers);
    if (!rill_js_error_is_set(ret_error))
        *ret_error = check_expected(stream, headers);
    if (!rill_js_error_is_set(ret_error) && check_expected_of_subject(stream, message, headers, ret_error))
        return PARKED;
    if (!rill_js_error_is_set(ret_error) && is_duplicate(stream, message, headers, ret_error))
        return ANSWERED;
    if (!rill_js_error_is_set(ret_error))
        *ret_error = check_last_id(stream, headers);
    if (!rill_js_error_is_set(ret_error))
        *ret_error = check_rollup(stream, headers);
    return rill_js_error_is_set(ret_error) ? REFUSED : TAKEN;
}

static enum verdict refuse_with(enum rill_js_error_id id, struct rill_js_error *ret_error)
{
    *ret_error = rill_js_error_of(id);
    return REFUSED;
}

static enum verdict check(struct stream *stream, const struct message *message,
                          struct publish_headers *headers, struct rill_js_error *ret_error)
{
    enum verdict verdict = TAKEN;
    enum rill_js_error_id error;
    if (stream->record->config->sealed)
        return refuse_with(RILL_JS_STREAM_SEALED, ret_error);
    if (message->headers.len)
        verdict = check_headers(stream, message, headers, ret_error);
    if (verdict != TAKEN)
        return verdict;
    if (!is_within_limits(stream, message, &error))
        return refuse_with(error, ret_error);
    return headers->ttl_is_wrong ? refuse_with(RILL_JS_MESSAGE_TTL_INVALID, ret_error) : TAKEN;
}

/* A message lives at least as long as a marker in its place would: else the end of one that follows another could be missed. */
static enum rill_err raise_ttl(const struct stream *stream, struct message *message,
                               struct publish_headers *headers, struct rill_buf *buf)
{
    const Rill__StreamConfig *config = stream->record->config;
    const int64_t least_ns = config->max_msgs_per_subject == 1 ? 0 : config->subject_delete_marker_ttl;
    if (headers->ttl_ns <= 0 || headers->ttl_ns >= least_ns)
        return RILL_OK;
    const enum rill_err err = publish_headers_set_ttl(message->headers, least_ns, buf);
    if (err)
        return err;
    message->headers = rill_buf_bytes(buf);
    headers->ttl_ns = least_ns;
    return RILL_OK;
}

static enum rill_err append_raised(struct stream *stream, const struct message *message,
                                   struct publish_headers *headers)
{
    struct message raised = *message;
    struct rill_buf buf;
    rill_buf_init(&buf, 2 * HEADER_BLOCK_BYTES_MAX);
    enum rill_err err = raise_ttl(stream, &raised, headers, &buf);
    if (!err)
        err = append(stream, &raised, headers);
    rill_buf_fini(&buf);
    return err;
}

/* *ret_error is set when the verdict is REFUSED, and only then. */
static enum verdict publish(struct stream *stream, const struct message *message,
                            struct rill_js_error *ret_error)
{
    struct publish_headers headers = {0};
    const enum verdict verdict = check(stream, message, &headers, ret_error);
    if (verdict != TAKEN)
        return verdict;
    const enum rill_err err = append_raised(stream, message, &headers);
    if (err == RILL_ERR_AGAIN)
        return PARKED;
    if (err) {
        *ret_error = stream_store_error(stream, err);
        return REFUSED;
    }
    stream->commit_wanted = true;
    stream_touch(stream);
    return TAKEN;
}

enum rill_err stream_publish_parked(struct stream *stream, const struct message *message)
{
    struct rill_js_error error;
    const enum verdict verdict = publish(stream, message, &error);
    if (verdict == REFUSED)
        stream_refuse(stream, message->reply, &error);
    return verdict == PARKED ? RILL_ERR_AGAIN : RILL_OK;
}

/* The message as the stream keeps it. False when its subject could not be made. */
static bool transform_subject(struct stream *stream, struct message *message)
{
    struct jetstream *js = stream->js;
    if (!stream->transform)
        return true;
    js->subject.len = 0;
    const enum rill_err err =
        rill_subject_transform_apply(stream->transform, message->subject, &js->core->random, &js->subject);
    if (!err)
        message->subject = rill_buf_bytes(&js->subject);
    return !err || err == RILL_ERR_NOT_FOUND;
}

void stream_publish(void *owner, const struct message *message)
{
    struct stream *stream = owner;
    RILL_ASSERT(stream->state == STREAM_ACTIVE);
    struct message kept = *message;
    enum rill_js_error_id id = RILL_JS_TOO_MANY_REQUESTS;
    if (!transform_subject(stream, &kept))
        id = RILL_JS_MESSAGE_TOO_LARGE;
    else if ((!stream->parked.first && !stream_publish_parked(stream, &kept)) || !parked_add(stream, &kept))
        return;
    const struct rill_js_error error = rill_js_error_of(id);
    stream_refuse(stream, message->reply, &error);
}
