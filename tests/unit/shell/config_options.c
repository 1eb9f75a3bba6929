// SPDX-License-Identifier: Apache-2.0
#include "config_support.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(config_options);

#define SEC INT64_C(1000000000)

// Without a file and flags everything has the default that NATS has.
Test(config_options, defaults_are_those_of_nats)
{
    struct config_loaded *loaded = config_load("", "");
    const struct rill_options *options = &loaded->options;
    cr_expect(eq(int, (int)loaded->err, (int)RILL_OK));
    cr_expect(eq(str, (char *)options->host, "0.0.0.0"));
    cr_expect(eq(i64, options->port, 4222));
    cr_expect(eq(i64, options->payload_bytes_max, 1 << 20));
    cr_expect(eq(i64, options->ping_interval_ns, 120 * SEC));
    cr_expect(eq(i64, options->auth.timeout_ns, 2 * SEC));
    cr_expect(eq(i64, options->connections_max, 65536));
    cr_expect(not(options->jetstream));
    cr_expect(options->log_time);
    cr_expect(not(rill_auth_is_required(&options->auth)));
    config_loaded_free(loaded);
}

// Each kind of value lands in its field.
Test(config_options, keys_fill_their_fields)
{
    struct config_loaded *loaded =
        config_load("listen: '[::1]:4333'\n"
                    "server_name: edge\nserver_tags: [a, b]\n"
                    "HTTP: localhost:-1\nhttp_base_path: nats\n"
                    "max_payload: 2MB, max_pending: '8MB', max_connections: -1\n"
                    "ping_interval: '30s'; Debug: on\n"
                    "unix: '@rill'\n"
                    "jetstream { store_dir: /data, sync_interval: always, strict: false, domain: hub,\n"
                    "  max_mem: 1G, max_file: 2GB, max_buffered_msgs: 7, max_buffered_size: 8k,\n"
                    "  request_queue_limit: 9, unique_tag: az,\n"
                    "  limits { max_ack_pending: 10, max_request_batch: 11, duplicate_window: '1m', "
                    "max_ha_assets: 3 } }\n"
                    "websocket { listen: ':8080', no_tls: true }\n",
                    "");
    const struct rill_options *options = &loaded->options;
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    cr_expect(eq(str, (char *)options->host, "::1"));
    cr_expect(eq(i64, options->port, 4333));
    cr_expect(eq(str, (char *)options->server_name, "edge"));
    cr_expect(eq(sz, options->server_tags.count, 2));
    cr_expect(eq(str, (char *)options->server_tags.items[1], "b"));
    cr_expect(eq(str, (char *)options->http_host, "localhost"));
    cr_expect(eq(i64, options->http_port, -1));
    cr_expect(eq(str, (char *)options->http_base_path, "/nats"));
    cr_expect(eq(i64, options->payload_bytes_max, 2 << 20));
    cr_expect(eq(i64, options->pending_bytes_max, 8 << 20));
    cr_expect(eq(i64, options->connections_max, -1));
    cr_expect(eq(i64, options->ping_interval_ns, 30 * SEC));
    cr_expect(options->debug);
    cr_expect(eq(str, (char *)options->unix_path, "@rill"));
    cr_expect(options->jetstream);
    cr_expect(eq(str, (char *)options->jetstream_store_dir, "/data"));
    cr_expect(eq(i64, options->jetstream_sync_ns, 0));
    cr_expect(not(options->jetstream_strict));
    cr_expect(eq(str, (char *)options->jetstream_domain, "hub"));
    cr_expect(eq(i64, options->jetstream_memory_bytes_max, 1000000000));
    cr_expect(eq(i64, options->jetstream_file_bytes_max, INT64_C(2) << 30));
    cr_expect(eq(i64, options->jetstream_buffered_messages_max, 7));
    cr_expect(eq(i64, options->jetstream_buffered_bytes_max, 8000));
    cr_expect(eq(i64, options->jetstream_requests_max, 9));
    cr_expect(eq(i64, options->jetstream_ack_pending_max, 10));
    cr_expect(eq(i64, options->jetstream_request_batch_max, 11));
    cr_expect(eq(i64, options->jetstream_duplicate_window_ns_max, 60000000000));
    cr_expect(eq(i64, options->websocket_port, 8080));
    cr_expect(options->websocket_host == NULL);
    config_loaded_free(loaded);
}

// Messages are synced always, or an interval says that they may be later than their acknowledgements.
Test(config_options, a_sync_interval_is_a_time_or_always)
{
    struct config_loaded *loaded = config_load("jetstream { sync_interval: '2m' }", "");
    cr_expect(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    cr_expect(eq(i64, loaded->options.jetstream_sync_ns, 120 * SEC));
    config_loaded_free(loaded);
}

static const struct {
    const char *text;
    bool on;
} jetstreams[] = {
    {"jetstream: true", true},   {"jetstream: enabled", true},   {"jetstream {}", true},
    {"jetstream: false", false}, {"jetstream: disabled", false}, {"jetstream { enabled: false }", false},
    {"store_dir: /data", false},
};

// `jetstream` is a switch, a word or a block; a block switches it on unless it says otherwise.
Test(config_options, jetstream_is_a_switch_a_word_or_a_block)
{
    for (size_t i = 0; i < sizeof jetstreams / sizeof jetstreams[0]; i++) {
        struct config_loaded *loaded = config_load(jetstreams[i].text, "");
        cr_expect(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
        cr_expect(eq(int, loaded->options.jetstream, jetstreams[i].on), "%s", jetstreams[i].text);
        config_loaded_free(loaded);
    }
}

// Zero means the default, as in NATS, and -1 stays "none".
Test(config_options, zero_is_the_default)
{
    struct config_loaded *loaded =
        config_load("max_payload: 0, port: 0, write_deadline: '0s', max_subs: -1", "");
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    cr_expect(eq(i64, loaded->options.payload_bytes_max, 1 << 20));
    cr_expect(eq(i64, loaded->options.port, 4222));
    cr_expect(eq(i64, loaded->options.write_deadline_ns, 10 * SEC));
    cr_expect(eq(i64, loaded->options.subscriptions_max, -1));
    config_loaded_free(loaded);
}

static const struct {
    const char *text;
    enum rill_err err;
    const char *why;
} refused[] = {
    {"nope: 1", RILL_ERR_INVALID, "c.conf:1: nope: unknown key"},
    {"jetstream { tpm: {} }", RILL_ERR_UNSUPPORTED, "c.conf:1: jetstream: tpm: not supported yet by rilld"},
    {"jetstream { domain: a.b }", RILL_ERR_INVALID,
     "c.conf:1: jetstream: domain: a name without blanks and '.', '*', '>', of at most 255 bytes"},
    {"jetstream { domain: API }", RILL_ERR_INVALID, "c.conf:1: jetstream: domain: it cannot be API"},
    {"\njetstream { nope: 1 }", RILL_ERR_INVALID, "c.conf:2: jetstream: nope: unknown key"},
    {"max_payloads: 1", RILL_ERR_INVALID, "c.conf:1: max_payloads: unknown key; did you mean max_payload?"},
    {"websockets {}", RILL_ERR_INVALID, "c.conf:1: websockets: unknown key; did you mean websocket?"},
    {"jetstream { stor_dir: x }", RILL_ERR_INVALID,
     "c.conf:1: jetstream: stor_dir: unknown key; did you mean jetstream.store_dir?"},
    {"jetstream.store_dir: x", RILL_ERR_INVALID, "c.conf:1: jetstream.store_dir: unknown key"},
    {"tls {}", RILL_ERR_UNSUPPORTED, "c.conf:1: tls: not supported yet by rilld"},
    {"cluster { name: a }", RILL_ERR_UNSUPPORTED, "c.conf:1: cluster: not supported yet by rilld"},
    {"port: abc", RILL_ERR_INVALID, "c.conf:1: port: expected a number, got a text"},
    {"port: 70000", RILL_ERR_INVALID, "c.conf:1: port: 70000 is not between -1 and 65535"},
    {"debug: 'yes'", RILL_ERR_INVALID, "c.conf:1: debug: expected true or false, got a text"},
    {"host: 5", RILL_ERR_INVALID,
     "c.conf:1: host: expected a text, got a number (put it in quotes to make it a text)"},
    {"listen: abc", RILL_ERR_INVALID, "c.conf:1: listen: \"abc\" is not an address such as localhost:4222"},
    {"ping_interval: 2m", RILL_ERR_INVALID,
     "c.conf:1: ping_interval: a duration with a unit needs quotes: without them it is the number 2000000"},
    {"ping_interval: '-2m'", RILL_ERR_INVALID, "c.conf:1: ping_interval: a time cannot be negative"},
    {"max_payload: '1x'", RILL_ERR_INVALID, "c.conf:1: max_payload: \"1x\" is not a size such as 64MB"},
    {"max_pending: 5", RILL_ERR_INVALID, "max_payload: 1048576 bytes are more than max_pending (5)"},
    {"max_payload: 9g\nmax_pending: 10g", RILL_ERR_INVALID, "c.conf:1: max_payload: at most 2 GiB"},
    {"max_sub_tokens: 256", RILL_ERR_INVALID, "c.conf:1: max_sub_tokens: at most 255"},
    {"lame_duck_duration: '10s'", RILL_ERR_INVALID, "c.conf:1: lame_duck_duration: at least 30s"},
    {"lame_duck_grace_period: '3m'", RILL_ERR_INVALID,
     "c.conf:1: lame_duck_grace_period: it must be shorter than lame_duck_duration"},
    {"server_name: 'a b'", RILL_ERR_INVALID, "c.conf:1: server_name: it cannot have blanks"},
    {"store_dir: a\njetstream { store_dir: a }", RILL_ERR_INVALID,
     "c.conf:2: jetstream: store_dir: the folder is given twice"},
    {"jetstream: maybe", RILL_ERR_INVALID,
     "c.conf:1: jetstream: expected enabled, disabled, or a block { }, got a text"},
    {"websocket { port: 80 }", RILL_ERR_UNSUPPORTED,
     "c.conf:1: websocket: port: TLS is not supported yet by rilld; no_tls: true accepts plain ws://"},
    {"websocket: 80", RILL_ERR_INVALID, "c.conf:1: websocket: expected a block { }, got a number"},
    {"system_account: SYS", RILL_ERR_UNSUPPORTED,
     "c.conf:1: system_account: other than $SYS it is not supported yet by rilld"},
};

// A mistake is named with file, line and key, and nothing that rilld cannot do is passed over.
Test(config_options, mistakes_name_file_line_and_key)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct config_loaded *loaded = config_load(refused[i].text, "");
        cr_expect(eq(int, (int)loaded->err, (int)refused[i].err), "%s", refused[i].text);
        cr_expect(eq(str, loaded->why.text, (char *)refused[i].why));
        config_loaded_free(loaded);
    }
}

// What is switched off asks for nothing, and a key that a variable uses need not be known.
Test(config_options, harmless_keys_are_accepted)
{
    struct config_loaded *loaded = config_load("tls: false\nLIMIT = 2MB\nmax_payload: $LIMIT", "");
    cr_expect(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    cr_expect(eq(i64, loaded->options.payload_bytes_max, 2 << 20));
    config_loaded_free(loaded);
}

// A plain number of seconds works with a warning; the strict check refuses it, as nats-server's does.
Test(config_options, plain_seconds_are_warned_about)
{
    const char *warning = "c.conf:1: write_deadline: a plain number is taken as seconds; better write \"5s\"";
    struct config_loaded *loaded = config_load("write_deadline: 5", "");
    cr_assert(eq(sz, loaded->options.warnings.count, 1));
    cr_expect(eq(i64, loaded->options.write_deadline_ns, 5 * SEC));
    cr_expect(strstr(loaded->options.warnings.items[0], warning) != NULL);
    config_loaded_free(loaded);
    loaded = config_load("write_deadline: 5", "-t");
    cr_expect(eq(int, (int)loaded->err, (int)RILL_ERR_INVALID));
    cr_expect(eq(str, loaded->why.text, (char *)warning));
    config_loaded_free(loaded);
}

// Options can be loaded from a text in memory, with the same checks.
Test(config_options, a_text_in_memory_is_loaded_as_a_file_is)
{
    struct rill_options options;
    struct rill_error_text why;
    cr_assert(
        eq(int, (int)rill_options_load_text(RILL_BYTES("port: 5"), "memory", &options, &why), (int)RILL_OK));
    cr_expect(eq(i64, options.port, 5));
    rill_options_fini(&options);
    cr_expect(eq(int, (int)rill_options_load_text(RILL_BYTES("port: x"), "memory", &options, &why),
                 (int)RILL_ERR_INVALID));
    cr_expect(eq(str, why.text, "memory:1: port: expected a number, got a text"));
}

// Streams without a folder of their own get a temporary one, known as such; without streams none is chosen.
Test(config_options, streams_without_a_folder_get_a_temporary_one)
{
    struct config_loaded *loaded = config_load("jetstream: true", "");
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    const char *folder = loaded->options.jetstream_store_dir;
    cr_assert(folder != NULL);
    cr_assert(gt(sz, strlen(folder), 5));
    cr_expect(eq(str, (char *)folder + strlen(folder) - 5, "/rill"));
    cr_expect(loaded->options.store_is_temporary);
    config_loaded_free(loaded);
    loaded = config_load("jetstream: false", "");
    cr_expect(loaded->options.jetstream_store_dir == NULL);
    config_loaded_free(loaded);
}
