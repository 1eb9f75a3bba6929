// SPDX-License-Identifier: Apache-2.0
//
// The head of an HTTP/1.x request, read: a pure function from bytes to views into them. It is what the
// monitoring pages and the WebSocket handshake need of HTTP, no more. Any thread.
#pragma once

#include "base/bytes.h"

enum { HTTP_HEAD_BYTES_MAX = 8 * 1024, HTTP_HEADERS_MAX = 64 };

enum http_parse_status {
    HTTP_PARSE_DONE,
    HTTP_PARSE_MORE, // the head is not complete yet
    HTTP_PARSE_BAD,  // not HTTP; answer 400 and close
    HTTP_PARSE_LARGE // more than HTTP_HEAD_BYTES_MAX or HTTP_HEADERS_MAX; answer 431 and close
};

struct http_header {
    struct rill_bytes name;
    struct rill_bytes value; // without blanks around it
};

struct http_request {
    struct rill_bytes method;
    struct rill_bytes path;  // as it came: never decoded
    struct rill_bytes query; // behind the question mark, as it came; empty when there is none
    unsigned minor_version;  // of HTTP/1.x
    size_t head_bytes;       // through the empty line
    size_t header_count;
    struct http_header headers[HTTP_HEADERS_MAX];
};

/* The views live as long as `input`. `ret` is defined with DONE only. */
enum http_parse_status http_request_parse(struct rill_bytes input, struct http_request *ret);

/* The first header of this name in whatever case; false when there is none. */
bool http_request_header(const struct http_request *request, const char *name, struct rill_bytes *ret_value);
/* Is `word` one of the comma-separated words of this header, in whatever case? */
bool http_request_header_has(const struct http_request *request, const char *name, const char *word);
/* Does the peer expect the connection to stay after the answer? */
bool http_request_keeps_alive(const struct http_request *request);
/* Does a body follow? */
bool http_request_has_body(const struct http_request *request);
