// SPDX-License-Identifier: Apache-2.0
#include "proto/connect.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(connect);

static Rill__ConnectOptions *parse(const char *json)
{
    Rill__ConnectOptions *options = NULL;
    struct rill_error_text why = {.text = ""};
    cr_assert(eq(int, rill_connect_parse(rill_bytes_from_cstr(json), &options, &why), RILL_OK), "%s: %s",
              json, why.text);
    return options;
}

// A CONNECT that says nothing leaves every option open, and what a client starts from says them all.
Test(connect, what_is_not_said_is_absent)
{
    Rill__ConnectOptions *options = parse("{\"user\":\"\"}");
    cr_expect(
        not(options->has_verbose || options->has_pedantic || options->has_echo || options->has_protocol));
    cr_expect(options->user == NULL && options->lang == NULL);
    rill_connect_free(options);
    Rill__ConnectOptions *start = rill_connect_default();
    cr_expect(start->has_verbose && start->has_echo && start->echo);
    cr_expect(not(start->verbose || start->pedantic || start->headers));
    rill_connect_free(start);
    rill_connect_free(NULL);
}

// An option that is switched off is given, not absent: a server's default may be on.
Test(connect, false_is_not_absence)
{
    Rill__ConnectOptions *options =
        parse("{\"verbose\":false,\"echo\":false,\"headers\":false,\"protocol\":0}");
    cr_expect(options->has_verbose && options->has_echo && options->has_headers && options->has_protocol);
    cr_expect(not(options->verbose || options->echo || options->headers || options->has_pedantic));
    rill_connect_free(options);
}

// Every field arrives, and what nobody knows is passed over.
Test(connect, every_field_is_read)
{
    Rill__ConnectOptions *options =
        parse(" {\"verbose\":true,\"pedantic\":true,\"tls_required\":true,\"auth_token\":\"t\",\"user\":"
              "\"u\",\"pass\":\"p\","
              "\"jwt\":\"j\",\"nkey\":\"k\",\"sig\":\"s\",\"name\":\"n\",\"lang\":\"c\",\"version\":\"1.2\","
              "\"protocol\":1,"
              "\"echo\":false,\"headers\":true,\"no_responders\":true,\"future\":{\"deep\":[1,2]}}\r");
    cr_expect(options->verbose && options->pedantic && options->tls_required && options->headers);
    cr_expect(options->no_responders && !options->echo && options->protocol == 1);
    cr_expect(eq(str, options->auth_token, "t"));
    cr_expect(eq(str, options->user, "u"));
    cr_expect(eq(str, options->pass, "p"));
    cr_expect(eq(str, options->jwt, "j"));
    cr_expect(eq(str, options->nkey, "k"));
    cr_expect(eq(str, options->sig, "s"));
    cr_expect(eq(str, options->name, "n"));
    cr_expect(eq(str, options->lang, "c"));
    cr_expect(eq(str, options->version, "1.2"));
    rill_connect_free(options);
}

// Garbage is an error with a reason, never a half-read structure.
Test(connect, garbage_is_refused)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{",
        "{\"verbose\":\"yes\"}",
        "{\"user\":7}",
        "{\"user\":\"a\\u0000b\"}",
        "{} {}",
        "{\"protocol\":99999999999}",
        "{\"user\":\"\xFF\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        Rill__ConnectOptions *options = NULL;
        struct rill_error_text why = {.text = ""};
        cr_expect(
            eq(int, rill_connect_parse(rill_bytes_from_cstr(wrong[i]), &options, &why), RILL_ERR_INVALID),
            "%s", wrong[i]);
        cr_expect(options == NULL && why.text[0] != '\0', "%s", wrong[i]);
    }
}

// A text beyond the bound is not even looked at.
Test(connect, the_size_is_bounded)
{
    struct rill_error_text why;
    Rill__ConnectOptions *options = NULL;
    uint8_t *blanks = calloc(1, RILL_CONNECT_BYTES_MAX + 1);
    cr_expect(eq(int, rill_connect_parse(rill_bytes_of(blanks, RILL_CONNECT_BYTES_MAX + 1), &options, &why),
                 RILL_ERR_LIMIT));
    free(blanks);
}

// The line that a client writes is one that the broker reads, byte for byte as NATS has it.
Test(connect, the_line_reads_back)
{
    Rill__ConnectOptions *options = rill_connect_default();
    options->user = strdup("a<b");
    options->lang = strdup("c");
    options->echo = false;
    options->protocol = 1;
    struct rill_buf line;
    rill_buf_init(&line, 4096);
    cr_assert(eq(int, rill_connect_append(options, &line), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&line),
                                    "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,"
                                    "\"user\":\"a\\u003cb\",\"lang\":\"c\",\"protocol\":1,\"echo\":false,"
                                    "\"headers\":false,\"no_responders\":false}\r\n"));
    rill_buf_fini(&line);
    rill_connect_free(options);
}
