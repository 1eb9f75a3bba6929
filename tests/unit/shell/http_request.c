// SPDX-License-Identifier: Apache-2.0
#include "http_request.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(http_request);

// A head is complete, or more is needed, or it is wrong, or too large.
Test(http_request, heads_are_told_apart)
{
    static char large[HTTP_HEAD_BYTES_MAX + 1];
    memset(large, 'a', HTTP_HEAD_BYTES_MAX);
    static const struct {
        const char *head;
        enum http_parse_status status;
        const char *why;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", HTTP_PARSE_DONE, "the smallest"},
        {"GET / HTTP/1.0\n\n", HTTP_PARSE_DONE, "bare line feeds"},
        {"GET /varz?a=b HTTP/1.1\r\nHost: x\r\n\r\nmore", HTTP_PARSE_DONE, "something behind it"},
        {"GET / HTTP/1.1\r\nHost: x\r\n", HTTP_PARSE_MORE, "no empty line yet"},
        {"GE", HTTP_PARSE_MORE, "no line yet"},
        {"GET / HTTP/2.0\r\n\r\n", HTTP_PARSE_BAD, "another HTTP"},
        {"GET /\r\n\r\n", HTTP_PARSE_BAD, "HTTP 0.9"},
        {"GET varz HTTP/1.1\r\n\r\n", HTTP_PARSE_BAD, "a target that is no path"},
        {"GET / x HTTP/1.1\r\n\r\n", HTTP_PARSE_BAD, "a blank in the target"},
        {"GET /\x01 HTTP/1.1\r\n\r\n", HTTP_PARSE_BAD, "a control character"},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", HTTP_PARSE_BAD, "a header without a value"},
        {"GET / HTTP/1.1\r\n folded: x\r\n\r\n", HTTP_PARSE_BAD, "a blank in a name"},
        {large, HTTP_PARSE_LARGE, "no end in sight"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request request;
        const enum http_parse_status status =
            http_request_parse(rill_bytes_from_cstr(rows[i].head), &request);
        cr_expect(eq(int, status, rows[i].status), "%s", rows[i].why);
    }
}

// Every proper prefix of a good head asks for more, so it does not matter how the bytes come.
Test(http_request, a_prefix_asks_for_more)
{
    const struct rill_bytes head =
        RILL_BYTES("GET /connz?sort=cid HTTP/1.1\r\nHost: x\r\nConnection: a, CLOSE\r\n\r\n");
    struct http_request request;
    for (size_t len = 0; len < head.len; len++)
        cr_expect(eq(int, http_request_parse(rill_bytes_of(head.data, len), &request), HTTP_PARSE_MORE));
    cr_assert(eq(int, http_request_parse(head, &request), HTTP_PARSE_DONE));
    cr_expect(rill_bytes_equal_cstr(request.path, "/connz"));
    cr_expect(rill_bytes_equal_cstr(request.query, "sort=cid"));
    cr_expect(eq(sz, request.head_bytes, head.len));
    cr_expect(not(http_request_keeps_alive(&request)));
    cr_expect(not(http_request_has_body(&request)));
}
