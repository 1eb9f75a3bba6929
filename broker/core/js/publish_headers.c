// SPDX-License-Identifier: Apache-2.0
#include "publish_headers.h"

#include "proto/headers.h"

#include <inttypes.h>

/* Headers that ask for something which a stream must be configured for; Rill refuses such configurations, so these get
   what NATS answers for a stream without them. */
static const struct refusal {
    const char *name;
    enum rill_js_error_id error;
} refusals[] = {
    {"Nats-TTL", RILL_JS_MESSAGE_TTL_DISABLED},
    {"Nats-Incr", RILL_JS_MESSAGE_COUNTER_DISABLED},
    {"Nats-Batch-Id", RILL_JS_ATOMIC_PUBLISH_DISABLED},
    {"Nats-Schedule", RILL_JS_MESSAGE_SCHEDULES_DISABLED},
};

static struct rill_js_error not_yet(struct rill_bytes name)
{
    return rill_js_error_with(RILL_JS_STREAM_STORE_FAILED, "the header " RILL_PRI " is not implemented yet",
                              RILL_ARG(name));
}

static struct rill_js_error read_expected(struct rill_bytes name, struct rill_bytes value,
                                          struct publish_headers *ret)
{
    const struct rill_js_error none = {0};
    if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Stream"))) {
        ret->expected_stream = value;
    } else if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Last-Msg-Id"))) {
        ret->expected_last_msg_id = value;
        ret->expects_last_msg_id = true;
    } else if (rill_bytes_equal(name, RILL_BYTES("Nats-Expected-Last-Sequence"))) {
        // What is no number can match no sequence.
        if (!rill_bytes_to_u64(value, UINT64_MAX, &ret->expected_last_sequence))
            ret->expected_last_sequence = UINT64_MAX;
        ret->expects_last_sequence = true;
    } else {
        return not_yet(name);
    }
    return none;
}

static struct rill_js_error read_header(struct rill_bytes name, struct rill_bytes value,
                                        struct publish_headers *ret)
{
    const struct rill_js_error none = {0};
    if (rill_bytes_equal(name, RILL_BYTES("Nats-Msg-Id"))) {
        ret->msg_id = value;
        return none;
    }
    if (rill_bytes_has_prefix(name, RILL_BYTES("Nats-Expected-")))
        return read_expected(name, value, ret);
    if (rill_bytes_equal(name, RILL_BYTES("Nats-Rollup")))
        return rill_js_error_with(RILL_JS_ROLLUP_FAILED, "rollup not permitted");
    uint64_t level;
    if (rill_bytes_equal(name, RILL_BYTES("Nats-Required-Api-Level")) &&
        (!rill_bytes_to_u64(value, UINT64_MAX, &level) || level > 0))
        return rill_js_error_of(RILL_JS_REQUIRED_API_LEVEL);
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
