// SPDX-License-Identifier: Apache-2.0
//
// What nats-server 2.9.10 accepts and refuses, and what rilld does. Where they differ, `why` says the reason.
// With nats-server at hand its column is checked, too; without it that test is counted as skipped.
#include "config_support.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(config_differential);

static const struct {
    const char *text;
    bool nats;  // nats-server -t finds it valid
    bool rilld; // so does rilld -t
    const char *why;
} cases[] = {
    {"port: 4222", true, true, "a colon"},
    {"port = 4222", true, true, "an equals sign"},
    {"port\n4222", true, true, "a value on the next line"},
    {"authorization {token x}", true, true, "no separators"},
    {"{\"port\": 4222, \"debug\": true}", true, true, "JSON"},
    {"port: 4222, debug: true", true, true, "a comma"},
    {"port 4222; debug true", true, true, "a semicolon"},
    {"max_payload: 4ki", true, true, "a suffix"},
    {"max_payload: 1MiB", true, true, "a suffix in any case"},
    {"debug: YES", true, true, "a boolean in any case"},
    {"PORT: 4222", true, true, "a key in any case"},
    {"A=4222\nport: $A", true, true, "a variable"},
    {"port: $RILL_TEST_PORT", true, true, "a variable of the environment"},
    {"server_tags: \"a\\tb\"", true, true, "an escape"},
    {"server_tags: 'a\\qb'", true, true, "no escape"},
    {"server_tags: (\nabc\n)", true, true, "a block text"},
    {"server_tags: a#b", true, true, "no comment inside a word"},
    {"server_tags: http://a/b", true, true, "nor in an address"},
    {"server_tags: [a\nb, c,]\n", true, true, "a list"},
    {"port: 1\nport: 2", true, true, "a key twice"},
    {"write_deadline: 1h5m", true, true, "a bare duration"},
    {"write_deadline: '1.5s'", true, true, "a fraction in quotes"},
    {"authorization { users: [{USER: a, Pass: c}] }", true, true, "keys in any case, inside too"},
    {"authorization { users: [{user: $2a$11$abc, password: $2a$11$abcdef}] }", true, true, "bare bcrypt"},
    {"authorization {users: [{user: a, password: b, permissions: {subscribe: 'foo q', allow_responses: {max: "
     "5, ttl: '1m'}}}]}",
     true, true, "permissions"},
    {"accounts: {$SYS: {users: [{user: a, password: b}]}}", true, true, "a user of $SYS"},
    {"jetstream: enable", true, true, "JetStream as a word"},
    {"jetstream {limits: {duplicate_window: '1m'}}", true, true, "limits"},
    {"jetstream {enabled: false}", true, true, "switched off in its block"},
    {"websocket {listen: '0.0.0.0:80', no_tls: true}", true, true, "WebSocket"},
    {"http: 8222", true, true, "a port as an address"},
    {"listen: '[::]:4222'", true, true, "IPv6"},
    {"max_connections: -1", true, true, "no limit"},
    {"tls: false", false, true, "what is switched off asks for nothing"},
    {"port 4222 debug true", false, false, "no separator"},
    {"port: 4kx", false, false, "not a number"},
    {"max_payload: 1 mb", false, false, "a blank in a number"},
    {"port: 99999999999999999999", false, false, "too large a number"},
    {"debug: 'yes'", false, false, "a text is no boolean"},
    {"port: $A\nA=4222", false, false, "a variable before it is set"},
    {"port: $RILL_TEST_NONE", false, false, "an unset variable"},
    {"A=$A\nport: $A", false, false, "a variable of itself"},
    {"x {A=5}\nport: $A", false, false, "a variable inside another block"},
    {"A=5", false, false, "an unused variable is an unknown key"},
    {"nope: 1", false, false, "an unknown key"},
    {"authorization {nope: 1}", false, false, "in a block"},
    {"server_tags: \"a\\qb\"", false, false, "a bad escape"},
    {"server_tags: 'abc", false, false, "an open quote"},
    {"server_tags: abc def", false, false, "two words"},
    {"server_tags: (abc)\n", false, false, "a block text on one line"},
    {"server_tags: [a b c]", false, false, "a list without commas"},
    {"server_tags: [a,,b]", false, false, "an empty element"},
    {"server_tags: [a", false, false, "an open list"},
    {"port:\n4222", false, false, "a value on the line after a colon"},
    {": 1", false, false, "no key"},
    {"port: 4222,,debug: on", false, false, "two commas"},
    {"write_deadline: 10", false, false, "seconds without a unit are refused by a check"},
    {"write_deadline: '10'", false, false, "a text without a unit"},
    {"ping_interval: 2m", false, false, "two million seconds"},
    {"lame_duck_duration: 10s", false, false, "too short"},
    {"port: '4222'", false, false, "a text is no number"},
    {"host: 1.2", false, false, "a number is no text"},
    {"listen: abc", false, false, "no port"},
    {"listen: localhost:x", false, false, "not a port"},
    {"authorization { token: x, user: a }", false, false, "a token and a user"},
    {"authorization {token: x, users: [{user: a, password: b}]}", false, false, "a token and users"},
    {"authorization {user: x, users: [{user: a, password: b}]}", false, false, "a user and users"},
    {"authorization {users: [{user: a}, {user: a}]}", false, false, "a user twice"},
    {"authorization {users: [{password: a}]}", false, false, "no name"},
    {"authorization {users: [{user: a, nope: 1}]}", false, false, "an unknown key of a user"},
    {"authorization {users: [a]}", false, false, "a user is a block"},
    {"authorization {users: [{user: a, permissions: {subscribe: 'foo..bar'}}]}", false, false,
     "a bad subject"},
    {"authorization {users: [{user: a, permissions: {nope: a}}]}", false, false, "an unknown permission"},
    {"accounts: {$G: {}}", false, false, "a reserved account"},
    {"jetstream: maybe", false, false, "not a word for it"},
    {"jetstream {nope: 1}", false, false, "an unknown key"},
    {"store_dir: a\njetstream {store_dir: b}", false, false, "a folder twice"},
    {"max_sub_tokens: 256", false, false, "too many"},
    {"max_payload: 9000p", false, false, "too much"},
    {"include none.conf", false, false, "a missing file"},
    {"port{", true, false, "a key without a value"},
    {"}", true, false, "a brace alone"},
    {"port: 4222}", true, false, "a brace too many"},
    {"port: 70000", true, false, "a port that does not exist"},
    {"max_payload: -5", true, false, "a negative size"},
    {"ping_interval: '-5s'", true, false, "a negative time"},
    {"max_payload: 1m\nmax_pending: 1k", true, false, "nats-server finds it when it starts"},
    {"no_auth_user: a", true, false, "so is this"},
    {"lame_duck_grace_period: '5m'", true, false, "and this"},
    {"server_name: 'a b'", true, false, "later versions refuse blanks, too"},
    {"authorization {pass: a}", true, false, "a password of nobody"},
    {"authorization {users: [{user: a, permissions: {publish: []}}]}", true, false,
     "empty lists allow everything there"},
    {"tls {}", true, false, "not yet"},
    {"cluster {}", true, false, "not yet"},
    {"accounts: {A: {}}", true, false, "not yet"},
    {"websocket {port: 80}", true, false, "needs TLS, not yet"},
    {"authorization{ token: x }", false, true, "no blank before the block"},
    {"write_deadline: 1.5s", false, true, "a bare fraction"},
    {"server_tags: -x", false, true, "a word with a dash in front"},
    {"server_tags: x;;debug: off", false, true, "empty entries"},
    {"unix: /tmp/x", false, true, "our own key"},
    {"no_fast_producer_stall: true", false, true, "newer than 2.9"},
    {"jetstream {sync_interval: always}", false, true, "newer than 2.9"},
    {"authorization {token: $2b$11$abc}", false, true, "other kinds of bcrypt"},
};

static void set_environment(void)
{
    setenv("RILL_TEST_PORT", "5222", 1);
    unsetenv("RILL_TEST_NONE");
}

// A file that nats-server understands is understood the same, but for what is said to be stricter or looser.
Test(config_differential, rilld_accepts_and_refuses_as_the_table_says)
{
    set_environment();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_loaded *loaded = config_load(cases[i].text, "-t");
        cr_expect(eq(int, loaded->err == RILL_OK, cases[i].rilld), "%s (%s): %s", cases[i].text, cases[i].why,
                  loaded->why.text);
        config_loaded_free(loaded);
    }
}

/* Does this nats-server find the file valid? */
static bool nats_accepts(const struct config_folder *folder)
{
    char command[160];
    (void)snprintf(command, sizeof command, "nats-server -t -c %s/c.conf >/dev/null 2>&1", folder->path);
    return system(command) == 0;
}

static bool nats_server_is_2_9(void)
{
    char line[64] = "";
    FILE *out = popen("nats-server -v 2>/dev/null", "r");
    const bool read = out && fgets(line, sizeof line, out);
    return out && pclose(out) == 0 && read && strncmp(line, "nats-server: v2.9.", 18) == 0;
}

// The column of nats-server is what it really does.
Test(config_differential, nats_server_accepts_and_refuses_as_the_table_says)
{
    if (!nats_server_is_2_9())
        cr_skip_test("nats-server 2.9 is not installed");
    set_environment();
    struct config_folder folder = config_folder_create();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config_folder_write(&folder, "c.conf", cases[i].text);
        cr_expect(eq(int, nats_accepts(&folder), cases[i].nats), "%s (%s)", cases[i].text, cases[i].why);
    }
    config_folder_remove(&folder);
}
