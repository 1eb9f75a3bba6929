// SPDX-License-Identifier: Apache-2.0
#include "proto/ack_subject.h"

#include "base/assert.h"
#include "proto/decimal.h"
#include "proto/subject.h"
#include "proto/writer.h"

static const struct rill_bytes prefix = {(const uint8_t *)"$JS.ACK.", 8};

enum {
    NUMBERS = RILL_ACK_SUBJECT_NUMBERS,
    TOKENS_MIN = 7,
    TOKENS_MAX = 9
}; // behind the prefix: first form, second form

// ---- writing ----

void rill_ack_subject_begin(struct rill_ack_subject_writer *writer, struct rill_bytes stream,
                            struct rill_bytes consumer)
{
    RILL_ASSERT(stream.len && stream.len <= RILL_ACK_SUBJECT_NAME_BYTES_MAX);
    RILL_ASSERT(consumer.len && consumer.len <= RILL_ACK_SUBJECT_NAME_BYTES_MAX);
    uint8_t *out = rill_put(rill_put(writer->text, prefix), stream);
    *out++ = '.';
    out = rill_put(out, consumer);
    writer->front_len = (size_t)(out - writer->text);
    writer->len = 0;
}

/* By the number of zeros. */
static const uint64_t powers_of_ten[RILL_DECIMAL_BYTES_MAX] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
    10000000000000000000u,
};

static void write_all(struct rill_ack_subject_writer *writer, const uint64_t values[NUMBERS])
{
    uint8_t *out = writer->text + writer->front_len;
    for (int i = 0; i < NUMBERS; i++) {
        *out++ = '.';
        const size_t digits = rill_decimal_write(values[i], (char *)out);
        out += digits;
        writer->numbers[i].value = values[i];
        writer->numbers[i].min = digits > 1 ? powers_of_ten[digits - 1] : 0;
        writer->numbers[i].max = digits < RILL_DECIMAL_BYTES_MAX ? powers_of_ten[digits] - 1 : UINT64_MAX;
        writer->numbers[i].end = (uint16_t)(out - writer->text);
    }
    writer->len = (size_t)(out - writer->text);
    RILL_ASSERT(writer->len <= sizeof writer->text);
}

/* From the last digit to the one in front of which all are the same. */
static inline void write_digits(uint8_t *end, uint64_t value, uint64_t old)
{
    for (; value != old; value /= 10, old /= 10)
        *--end = (uint8_t)('0' + value % 10);
}

struct rill_bytes rill_ack_subject_write(struct rill_ack_subject_writer *writer,
                                         const struct rill_ack_subject *ack)
{
    const uint64_t values[NUMBERS] = {ack->delivered, ack->stream_seq, ack->consumer_seq,
                                      (uint64_t)ack->timestamp_ns, ack->pending};
    bool fits = writer->len > 0;
    RILL_ASSERT(ack->timestamp_ns >= 0 && writer->front_len);
    for (int i = 0; i < NUMBERS; i++)
        fits = fits && values[i] >= writer->numbers[i].min && values[i] <= writer->numbers[i].max;
    if (!fits)
        write_all(writer, values);
    for (int i = 0; fits && i < NUMBERS; i++) {
        write_digits(writer->text + writer->numbers[i].end, values[i], writer->numbers[i].value);
        writer->numbers[i].value = values[i];
    }
    return rill_bytes_of(writer->text, writer->len);
}

enum rill_err rill_ack_subject_append(const struct rill_ack_subject *ack, struct rill_buf *buf)
{
    struct rill_ack_subject_writer writer;
    rill_ack_subject_begin(&writer, ack->stream, ack->consumer);
    return rill_buf_append(buf, rill_ack_subject_write(&writer, ack));
}

// ---- reading ----

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
