// SPDX-License-Identifier: Apache-2.0
#include "proto/json_codec.h"

#include "proto/jetstream.pb-c.h"
#include "proto/message.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(json_encode);

static void expect_json(const ProtobufCMessage *message, const char *wanted)
{
    struct rill_buf json;
    rill_buf_init(&json, 16384);
    cr_assert(eq(int, rill_json_encode(message, &json), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&json), wanted), RILL_PRI, RILL_ARG(json));
    rill_buf_fini(&json);
}

// A publish's answer has what is required and what is set, and nothing else.
Test(json_encode, optional_fields_appear_when_they_say_something)
{
    Rill__PubAck ack = RILL__PUB_ACK__INIT;
    ack.stream = "S";
    ack.seq = UINT64_MAX;
    ack.has_duplicate = true;
    ack.domain = "";
    expect_json(&ack.base, "{\"stream\":\"S\",\"seq\":18446744073709551615}");
    ack.duplicate = true;
    ack.domain = "hub";
    expect_json(&ack.base,
                "{\"stream\":\"S\",\"seq\":18446744073709551615,\"domain\":\"hub\",\"duplicate\":true}");
}

// Lists with numbers from 1000 are written even when they are empty, the others are not.
Test(json_encode, paged_lists_appear_even_when_empty)
{
    Rill__StreamListResponse response = RILL__STREAM_LIST_RESPONSE__INIT;
    expect_json(&response.base,
                "{\"type\":\"io.nats.jetstream.api.v1.stream_list_response\",\"total\":0,\"offset\":0,"
                "\"limit\":0,\"streams\":[]}");
}

// Required messages that nobody set are written in their empty form, so that a client finds the field.
Test(json_encode, required_messages_are_always_written)
{
    Rill__StreamState state = RILL__STREAM_STATE__INIT;
    state.first_seq = 2;
    state.last_seq = 1;
    expect_json(&state.base,
                "{\"messages\":0,\"bytes\":0,\"first_seq\":2,\"first_ts\":\"0001-01-01T00:00:00Z\","
                "\"last_seq\":1,\"last_ts\":\"0001-01-01T00:00:00Z\",\"consumer_count\":0}");
}

// Maps are objects, and a number in one is written even when it is zero.
Test(json_encode, maps_are_objects)
{
    Rill__StreamState__SubjectsEntry a = RILL__STREAM_STATE__SUBJECTS_ENTRY__INIT, b = a;
    Rill__StreamState__SubjectsEntry *entries[] = {&a, &b};
    Rill__Timestamp time = RILL__TIMESTAMP__INIT;
    Rill__StreamState state = RILL__STREAM_STATE__INIT;
    a.key = "orders.>";
    b.key = "stock";
    b.has_value = true;
    b.value = 3;
    state.subjects = entries;
    state.n_subjects = 2;
    state.first_ts = state.last_ts = &time;
    expect_json(
        &state.base,
        "{\"messages\":0,\"bytes\":0,\"first_seq\":0,\"first_ts\":\"1970-01-01T00:00:00Z\",\"last_seq\":0,"
        "\"last_ts\":\"1970-01-01T00:00:00Z\",\"subjects\":{\"orders.\\u003e\":0,\"stock\":3},"
        "\"consumer_count\":0}");
}

static const struct {
    struct rill_bytes text;
    const char *json;
    const char *why;
} strings[] = {
    {RILL_BYTES("plain"), "\"plain\"", "nothing to escape"},
    {RILL_BYTES("a\"b\\c/"), "\"a\\\"b\\\\c/\"", "quote and backslash"},
    {RILL_BYTES("<a>&"), "\"\\u003ca\\u003e\\u0026\"", "what HTML would read"},
    {RILL_BYTES("\n\r\t\b\f\x01\x1f\x7f"), "\"\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\"", "control characters"},
    {RILL_BYTES("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"", "UTF-8"},
    {RILL_BYTES("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"), "\"\\u2028\\u2029\xE2\x80\xAA\"", "line separators"},
    {RILL_BYTES("a\xFF\xC0\x80z"), "\"a\\ufffd\\ufffd\\ufffdz\"", "wrong bytes"},
    {RILL_BYTES("\xED\xA0\x80"), "\"\\ufffd\\ufffd\\ufffd\"", "a surrogate half"},
    {RILL_BYTES("\xE2\x82"), "\"\\ufffd\\ufffd\"", "a cut sequence"},
    {RILL_BYTES("a\0b"), "\"a\\u0000b\"", "a NUL"},
};

// Strings are escaped as Go does it, whatever bytes they hold.
Test(json_encode, strings_are_escaped_as_go_does)
{
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct rill_buf json;
        rill_buf_init(&json, 256);
        cr_assert(eq(int, rill_json_append_string(&json, strings[i].text), RILL_OK));
        cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&json), strings[i].json), "%s", strings[i].why);
        rill_buf_fini(&json);
    }
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *json;
} round_trips[] = {
    {&rill__stream_create_response__descriptor,
     "{\"type\":\"io.nats.jetstream.api.v1.stream_create_response\",\"config\":{\"name\":\"S\",\"subjects\":["
     "\"s\"],"
     "\"retention\":\"limits\",\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1,\"max_age\":0,"
     "\"max_msgs_per_subject\":-1,\"max_msg_size\":-1,\"discard\":\"old\",\"storage\":\"file\",\"num_"
     "replicas\":1,"
     "\"duplicate_window\":120000000000,\"compression\":\"none\",\"allow_direct\":false,\"mirror_direct\":"
     "false,"
     "\"sealed\":false,\"deny_delete\":false,\"deny_purge\":false,\"allow_rollup_hdrs\":false,\"consumer_"
     "limits\":{}},"
     "\"created\":\"2026-11-23T08:00:00.123456789Z\",\"state\":{\"messages\":1,\"bytes\":35,\"first_seq\":1,"
     "\"first_ts\":\"2026-11-23T08:00:00.5Z\",\"last_seq\":1,\"last_ts\":\"2026-11-23T08:00:00.5Z\","
     "\"deleted\":[3,4],\"consumer_count\":0},\"did_create\":true}"},
    {&rill__consumer_create_request__descriptor,
     "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"w\",\"deliver_policy\":\"by_start_sequence\","
     "\"opt_start_seq\":5,\"ack_policy\":\"explicit\",\"ack_wait\":30000000000,\"backoff\":[1,2],"
     "\"replay_policy\":\"instant\",\"num_replicas\":0,\"pause_until\":\"0001-01-01T00:00:00Z\","
     "\"priority_policy\":\"pinned_client\",\"metadata\":{\"a\":\"1\",\"b\":\"2\"}},\"action\":\"create\"}"},
    {&rill__account_info_response__descriptor,
     "{\"type\":\"io.nats.jetstream.api.v1.account_info_response\",\"memory\":0,\"storage\":1,\"reserved_"
     "memory\":0,"
     "\"reserved_storage\":0,\"streams\":1,\"consumers\":2,\"limits\":{\"max_memory\":-1,\"max_storage\":-1,"
     "\"max_streams\":-1,\"max_consumers\":-1,\"max_ack_pending\":-1,\"memory_max_stream_bytes\":-1,"
     "\"storage_max_stream_bytes\":-1,\"max_bytes_required\":false},\"api\":{\"level\":0,\"total\":3,"
     "\"errors\":0}}"},
    {&rill__msg_get_response__descriptor,
     "{\"type\":\"io.nats.jetstream.api.v1.stream_msg_get_response\",\"message\":{\"subject\":\"s\",\"seq\":"
     "1,"
     "\"hdrs\":\"TkFUUy8xLjANCg0K\",\"data\":\"aGk=\",\"time\":\"2026-11-23T08:00:00Z\"}}"},
};

// JSON as the broker writes it is read and written again to the same bytes.
Test(json_encode, written_json_reads_back_to_the_same)
{
    for (size_t i = 0; i < sizeof round_trips / sizeof round_trips[0]; i++) {
        ProtobufCMessage *message = NULL;
        struct rill_error_text why = {.text = ""};
        cr_assert(eq(int,
                     rill_json_decode(round_trips[i].type, rill_bytes_from_cstr(round_trips[i].json),
                                      RILL_JSON_STRICT, &message, &why),
                     RILL_OK),
                  "%s", why.text);
        expect_json(message, round_trips[i].json);
        rill_message_free(message);
    }
}

// A buffer that is too small is left as it was, at whatever byte the room ends.
Test(json_encode, a_full_buffer_is_left_alone)
{
    Rill__PubAck ack = RILL__PUB_ACK__INIT;
    ack.stream = "ORDERS<>";
    for (size_t max = 1; max < 36; max++) {
        struct rill_buf json;
        rill_buf_init(&json, max);
        cr_assert(eq(int, rill_buf_append(&json, RILL_BYTES("#")), RILL_OK));
        cr_expect(eq(int, rill_json_encode(&ack.base, &json), RILL_ERR_LIMIT), "%zu", max);
        cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&json), "#"), "%zu", max);
        rill_buf_fini(&json);
    }
}
