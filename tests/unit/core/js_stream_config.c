// SPDX-License-Identifier: Apache-2.0
//
// A row for each rule about a stream's configuration. The numbers and words are nats-server's.
#include "stream_config.h"

#include "proto/json_codec.h"
#include "proto/message.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct rill_jetstream_limits no_limits;

static Rill__StreamCreateRequest *decode(const char *json)
{
    ProtobufCMessage *message = NULL;
    struct rill_error_text why;
    cr_assert(eq(int,
                 rill_json_decode(&rill__stream_create_request__descriptor, rill_bytes_from_cstr(json),
                                  RILL_JSON_STRICT, &message, &why),
                 RILL_OK),
              "%s: %s", json, why.text);
    return (Rill__StreamCreateRequest *)message;
}

static struct rill_js_error check(Rill__StreamCreateRequest *request,
                                  const struct rill_jetstream_limits *limits)
{
    struct rill_js_error error = stream_config_check_create(request->inline_config, RILL_BYTES("S"));
    if (!rill_js_error_is_set(&error))
        error = stream_config_check(request->inline_config, limits, request->pedantic);
    return error;
}

static struct rill_js_error check_json(const char *json, const struct rill_jetstream_limits *limits)
{
    Rill__StreamCreateRequest *request = decode(json);
    const struct rill_js_error error = check(request, limits);
    rill_message_free(&request->base);
    return error;
}

struct rule {
    const char *json; // the fields behind the name
    uint16_t err_code;
    const char *text; // a part of it
};

static void expect_rules(const struct rule *rules, size_t count, const struct rill_jetstream_limits *limits)
{
    for (size_t i = 0; i < count; i++) {
        char json[1024];
        (void)snprintf(json, sizeof json, "{\"name\":\"S\"%s%s}", rules[i].json[0] ? "," : "", rules[i].json);
        const struct rill_js_error error = check_json(json, limits);
        cr_expect(eq(int, error.err_code, rules[i].err_code), "%s: %s", json, error.description);
        cr_expect(ne(ptr, strstr(error.description, rules[i].text), NULL), "%s: %s", json, error.description);
    }
}

#define EXPECT_RULES(rules, limits) expect_rules(rules, sizeof(rules) / sizeof((rules)[0]), limits)

// Each rule about what a stream may be is told with nats-server's number and words.
Test(stream_config, each_rule_is_told)
{
    static const struct rule rules[] = {
        {"\"num_replicas\":-1", 10133, "replicas count cannot be negative"},
        {"\"num_replicas\":3", 10074, "replicas > 1 not supported in non-clustered mode"},
        {"\"sealed\":true", 10052, "stream configuration for create can not be sealed"},
        {"\"mirror_direct\":true", 10052, "stream has no mirror but does have mirror direct"},
        {"\"max_age\":-1", 10052, "max age can not be negative"},
        {"\"max_age\":99999999", 10052, "max age needs to be >= 100ms"},
        {"\"duplicate_window\":-1", 10052, "duplicates window can not be negative"},
        {"\"duplicate_window\":99999999", 10052, "duplicates window needs to be >= 100ms"},
        {"\"duplicate_window\":200000000,\"max_age\":100000000", 10052,
         "duplicates window can not be larger then max age"},
        {"\"deny_purge\":true,\"allow_rollup_hdrs\":true", 10052, "roll-ups require the purge permission"},
        {"\"discard_new_per_subject\":true,\"max_msgs_per_subject\":1", 10052,
         "discard new per subject requires discard new policy to be set"},
        {"\"discard_new_per_subject\":true,\"discard\":\"new\"", 10052,
         "discard new per subject requires max msgs per subject > 0"},
        {"\"subject_delete_marker_ttl\":-1", 10052, "subject delete marker TTL must not be negative"},
        {"\"subject_delete_marker_ttl\":1", 10052, "subject delete marker TTL must be at least 1 second"},
        {"\"allow_msg_counter\":true,\"discard\":\"new\"", 10052, "counter stream cannot use discard new"},
        {"\"allow_msg_counter\":true,\"allow_msg_ttl\":true", 10052,
         "counter stream cannot use message TTLs"},
        {"\"allow_msg_counter\":true,\"allow_msg_schedules\":true", 10052,
         "counter stream cannot use message schedules"},
        {"\"allow_msg_counter\":true,\"retention\":\"interest\"", 10052,
         "counter stream can only use limits retention"},
        {"\"allow_msg_schedules\":true,\"discard\":\"new\"", 10052,
         "message scheduling cannot use discard new"},
        {"\"persist_mode\":\"async\",\"storage\":\"memory\"", 10052,
         "async persist mode is only supported on file storage"},
        {"\"persist_mode\":\"async\",\"allow_atomic\":true", 10052,
         "async persist mode is not supported with atomic batch publish"},
        {"\"placement\":{\"preferred\":\"a\"}", 10052, "preferred server not permitted in placement"},
    };
    EXPECT_RULES(rules, &no_limits);
    Rill__StreamCreateRequest *request = decode("{\"name\":\"S\",\"num_replicas\":6}");
    const struct rill_js_error error = stream_config_check(request->inline_config, &no_limits, false);
    cr_expect(eq(str, (char *)error.description, "maximum replicas is 5")); // of an update
    rill_message_free(&request->base);
}

// So are those about subjects, what is made of them, and where they go on to.
Test(stream_config, each_rule_about_subjects_is_told)
{
    static const struct rule rules[] = {
        {"\"subjects\":[\"a..b\"]", 10052, "invalid subject"},
        {"\"subjects\":[\"a\",\"a\"]", 10052, "duplicate subjects detected"},
        {"\"subjects\":[\"a.*\",\"a.b\"]", 10052, "subject \"a.*\" overlaps with \"a.b\""},
        {"\"subjects\":[\">\"]", 10052, "capturing all subjects requires no-ack to be true"},
        {"\"subjects\":[\"$JS.API.>\"]", 10052,
         "subjects that overlap with jetstream api require no-ack to be true"},
        {"\"subjects\":[\"$JSC.a\"]", 10052, "subjects that overlap with jetstream api"},
        {"\"subjects\":[\"$NRG.a\"]", 10052, "subjects that overlap with jetstream api"},
        {"\"subjects\":[\"$SYS.REQ.a\"]", 10052,
         "subjects that overlap with system api require no-ack to be true"},
        {"\"subject_transform\":{\"src\":\"a..b\",\"dest\":\"c\"}", 10155,
         "stream transform source: invalid subject a..b"},
        {"\"subject_transform\":{\"src\":\"a.*\",\"dest\":\"b.$2\"}", 10156, "stream transform: "},
        {"\"republish\":{\"dest\":\"S\"}", 10052,
         "stream configuration for republish destination forms a cycle"},
        {"\"republish\":{\"src\":\"a.*\",\"dest\":\"b.$2\"}", 10052,
         "stream configuration for republish with transform from 'a.*' to 'b.$2' not valid"},
    };
    EXPECT_RULES(rules, &no_limits);
}

// And those about streams that follow others.
Test(stream_config, each_rule_about_mirrors_and_sources_is_told)
{
    static const struct rule rules[] = {
        {"\"mirror\":{\"name\":\"T\"},\"first_seq\":5", 10143, "first sequence"},
        {"\"mirror\":{\"name\":\"T\"},\"subjects\":[\"a\"]", 10034, "can not contain subjects"},
        {"\"mirror\":{\"name\":\"T\"},\"sources\":[{\"name\":\"U\"}]", 10031, "other sources"},
        {"\"mirror\":{\"name\":\"T\"},\"allow_msg_counter\":true", 10173, "calculate counters"},
        {"\"mirror\":{\"name\":\"T\"},\"allow_atomic\":true", 10198, "atomic publishing"},
        {"\"mirror\":{\"name\":\"T\"},\"allow_batched\":true", 10209, "batch publishing"},
        {"\"mirror\":{\"name\":\"T\"},\"allow_msg_schedules\":true", 10186, "schedule messages"},
        {"\"mirror\":{\"name\":\"T\"},\"subject_delete_marker_ttl\":1000000000", 10052,
         "subject delete markers forbidden on mirrors"},
        {"\"mirror\":{\"name\":\"a.b\"}", 10142, "mirrored stream name is invalid"},
        {"\"sources\":[{\"name\":\"a.b\"}]", 10141, "sourced stream name is invalid"},
        {"\"sources\":[{\"name\":\"T\"},{\"name\":\"T\"}]", 10140, "duplicate source"},
        {"\"sources\":[{\"name\":\"T\"}],\"allow_msg_schedules\":true", 10187, "schedule messages"},
    };
    EXPECT_RULES(rules, &no_limits);
}

// A pedantic request is refused where anything would be adjusted silently.
Test(stream_config, pedantic_requests_are_not_adjusted)
{
    static const struct rill_jetstream_limits limits = {.duplicate_window_ns_max = 1000000000};
    static const struct rule rules[] = {
        {"\"pedantic\":true,\"max_msgs\":-2,\"duplicate_window\":1000000000", 10157,
         "pedantic mode: max_msgs must be set to -1"},
        {"\"pedantic\":true,\"max_msgs_per_subject\":-2", 10157, "max_msgs_per_subject must be set to -1"},
        {"\"pedantic\":true,\"max_bytes\":-2", 10157, "max_bytes must be set to -1"},
        {"\"pedantic\":true,\"max_msg_size\":-2", 10157, "max_msg_size must be set to -1"},
        {"\"pedantic\":true,\"max_consumers\":-2", 10157, "max_consumers must be set to -1"},
        {"\"pedantic\":true", 10157, "duplicate window limits are higher than current limits"},
        {"\"duplicate_window\":1000000001", 10052,
         "duplicates window can not be larger then server limit of 1000000000ns"},
        {"\"pedantic\":true,\"duplicate_window\":1000000000,\"republish\":{\"dest\":\"b.>\"}", 10157,
         "republish source can not be empty"},
        {"\"pedantic\":true,\"duplicate_window\":1000000000,\"subject_delete_marker_ttl\":1000000000", 10052,
         "subject delete marker cannot be set if message TTLs are disabled"},
        {"\"pedantic\":true,\"duplicate_window\":1000000000,\"subject_delete_marker_ttl\":1000000000,"
         "\"allow_msg_ttl\":true",
         10052, "subject delete marker cannot be set if roll-ups are disabled"},
        {"\"pedantic\":true,\"duplicate_window\":1000000000,\"allow_msg_schedules\":true", 10052,
         "message scheduling cannot be set if roll-ups are disabled"},
    };
    static const struct rule window[] = {
        {"\"pedantic\":true,\"max_age\":100000000", 10157, "duplicate window cannot be bigger than max age"},
    };
    EXPECT_RULES(rules, &limits);
    EXPECT_RULES(window, &no_limits);
}

static void expect_name(const char *json, uint16_t err_code, const char *text)
{
    const struct rill_js_error error = check_json(json, &no_limits);
    cr_expect(eq(int, error.err_code, err_code), "%s: %s", json, error.description);
    cr_expect(ne(ptr, strstr(error.description, text), NULL), "%s: %s", json, error.description);
}

/* A description or a metadata value of this length. */
static void expect_length(const char *before, const char *behind, size_t len, const char *text)
{
    char *value = malloc(len + 1);
    char *json = malloc(len + 200);
    cr_assert(value && json);
    memset(value, 'x', len);
    value[len] = 0;
    (void)snprintf(json, len + 200, "%s%s%s", before, value, behind);
    const struct rill_js_error error = check_json(json, &no_limits);
    cr_expect(eq(int, error.err_code, text ? 10052 : 0), "%zu: %s", len, error.description);
    if (text)
        cr_expect(eq(str, (char *)error.description, (char *)text));
    free(value);
    free(json);
}

// Names are tokens of a subject and of a path; texts have a length.
Test(stream_config, names_and_texts_have_their_rules)
{
    expect_name("{\"name\":\"T\"}", 10056, "stream name in subject does not match request");
    expect_name("{}", 10056, "stream name in subject does not match request");
    expect_length("{\"name\":\"S\",\"description\":\"", "\"}", 4096, NULL);
    expect_length("{\"name\":\"S\",\"description\":\"", "\"}", 4097,
                  "stream description is too long, maximum allowed is 4096");
    expect_length("{\"name\":\"S\",\"metadata\":{\"k\":\"", "\"}}", 128 * 1024 - 1, NULL);
    expect_length("{\"name\":\"S\",\"metadata\":{\"k\":\"", "\"}}", 128 * 1024,
                  "stream metadata exceeds maximum size of 131072 bytes");
    static const char *const names[] = {"a.b", "a*", "a>", "a b", "a\\\\b", "a/b", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char json[64];
        (void)snprintf(json, sizeof json, "{\"name\":\"%s\"}", names[i]);
        Rill__StreamCreateRequest *request = decode(json);
        const struct rill_js_error error = stream_config_check(request->inline_config, &no_limits, false);
        cr_expect(eq(int, error.err_code, 10052), "%s", names[i]);
        cr_expect(ne(ptr, strstr(error.description, "stream name is required and can not contain"), NULL));
        rill_message_free(&request->base);
    }
    Rill__StreamCreateRequest *request = decode("{\"name\":\"a/b\"}");
    cr_expect(eq(int, stream_config_check_create(request->inline_config, RILL_BYTES("a/b")).err_code, 10128));
    rill_message_free(&request->base);
}

// A name has at most 255 bytes.
Test(stream_config, names_have_a_length)
{
    for (int len = 255; len <= 256; len++) {
        char json[300];
        (void)snprintf(json, sizeof json, "{\"name\":\"%0*d\"}", len, 0);
        Rill__StreamCreateRequest *request = decode(json);
        const struct rill_js_error error = stream_config_check(request->inline_config, &no_limits, false);
        cr_expect(eq(int, error.err_code, len == 255 ? 0 : 10052), "%d: %s", len, error.description);
        rill_message_free(&request->base);
    }
}

// What is not there yet is refused by its name, whatever else is right.
Test(stream_config, what_is_not_there_yet_is_named)
{
    static const struct {
        const char *json;
        const char *text;
    } rows[] = {
        {"{\"name\":\"S\",\"mirror\":{\"name\":\"T\"}}", "mirror is not implemented yet"},
        {"{\"name\":\"S\",\"sources\":[{\"name\":\"T\"}]}", "sources is not implemented yet"},
        {"{\"name\":\"S\",\"allow_msg_counter\":true}", "allow_msg_counter is not implemented yet"},
        {"{\"name\":\"S\",\"allow_atomic\":true}", "allow_atomic is not implemented yet"},
        {"{\"name\":\"S\",\"allow_msg_schedules\":true}", "allow_msg_schedules is not implemented yet"},
        {"{\"name\":\"S\",\"allow_batched\":true}", "allow_batched is not implemented yet"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Rill__StreamCreateRequest *request = decode(rows[i].json);
        cr_expect(eq(int, check(request, &no_limits).err_code, 0), "%s", rows[i].json);
        const struct rill_js_error error = stream_config_check_not_yet(request->inline_config);
        cr_expect(eq(int, error.err_code, 10052), "%s", rows[i].json);
        cr_expect(eq(str, (char *)error.description, (char *)rows[i].text));
        rill_message_free(&request->base);
    }
}

// What was left out is filled in as nats-server does, so what is shown is what holds.
Test(stream_config, defaults_are_filled_in)
{
    Rill__StreamCreateRequest *request =
        decode("{\"name\":\"S\",\"max_msgs\":-7,\"metadata\":{\"_nats.ver\":\"2\",\"mine\":\"1\"},"
               "\"placement\":{}}");
    const Rill__StreamConfig *config = request->inline_config;
    const struct rill_js_error error = check(request, &no_limits);
    cr_assert(eq(int, error.err_code, 0), "%s", error.description);
    cr_expect(eq(i64, config->max_msgs, -1));
    cr_expect(eq(i64, config->max_bytes, -1));
    cr_expect(eq(i64, config->max_msgs_per_subject, -1));
    cr_expect(eq(i64, config->max_consumers, -1));
    cr_expect(eq(i32, config->max_msg_size, -1));
    cr_expect(eq(i32, config->num_replicas, 1));
    cr_expect(eq(i64, config->duplicate_window, 120000000000));
    cr_expect(eq(sz, config->n_subjects, 1));
    cr_expect(eq(str, config->subjects[0], "S"));
    cr_expect(eq(sz, config->n_metadata, 1));
    cr_expect(eq(str, config->metadata[0]->key, "mine"));
    cr_expect(eq(ptr, config->placement, NULL));
    rill_message_free(&request->base);
}

// Some of what is left out follows from what was given: the window for ids from the limits on age, delete markers
// from the time that they live.
Test(stream_config, some_defaults_follow_from_others)
{
    static const struct rill_jetstream_limits limits = {.duplicate_window_ns_max = 3000000000};
    static const struct {
        const char *json;
        const struct rill_jetstream_limits *limits;
        int64_t window_ns;
    } rows[] = {
        {"{\"name\":\"S\",\"max_age\":5000000000}", &no_limits, 5000000000},
        {"{\"name\":\"S\",\"max_age\":600000000000}", &no_limits, 120000000000},
        {"{\"name\":\"S\",\"max_age\":5000000000}", &limits, 3000000000},
        {"{\"name\":\"S\"}", &limits, 3000000000},
        {"{\"name\":\"S\",\"mirror\":{\"name\":\"T\"}}", &no_limits, 0},
        {"{\"name\":\"S\",\"sources\":[{\"name\":\"T\"}]}", &no_limits, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Rill__StreamCreateRequest *request = decode(rows[i].json);
        cr_expect(eq(int, check(request, rows[i].limits).err_code, 0));
        cr_expect(eq(i64, request->inline_config->duplicate_window, rows[i].window_ns), "%s", rows[i].json);
        rill_message_free(&request->base);
    }
    Rill__StreamCreateRequest *request =
        decode("{\"name\":\"S\",\"subject_delete_marker_ttl\":1000000000,\"deny_purge\":true}");
    cr_expect(eq(int, check(request, &no_limits).err_code, 0));
    cr_expect(request->inline_config->allow_msg_ttl);
    cr_expect(request->inline_config->allow_rollup_hdrs);
    cr_expect(not(request->inline_config->deny_purge));
    rill_message_free(&request->base);
}

// A republish from everything to everything follows the transform of a stream that takes nothing else.
Test(stream_config, a_republish_may_follow_the_transform)
{
    static const char fields[] =
        "\"name\":\"S\",\"subjects\":[\"a.>\"],\"subject_transform\":{\"src\":\"a.>\","
        "\"dest\":\"b.>\"},\"republish\":{\"src\":\">\",\"dest\":\">\"}";
    char json[512];
    (void)snprintf(json, sizeof json, "{%s}", fields);
    Rill__StreamCreateRequest *request = decode(json);
    cr_expect(eq(int, check(request, &no_limits).err_code, 0));
    cr_expect(eq(str, request->inline_config->republish->src, "b.>"));
    cr_expect(eq(str, request->inline_config->republish->dest, "b.>"));
    rill_message_free(&request->base);
    (void)snprintf(json, sizeof json, "{%s,\"pedantic\":true}", fields);
    const struct rill_js_error error = check_json(json, &no_limits);
    cr_expect(eq(int, error.err_code, 10157), "%s", error.description);
}

// Streams may listen to the broker's subjects when they do not answer, and to its events in any case.
Test(stream_config, reserved_subjects_are_free_for_those_who_do_not_answer)
{
    static const struct rule rules[] = {
        {"\"subjects\":[\">\"],\"no_ack\":true", 0, ""},
        {"\"subjects\":[\"$JS.API.>\"],\"no_ack\":true", 0, ""},
        {"\"subjects\":[\"$JS.EVENT.ADVISORY.>\"]", 0, ""},
        {"\"subjects\":[\"$SYS.ACCOUNT.a\"]", 0, ""},
        {"\"metadata\":{\"k\":null}", 0, ""},
    };
    EXPECT_RULES(rules, &no_limits);
}

// Each rule about what a stream may become.
Test(stream_config, each_rule_about_updates_is_told)
{
    static const struct {
        const char *old;
        const char *config;
        uint16_t err_code;
        const char *text;
    } rules[] = {
        {"", "\"description\":\"x\"", 0, ""},
        {"", "\"max_consumers\":5", 0, ""},
        {"\"retention\":\"limits\"", "\"retention\":\"interest\"", 0, ""},
        {"\"retention\":\"limits\"", "\"retention\":\"workqueue\"", 10052,
         "can not change retention policy to/from workqueue"},
        {"\"retention\":\"workqueue\"", "\"retention\":\"limits\"", 10052,
         "can not change retention policy to/from workqueue"},
        {"", "\"storage\":\"memory\"", 10052, "can not change storage type"},
        {"", "\"num_replicas\":3", 10074, "replicas > 1"},
        {"", "\"first_seq\":3", 10052, "can not change first sequence"},
        {"\"sealed\":true", "", 10052, "can not unseal a sealed stream"},
        {"\"deny_delete\":true", "", 10052, "can not cancel deny message deletes"},
        {"\"deny_purge\":true", "", 10052, "can not cancel deny purge"},
        {"\"mirror\":{\"name\":\"T\"}", "\"mirror\":{\"name\":\"U\"}", 10055, "can not be updated"},
        {"\"mirror\":{\"name\":\"T\"}", "", 0, ""},
        {"\"allow_msg_ttl\":true", "", 10052, "message TTL status can not be disabled"},
        {"\"allow_msg_counter\":true", "", 10052, "can not change message counter setting"},
        {"\"allow_msg_schedules\":true", "", 10052, "message schedules can not be disabled"},
        {"", "\"persist_mode\":\"async\"", 10052, "can not change persist mode"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        char json[2][512];
        const char *fields[] = {rules[i].old, rules[i].config};
        Rill__StreamCreateRequest *requests[2];
        for (size_t j = 0; j < 2; j++) {
            (void)snprintf(json[j], sizeof json[j], "{\"name\":\"S\"%s%s}", fields[j][0] ? "," : "",
                           fields[j]);
            requests[j] = decode(json[j]);
        }
        const struct rill_js_error error =
            stream_config_check_update(requests[1]->inline_config, requests[0]->inline_config);
        cr_expect(eq(int, error.err_code, rules[i].err_code), "%s: %s", json[1], error.description);
        cr_expect(ne(ptr, strstr(error.description, rules[i].text), NULL), "%s", error.description);
        rill_message_free(&requests[0]->base);
        rill_message_free(&requests[1]->base);
    }
}

// Sealing says what it means: nothing comes, nothing goes.
Test(stream_config, sealing_adjusts_what_contradicts_it)
{
    Rill__StreamCreateRequest *old = decode("{\"name\":\"S\"}");
    Rill__StreamCreateRequest *sealed =
        decode("{\"name\":\"S\",\"sealed\":true,\"max_age\":1000000000,\"allow_rollup_hdrs\":true}");
    const Rill__StreamConfig *config = sealed->inline_config;
    cr_assert(eq(int, stream_config_check_update(sealed->inline_config, old->inline_config).err_code, 0));
    cr_expect(eq(i64, config->max_age, 0));
    cr_expect(eq(int, config->discard, RILL__DISCARD__DISCARD_NEW));
    cr_expect(config->deny_delete);
    cr_expect(config->deny_purge);
    cr_expect(not(config->allow_rollup_hdrs));
    rill_message_free(&old->base);
    rill_message_free(&sealed->base);
}
