// SPDX-License-Identifier: Apache-2.0
#include "proto/ack_subject.h"

#include "base/assert.h"
#include "proto/decimal.h"
#include "proto/subject.h"
#include "proto/writer.h"

static const struct rill_bytes prefix = {(const uint8_t *)"$JS.ACK.", 8};

enum { NUMBERS = 5, TOKENS_MIN = 7, TOKENS_MAX = 9 }; // behind the prefix: first form, second form

static uint8_t *put_number(uint8_t *out, uint64_t number)
{
    *out++ = '.';
    return out + rill_decimal_write(number, (char *)out);
}

enum rill_err rill_ack_subject_append(const struct rill_ack_subject *ack, struct rill_buf *buf)
{
    RILL_ASSERT(ack->stream.len && ack->consumer.len && ack->timestamp_ns >= 0);
    const size_t needed =
        prefix.len + ack->stream.len + 1 + ack->consumer.len + NUMBERS * (1 + RILL_DECIMAL_BYTES_MAX);
    const enum rill_err err = rill_buf_reserve(buf, needed);
    if (err)
        return err;
    uint8_t *out = rill_put(buf->data + buf->len, prefix);
    out = rill_put(out, ack->stream);
    *out++ = '.';
    out = rill_put(out, ack->consumer);
    out = put_number(out, ack->delivered);
    out = put_number(out, ack->stream_seq);
    out = put_number(out, ack->consumer_seq);
    out = put_number(out, (uint64_t)ack->timestamp_ns);
    out = put_number(out, ack->pending);
    buf->len = (size_t)(out - buf->data);
    RILL_ASSERT(buf->len <= buf->capacity);
    return RILL_OK;
}

// Tokens behind the ninth are for forms to come and are not looked at.
static size_t split(struct rill_bytes rest, struct rill_bytes tokens[TOKENS_MAX])
{
    size_t count = 0;
    while (rest.data && count < TOKENS_MAX)
        tokens[count++] = rill_subject_next_token(&rest);
    return count;
}

static bool parse_names(const struct rill_bytes *tokens, struct rill_ack_subject *ack)
{
    ack->stream = tokens[0];
    ack->consumer = tokens[1];
    return ack->stream.len && ack->consumer.len;
}

static bool parse_numbers(const struct rill_bytes *tokens, struct rill_ack_subject *ack)
{
    uint64_t timestamp_ns = 0;
    if (!rill_bytes_to_u64(tokens[0], UINT64_MAX, &ack->delivered) ||
        !rill_bytes_to_u64(tokens[1], UINT64_MAX, &ack->stream_seq) ||
        !rill_bytes_to_u64(tokens[2], UINT64_MAX, &ack->consumer_seq) ||
        !rill_bytes_to_u64(tokens[3], INT64_MAX, &timestamp_ns) ||
        !rill_bytes_to_u64(tokens[4], UINT64_MAX, &ack->pending))
        return false;
    ack->timestamp_ns = (int64_t)timestamp_ns;
    return true;
}

bool rill_ack_subject_parse(struct rill_bytes subject, struct rill_ack_subject *ret)
{
    if (!rill_bytes_has_prefix(subject, prefix))
        return false;
    struct rill_bytes tokens[TOKENS_MAX];
    const size_t count = split(rill_bytes_from(subject, prefix.len), tokens);
    if (count != TOKENS_MIN && count != TOKENS_MAX)
        return false;
    struct rill_ack_subject ack = {0};
    const size_t first = count - TOKENS_MIN;
    if (first) {
        ack.domain = rill_bytes_equal_cstr(tokens[0], "_") ? rill_bytes_of(NULL, 0) : tokens[0];
        ack.account_hash = tokens[1];
    }
    if (!parse_names(tokens + first, &ack) || !parse_numbers(tokens + first + 2, &ack))
        return false;
    *ret = ack;
    return true;
}
