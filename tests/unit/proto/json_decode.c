// SPDX-License-Identifier: Apache-2.0
#include "proto/json_codec.h"

#include "proto/jetstream.pb-c.h"
#include "proto/message.h"
#include "proto/rfc3339.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(json_decode);

static void *decode(const ProtobufCMessageDescriptor *type, enum rill_json_flags flags, const char *json)
{
    ProtobufCMessage *message = NULL;
    struct rill_error_text why = {.text = ""};
    cr_assert(eq(int, rill_json_decode(type, rill_bytes_from_cstr(json), flags, &message, &why), RILL_OK),
              "%s: %s", json, why.text);
    return message;
}

// A stream's configuration arrives with its enums by name, durations in nanoseconds, lists and nested
// messages.
Test(json_decode, every_kind_of_field_is_read)
{
    Rill__StreamCreateRequest *request = decode(
        &rill__stream_create_request__descriptor, RILL_JSON_STRICT,
        "{\"name\":\"ORDERS\",\"subjects\":[\"a\",\"b.>\"],\"retention\":\"workqueue\",\"max_age\":"
        "3600000000000,"
        "\"max_msg_size\":-1,\"sealed\":true,\"persist_mode\":\"async\",\"metadata\":{\"z\":\"1\",\"a\":"
        "\"2\"},"
        "\"mirror\":{\"name\":\"M\",\"opt_start_time\":\"2026-01-02T03:04:05.1Z\"},\"pedantic\":true}");
    const Rill__StreamConfig *config = request->inline_config;
    cr_expect(eq(str, config->name, "ORDERS"));
    cr_expect(eq(sz, config->n_subjects, 2));
    cr_expect(eq(str, config->subjects[1], "b.>"));
    cr_expect(config->retention == RILL__RETENTION__RETENTION_WORKQUEUE && config->max_msg_size == -1);
    cr_expect(config->persist_mode == RILL__PERSIST_MODE__PERSIST_MODE_ASYNC && config->has_persist_mode);
    cr_expect(eq(i64, config->max_age, INT64_C(3600000000000)));
    cr_expect(config->sealed);
    cr_expect(request->pedantic);
    cr_expect(eq(i64, config->mirror->opt_start_time->unix_ns, INT64_C(1767323045100000000)));
    cr_expect(eq(sz, config->n_metadata, 2));
    cr_expect(eq(str, config->metadata[0]->key, "a"));
    rill_message_free(&request->base);
}

// What a request leaves out is there with its default, deep inside too, so that the message can be packed.
Test(json_decode, absent_required_fields_get_their_defaults)
{
    Rill__StreamCreateRequest *request =
        decode(&rill__stream_create_request__descriptor, RILL_JSON_EMPTY_ALLOWED, " \n");
    cr_assert(request->inline_config != NULL && request->inline_config->consumer_limits != NULL);
    cr_expect(eq(str, request->inline_config->name, ""));
    cr_expect(not(request->has_pedantic));
    rill_message_free(&request->base);
    Rill__StreamConfig *config =
        decode(&rill__stream_config__descriptor, RILL_JSON_STRICT, "{\"sources\":[{}],\"description\":null}");
    cr_expect(eq(str, config->sources[0]->name, ""));
    cr_expect(config->description == NULL);
    cr_expect(protobuf_c_message_check(&config->base));
    rill_message_free(&config->base);
    Rill__StreamInfo *info = decode(&rill__stream_info__descriptor, RILL_JSON_STRICT, "{}");
    cr_expect(eq(i64, info->created->unix_ns, RILL_TIME_ZERO_NS));
    rill_message_free(&info->base);
}

// An optional field that holds its zero is as absent as one that was not sent.
Test(json_decode, an_optional_zero_is_absence)
{
    Rill__ConsumerCreateRequest *request =
        decode(&rill__consumer_create_request__descriptor, RILL_JSON_STRICT,
               "{\"action\":\"\",\"pedantic\":false,\"config\":{\"ack_wait\":0,\"durable_name\":\"\",\"max_"
               "deliver\":-1,"
               "\"deliver_policy\":\"last_per_subject\"}}");
    const Rill__ConsumerConfig *config = request->config;
    cr_expect(not(request->has_action || request->has_pedantic || config->has_ack_wait));
    cr_expect(config->durable_name == NULL);
    cr_expect(config->has_max_deliver && config->max_deliver == -1);
    cr_expect(config->deliver_policy == RILL__DELIVER_POLICY__DELIVER_POLICY_LAST_PER_SUBJECT);
    rill_message_free(&request->base);
}

// A response's bytes are base64 and its unknown fields may be ignored.
Test(json_decode, responses_of_a_newer_server_are_read)
{
    Rill__MsgGetResponse *response = decode(
        &rill__msg_get_response__descriptor, RILL_JSON_UNKNOWN_IGNORED,
        "{\"new\":{\"x\":[]},\"message\":{\"subject\":\"a\",\"seq\":7,\"data\":\"b3JkZXI=\",\"hdrs\":\"\"}}");
    const Rill__StoredMessage *message = response->message;
    cr_expect(message->has_data && !message->has_hdrs);
    cr_expect(rill_bytes_equal_cstr(rill_bytes_of(message->data.data, message->data.len), "order"));
    cr_expect(eq(str, response->type, "io.nats.jetstream.api.v1.stream_msg_get_response"));
    rill_message_free(&response->base);
}

static const struct {
    const char *json;
    const char *reason;
} wrong[] = {
    {"{\"name\":\"S\",\"x\":1}", "json: unknown field \"x\""},
    {"{\"inline_config\":{}}", "json: unknown field \"inline_config\""},
    {"{\"mirror\":{\"y\":null}}", "json: unknown field \"y\""},
    {"{\"max_msgs\":\"many\"}",
     "json: cannot unmarshal string into Go struct field StreamConfig.max_msgs of type int64"},
    {"{\"max_msgs\":1.5}",
     "json: cannot unmarshal number into Go struct field StreamConfig.max_msgs of type int64"},
    {"{\"max_msg_size\":2147483648}",
     "json: cannot unmarshal number into Go struct field StreamConfig.max_msg_size of type int32"},
    {"{\"first_seq\":-1}",
     "json: cannot unmarshal number into Go struct field StreamConfig.first_seq of type uint64"},
    {"{\"subjects\":\"a\"}",
     "json: cannot unmarshal string into Go struct field StreamConfig.subjects of type []string"},
    {"{\"subjects\":[\"a\",7]}",
     "json: cannot unmarshal number into Go struct field StreamConfig.subjects of type []string"},
    {"{\"metadata\":[]}",
     "json: cannot unmarshal array into Go struct field StreamConfig.metadata of type MetadataEntry"},
    {"{\"metadata\":{\"a\":\"1\",\"b\":true}}",
     "json: cannot unmarshal bool into Go struct field MetadataEntry.value of type string"},
    {"{\"sources\":[{\"name\":\"A\"},{\"name\":{}}]}",
     "json: cannot unmarshal object into Go struct field StreamSource.name of type string"},
    {"{\"retention\":\"forever\"}", "can not unmarshal \"forever\" into retention"},
    {"{\"retention\":\"\"}", "can not unmarshal \"\" into retention"},
    {"{\"mirror\":{\"opt_start_time\":\"soon\"}}",
     "parsing time \"soon\": not RFC 3339, or outside 1678 to 2261"},
    {"[]", "json: cannot unmarshal array into Go value of type StreamCreateRequest"},
    {"", "unexpected end of JSON input"},
};

// A wrong request is refused with a reason that names the field, and leaves no message behind.
Test(json_decode, reasons_name_the_field)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ProtobufCMessage *message = NULL;
        struct rill_error_text why = {.text = ""};
        cr_expect(eq(int,
                     rill_json_decode(&rill__stream_create_request__descriptor,
                                      rill_bytes_from_cstr(wrong[i].json), RILL_JSON_STRICT, &message, &why),
                     RILL_ERR_INVALID),
                  "%s", wrong[i].json);
        cr_expect(eq(str, why.text, (char *)wrong[i].reason));
        cr_expect(message == NULL, "%s", wrong[i].json);
    }
}

// Text that is no JSON at all is refused however deep it nests.
Test(json_decode, text_that_is_not_json_is_refused)
{
    char deep[5000];
    memset(deep, '[', sizeof deep);
    ProtobufCMessage *message = NULL;
    struct rill_error_text why = {.text = ""};
    cr_expect(eq(int,
                 rill_json_decode(&rill__stream_config__descriptor, rill_bytes_of(deep, sizeof deep),
                                  RILL_JSON_UNKNOWN_IGNORED, &message, &why),
                 RILL_ERR_INVALID));
    cr_expect(why.text[0] != '\0' && message == NULL);
}

// As in Go, a name in another letter case is the field's, unless there is one of exactly that name, and null is {}.
Test(json_decode, names_ignore_case_and_null_is_empty)
{
    Rill__StreamConfig *config = (Rill__StreamConfig *)decode(
        &rill__stream_config__descriptor, RILL_JSON_STRICT, "{\"NAME\":\"ORDERS\",\"Max_Age\":5}");
    cr_expect(eq(str, config->name, "ORDERS"));
    cr_expect(eq(i64, config->max_age, 5));
    rill_message_free(&config->base);
    config = (Rill__StreamConfig *)decode(&rill__stream_config__descriptor, RILL_JSON_STRICT, "null");
    cr_expect(eq(str, config->name, ""));
    rill_message_free(&config->base);
}
