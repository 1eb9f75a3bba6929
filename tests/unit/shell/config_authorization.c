// SPDX-License-Identifier: Apache-2.0
#include "config_support.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(config_authorization);

#define SEC INT64_C(1000000000)

// A token alone makes authentication required.
Test(config_authorization, a_token_is_required_of_everybody)
{
    struct config_loaded *loaded = config_load("authorization { token: s3cret, timeout: 0.5 }", "");
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    cr_expect(eq(str, (char *)loaded->options.auth.token, "s3cret"));
    cr_expect(eq(i64, loaded->options.auth.timeout_ns, SEC / 2));
    cr_expect(rill_auth_is_required(&loaded->options.auth));
    config_loaded_free(loaded);
}

// The single user of the file or of the flags is a list of one, and flags win.
Test(config_authorization, a_single_user_is_a_list_of_one)
{
    struct config_loaded *loaded = config_load("authorization { user: a, pass: b }", "--user c");
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    cr_assert(eq(sz, loaded->options.auth.user_count, 1));
    cr_expect(eq(str, (char *)loaded->options.auth.users[0].name, "c"));
    cr_expect(eq(str, (char *)loaded->options.auth.users[0].password, "b"));
    cr_expect(eq(str, (char *)loaded->options.auth.users[0].account, "$G"));
    cr_expect(loaded->options.auth.users[0].permissions == NULL);
    config_loaded_free(loaded);
}

// Own permissions win over the default ones, wherever those stand.
Test(config_authorization, default_permissions_are_for_users_without_their_own)
{
    struct config_loaded *loaded = config_load(
        "authorization {\n"
        " users: [ {user: a, password: x},\n"
        "  {user: b, password: $2a$11$abc, permissions: {sub: ['foo q', bar.>], pub: {deny: z}}} ]\n"
        " default_permissions: { publish: [p.*], subscribe: {allow: s, deny: [t, u]} }\n"
        "}\nno_auth_user: a",
        "");
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    const struct rill_auth_config *auth = &loaded->options.auth;
    cr_assert(eq(sz, auth->user_count, 2));
    const struct rill_permissions *a = auth->users[0].permissions;
    const struct rill_permissions *b = auth->users[1].permissions;
    cr_expect(eq(str, (char *)a->publish.allow[0].subject, "p.*"));
    cr_expect(eq(sz, a->subscribe.deny_count, 2));
    cr_expect(eq(str, (char *)b->subscribe.allow[0].subject, "foo"));
    cr_expect(eq(str, (char *)b->subscribe.allow[0].queue, "q"));
    cr_expect(b->subscribe.allow[1].queue == NULL);
    cr_expect(not(b->publish.allow_given));
    cr_expect(eq(str, (char *)b->publish.deny[0].subject, "z"));
    cr_expect(rill_auth_secret_is_bcrypt(auth->users[1].password));
    cr_expect(not(rill_auth_secret_is_bcrypt(auth->users[0].password)));
    cr_expect(eq(str, (char *)auth->no_auth_user, "a"));
    cr_expect(not(rill_auth_is_required(auth)));
    config_loaded_free(loaded);
}

static const struct {
    const char *value;
    struct rill_response_permission responses;
} responses[] = {
    {"true", {true, 1, 120 * SEC}},
    {"false", {false, 1, 120 * SEC}},
    {"{ max: 5 }", {true, 5, 120 * SEC}},
    {"{ max: -1, expires: '1m' }", {true, -1, 60 * SEC}},
    {"{ max_msgs: 0, ttl: '-1s' }", {true, 1, -1}},
};

// allow_responses grants one answer in two minutes unless it says more, and nothing else may be published.
Test(config_authorization, allow_responses_has_defaults_and_turns_off_publishing)
{
    for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
        char text[256];
        (void)snprintf(
            text, sizeof text,
            "authorization { users: [{user: a, password: b, permissions: {allow_responses: %s}}] }",
            responses[i].value);
        struct config_loaded *loaded = config_load(text, "");
        cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
        const struct rill_permissions *permissions = loaded->options.auth.users[0].permissions;
        cr_expect(eq(int, permissions->responses.given, responses[i].responses.given));
        cr_expect(eq(int, permissions->responses.messages_max, responses[i].responses.messages_max));
        cr_expect(eq(i64, permissions->responses.expires_ns, responses[i].responses.expires_ns));
        cr_expect(eq(int, permissions->publish.allow_given, responses[i].responses.given));
        cr_expect(eq(sz, permissions->publish.allow_count, 0));
        config_loaded_free(loaded);
    }
}

// Users of $SYS belong to that account and get its defaults only.
Test(config_authorization, users_of_the_system_account)
{
    struct config_loaded *loaded = config_load(
        "accounts { $SYS { default_permissions { publish: x }\n users: [{user: s, password: t}] } }\n"
        "authorization { users: [{user: a, password: b, connection_types: [websocket]}] }",
        "");
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    const struct rill_auth_user *users = loaded->options.auth.users;
    cr_assert(eq(sz, loaded->options.auth.user_count, 2));
    cr_expect(eq(str, (char *)users[0].account, "$SYS"));
    cr_expect(users[0].permissions != NULL);
    cr_expect(eq(str, (char *)users[1].account, "$G"));
    cr_expect(users[1].permissions == NULL);
    cr_expect(eq(int, (int)users[0].connection_types, RILL_CONNECTION_ANY));
    cr_expect(eq(int, (int)users[1].connection_types, RILL_CONNECTION_WEBSOCKET));
    config_loaded_free(loaded);
}

#define USERS(inside) "authorization { users: [ {user: a, password: b" inside "} ] }"
#define AT            "c.conf:1: authorization: users: "

static const struct {
    const char *text;
    const char *why;
} refused[] = {
    {"authorization { token: x, user: a }",
     "c.conf:1: authorization: token: a user and a token exclude each other"},
    {"authorization { pass: x }", "c.conf:1: authorization: pass: a password without a user"},
    {"authorization { token: x, users: [{user: a}] }", AT "a token and users exclude each other"},
    {"authorization { user: x, users: [{user: a}] }", AT "a single user and users exclude each other"},
    {"authorization { users: [{user: a}, {user: a}] }", AT "the user \"a\" is there twice"},
    {"authorization { users: [{password: a}] }", AT "a user needs a name: user"},
    {"authorization { users: [{user: a, password: 5}] }",
     AT "password: expected a text, got a number (put it in quotes to make it a text)"},
    {"authorization { users: {} }", AT "expected a list of users [ ], got a block { }"},
    {"authorization { users: [a] }", AT "expected a user { user, password }, got a text"},
    {"authorization { users: [{nkey: U}] }", AT "nkey: not supported yet by rilld"},
    {"authorization { auth_callout {} }",
     "c.conf:1: authorization: auth_callout: not supported yet by rilld"},
    {USERS(", nope: 1"), AT "nope: unknown key"},
    {USERS(", permissions: 5"), AT "permissions: expected a block { }, got a number"},
    {USERS(", permissions: {nope: a}"), AT "permissions: nope: unknown key"},
    {USERS(", permissions: {pub: {nope: a}}"),
     AT "permissions: pub: nope: unknown key, only allow and deny are known here"},
    {USERS(", permissions: {pub: []}"), AT
     "permissions: pub: an empty list of what is allowed: leave it out to allow everything, or deny \">\""},
    {USERS(", permissions: {sub: 'a..b'}"), AT "permissions: sub: \"a..b\" is not a valid subject"},
    {USERS(", permissions: {sub: 'a b c'}"), AT "permissions: sub: \"a b c\" is not a valid subject"},
    {USERS(", permissions: {sub: 'a b..c'}"), AT "permissions: sub: \"a b..c\": the queue is not valid"},
    {USERS(", permissions: {pub: 'a q'}"), AT "permissions: pub: \"a q\": a queue is for subscribing only"},
    {USERS(", permissions: {allow_responses: 5}"),
     AT "permissions: allow_responses: expected true, false or { max, expires }, got a number"},
    {USERS(", connection_types: [MQTT]"),
     AT "connection_types: \"MQTT\" is not a type of connection, only STANDARD and WEBSOCKET are"},
    {"no_auth_user: z", "c.conf:1: no_auth_user: \"z\" is not one of the users"},
    {"accounts { A {} }", "c.conf:1: accounts: A: accounts other than $SYS are not supported yet by rilld"},
    {"accounts { $G {} }", "c.conf:1: accounts: $G: a reserved account: its users stand under authorization"},
    {"accounts { $SYS { exports: [] } }",
     "c.conf:1: accounts: $SYS: exports: not supported yet by rilld, only users and default_permissions are"},
};

// What contradicts itself or would weaken a permission in silence is refused.
Test(config_authorization, contradictions_and_mistakes_are_refused)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct config_loaded *loaded = config_load(refused[i].text, "");
        cr_expect(ne(int, (int)loaded->err, (int)RILL_OK), "%s", refused[i].text);
        cr_expect(eq(str, loaded->why.text, (char *)refused[i].why));
        config_loaded_free(loaded);
    }
}
