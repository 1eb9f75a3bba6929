// SPDX-License-Identifier: Apache-2.0
#include "publish_headers.h"

#include "base/clock.h"
#include "core/core.h"
#include "proto/headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

static const struct rill_js_error none;

/* Headers that ask for something which a stream must be configured for; Rill refuses such configurations, so these get
   what NATS answers for a stream without them. */
static const struct refusal {
    const char *name;
    enum rill_js_error_id error;
} refusals[] = {
    {"Nats-Incr", RILL_JS_MESSAGE_COUNTER_DISABLED},
    {"Nats-Batch-Id", RILL_JS_ATOMIC_PUBLISH_DISABLED},
    {"Nats-Schedule", RILL_JS_MESSAGE_SCHEDULES_DISABLED},
};

static bool text_is(struct rill_bytes text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.data, word, text.len) == 0;
}

// ---- one header each ----

/* What is no number can match no sequence. */
static void read_sequence(struct rill_bytes value, bool *ret_expects, uint64_t *ret)
{
    *ret_expects = value.len > 0;
    if (!rill_bytes_to_u64(value, UINT64_MAX, ret))
        *ret = UINT64_MAX;
}

static void read_rollup(struct rill_bytes value, struct publish_headers *ret)
{
    ret->rollup_text = value;
    ret->rollup = !value.len              ? ROLLUP_NONE
                  : text_is(value, "sub") ? ROLLUP_SUBJECT
                  : text_is(value, "all") ? ROLLUP_ALL
                                          : ROLLUP_INVALID;
}

static struct rill_js_error check_level(struct rill_bytes value)
{
    uint64_t level;
    return rill_bytes_to_u64(value, UINT64_MAX, &level) && level <= RILL_API_LEVEL
               ? none
               : rill_js_error_of(RILL_JS_REQUIRED_API_LEVEL);
}

static struct rill_js_error read_expected(struct rill_bytes name, struct rill_bytes value,
                                          struct publish_headers *ret)
{
    if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Stream")))
        ret->expected_stream = value;
    else if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Last-Msg-Id")))
        ret->expected_last_msg_id = value;
    else if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Last-Sequence")))
        read_sequence(value, &ret->expects_last_sequence, &ret->expected_last_sequence);
    else if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Last-Subject-Sequence")))
        read_sequence(value, &ret->expects_subject_sequence, &ret->expected_subject_sequence);
    else if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Last-Subject-Sequence-Subject")))
        ret->expected_subject = value;
    else
        return rill_js_error_with(RILL_JS_STREAM_STORE_FAILED,
                                  "the header " RILL_PRI " is not implemented yet", RILL_ARG(name));
    return none;
}

static struct rill_js_error read_header(struct rill_bytes name, struct rill_bytes value,
                                        struct publish_headers *ret)
{
    if (rill_bytes_equal(name, RILL_BYTES("Nats-Msg-Id")))
        ret->msg_id = value;
    else if (rill_bytes_equal(name, RILL_BYTES("Nats-Rollup")))
        read_rollup(value, ret);
    else if (rill_bytes_equal(name, RILL_BYTES("Nats-TTL")))
        ret->ttl_is_wrong = !rill_message_ttl_parse(value, &ret->ttl_ns);
    else if (rill_bytes_equal(name, RILL_BYTES("Nats-Required-Api-Level")))
        return check_level(value);
    else if (rill_bytes_has_prefix(name, RILL_BYTES("Nats-Expected-")))
        return read_expected(name, value, ret);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (rill_bytes_equal_cstr(name, refusals[i].name))
            return rill_js_error_of(refusals[i].error);
    }
    return none;
}

struct rill_js_error publish_headers_read(struct rill_bytes block, struct publish_headers *ret)
{
    *ret = (struct publish_headers){0};
    struct rill_headers_cursor cursor = rill_headers_cursor_of(block);
    struct rill_bytes name;
    struct rill_bytes value;
    struct rill_js_error error = {0};
    while (!rill_js_error_is_set(&error) && rill_headers_next(&cursor, &name, &value)) {
        if (rill_bytes_has_prefix(name, RILL_BYTES("Nats-")))
            error = read_header(name, value, ret);
    }
    return error;
}

enum rill_err publish_headers_set_ttl(struct rill_bytes block, int64_t ttl_ns, struct rill_buf *out)
{
    struct rill_headers_cursor cursor = rill_headers_cursor_of(block);
    struct rill_bytes name;
    struct rill_bytes value;
    char text[32];
    const int len = snprintf(text, sizeof text, "%" PRId64, ttl_ns / RILL_NS_PER_S);
    enum rill_err err = rill_headers_begin(out, rill_bytes_of(NULL, 0));
    while (!err && rill_headers_next(&cursor, &name, &value)) {
        if (!rill_bytes_equal(name, RILL_BYTES("Nats-TTL")))
            err = rill_headers_add(out, name, value);
    }
    if (!err)
        err = rill_headers_add(out, RILL_BYTES("Nats-TTL"), rill_bytes_of(text, (size_t)len));
    return err ? err : rill_headers_end(out);
}
