// SPDX-License-Identifier: Apache-2.0
#include "proto/message.h"

#include "proto/jetstream.pb-c.h"
#include "proto/json_codec.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(message);

static ProtobufCMessage *config_of(const char *json)
{
    ProtobufCMessage *message = NULL;
    struct rill_error_text why;
    cr_assert(eq(int,
                 rill_json_decode(&rill__stream_config__descriptor, rill_bytes_from_cstr(json),
                                  RILL_JSON_STRICT, &message, &why),
                 RILL_OK),
              "%s", why.text);
    return message;
}

// A message comes back from its packed form, and its copy lives on by itself.
Test(message, packing_keeps_the_meaning)
{
    ProtobufCMessage *original =
        config_of("{\"name\":\"ORDERS\",\"subjects\":[\"orders.>\"],\"metadata\":{\"a\":\"b\"}}");
    struct rill_buf packed;
    rill_buf_init(&packed, 4096);
    cr_assert(eq(int, rill_message_pack(original, &packed), RILL_OK));
    ProtobufCMessage *back = NULL;
    cr_assert(eq(int, rill_message_unpack(original->descriptor, rill_buf_bytes(&packed), &back), RILL_OK));
    ProtobufCMessage *copy = rill_message_copy(original);
    cr_expect(rill_message_equal(original, back));
    rill_message_free(original);
    cr_expect(rill_message_equal(copy, back));
    rill_message_free(copy);
    rill_message_free(back);
    rill_buf_fini(&packed);
}

// Configurations that mean the same are equal however they were written.
Test(message, equality_is_that_of_meaning)
{
    ProtobufCMessage *a = config_of(
        "{\"name\":\"S\",\"no_ack\":false,\"description\":\"\",\"metadata\":{\"x\":\"1\",\"y\":\"2\"}}");
    ProtobufCMessage *b =
        config_of("{\"metadata\":{\"y\":\"2\",\"x\":\"1\"},\"subjects\":[],\"name\":\"S\",\"max_msgs\":0}");
    ProtobufCMessage *c = config_of("{\"name\":\"S\",\"metadata\":{\"x\":\"1\",\"y\":\"3\"}}");
    cr_expect(rill_message_equal(a, b));
    cr_expect(not(rill_message_equal(a, c)));
    rill_message_free(a);
    rill_message_free(b);
    rill_message_free(c);
}

// Damaged bytes are reported and give no message.
Test(message, damaged_bytes_are_refused)
{
    ProtobufCMessage *message = NULL;
    cr_expect(eq(int,
                 rill_message_unpack(&rill__stream_config__descriptor, RILL_BYTES("\xFF\xFF\xFF"), &message),
                 RILL_ERR_DAMAGED));
    cr_expect(eq(int, rill_message_unpack(&rill__stream_config__descriptor, RILL_BYTES(""), &message),
                 RILL_ERR_DAMAGED));
    cr_expect(message == NULL);
}
