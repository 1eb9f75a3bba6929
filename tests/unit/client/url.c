// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(client_url);

static const struct {
    const char *text;
    const char *dial;
    const char *user, *password, *token;
    const char *why;
} good[] = {
    {"localhost", "tcp://localhost:4222", "", "", "", "a host alone"},
    {"nats://127.0.0.1:4223", "tcp://127.0.0.1:4223", "", "", "", "host and port"},
    {"tcp://a", "tcp://a:4222", "", "", "", "tcp is the same"},
    {"nats://me:s%40cret@a:1", "tcp://a:1", "me", "s@cret", "", "user and password"},
    {"nats://me:p@ss@a:1", "tcp://a:1", "me", "p@ss", "", "the last @ counts"},
    {"nats://s3cr3t@a", "tcp://a:4222", "", "", "s3cr3t", "a token"},
    {"nats://[::1]:4333", "tcp://[::1]:4333", "", "", "", "IPv6 with a port"},
    {"nats://[::1]", "tcp://[::1]:4222", "", "", "", "IPv6 alone"},
    {"nats://a:4222/ignored", "tcp://a:4222", "", "", "", "a path says nothing here"},
    {" nats://a ", "tcp://a:4222", "", "", "", "blanks around it"},
    {"ws://a:8080", "ws://a:8080/", "", "", "", "WebSocket"},
    {"ws://a/nats", "ws://a:80/nats", "", "", "", "with a path and no port"},
    {"ipc:///run/rill.sock", "ipc:///run/rill.sock", "", "", "", "a UNIX socket"},
    {"unix:///run/rill.sock", "ipc:///run/rill.sock", "", "", "", "called otherwise"},
    {"abstract://rill", "abstract://rill", "", "", "", "an abstract socket"},
};

// Each form that the header promises leads to what nng dials and to the secrets.
Test(client_url, every_promised_form_is_taken_apart)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct url url;
        struct rill_error_text why;
        const enum rill_err err = url_parse(rill_bytes_from_cstr(good[i].text), &url, &why);
        cr_assert(eq(int, (int)err, RILL_OK), "%s", good[i].why);
        cr_expect(eq(str, url.dial, (char *)good[i].dial), "%s", good[i].why);
        cr_expect(eq(str, url.user, (char *)good[i].user), "%s", good[i].why);
        cr_expect(eq(str, url.password, (char *)good[i].password), "%s", good[i].why);
        cr_expect(eq(str, url.token, (char *)good[i].token), "%s", good[i].why);
    }
}

static const struct {
    const char *text;
    const char *why;
} bad[] = {
    {"", "nothing"},
    {"nats://", "no host"},
    {"nats://:4222", "no host but a port"},
    {"nats://a:", "an empty port"},
    {"nats://a:0", "port 0"},
    {"nats://a:65536", "a port too large"},
    {"nats://a:4x", "a port that is no number"},
    {"tls://a", "a scheme that is not known"},
    {"nats://a b", "a blank inside"},
    {"nats://a\r\nb", "a line end inside"},
    {"ipc://", "no path"},
    {"nats://%00:x@a", "a NUL in a secret"},
};

// What is no URL is refused with a reason, and never half taken.
Test(client_url, what_is_no_url_is_refused)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct url url = {.dial = "untouched"};
        struct rill_error_text why = {""};
        const enum rill_err err = url_parse(rill_bytes_from_cstr(bad[i].text), &url, &why);
        cr_expect(eq(int, (int)err, RILL_ERR_INVALID), "%s", bad[i].why);
        cr_expect(ne(str, why.text, ""), "%s", bad[i].why);
        cr_expect(eq(str, url.dial, "untouched"), "%s", bad[i].why);
    }
}

// A secret never stands in what is dialed, as that is shown to people.
Test(client_url, secrets_are_not_shown)
{
    struct url url;
    struct rill_error_text why;
    cr_assert(eq(int, (int)url_parse(RILL_BYTES("ws://me:hidden@a/x"), &url, &why), RILL_OK));
    cr_expect(eq(ptr, strstr(url.dial, "hidden"), NULL));
}

// Whatever is too long for its place is refused, not cut.
Test(client_url, too_long_is_refused)
{
    char text[1024] = "nats://";
    memset(text + 7, 'a', sizeof text - 8);
    text[sizeof text - 1] = '\0';
    struct url url;
    struct rill_error_text why;
    cr_expect(ne(int, (int)url_parse(rill_bytes_from_cstr(text), &url, &why), RILL_OK));
    text[700] = '@';
    cr_expect(ne(int, (int)url_parse(rill_bytes_from_cstr(text), &url, &why), RILL_OK));
}
