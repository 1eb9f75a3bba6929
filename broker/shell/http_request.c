// SPDX-License-Identifier: Apache-2.0
#include "http_request.h"

#include <strings.h>

static bool equal_ignoring_case(struct rill_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && strncasecmp((const char *)bytes.data, text, bytes.len) == 0;
}

static struct rill_bytes trimmed(struct rill_bytes bytes)
{
    while (bytes.len && (bytes.data[0] == ' ' || bytes.data[0] == '\t'))
        bytes = rill_bytes_from(bytes, 1);
    while (bytes.len && (bytes.data[bytes.len - 1] == ' ' || bytes.data[bytes.len - 1] == '\t'))
        bytes.len--;
    return bytes;
}

/* Cuts `rest` at the first `separator`; false when there is none, then nothing changes. */
static bool take_until(struct rill_bytes *rest, char separator, struct rill_bytes *ret_part)
{
    const uint8_t *at = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
    if (!at)
        return false;
    const size_t len = (size_t)(at - rest->data);
    *ret_part = rill_bytes_of(rest->data, len);
    *rest = rill_bytes_of(at + 1, rest->len - len - 1);
    return true;
}

/* A line without its CR LF or LF. */
static bool take_line(struct rill_bytes *rest, struct rill_bytes *ret_line)
{
    if (!take_until(rest, '\n', ret_line))
        return false;
    if (ret_line->len && ret_line->data[ret_line->len - 1] == '\r')
        ret_line->len--;
    return true;
}

/* Visible ASCII only: neither blanks nor controls nor bytes above 126 belong into a method, a target or a
 * name. */
static bool is_visible(struct rill_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] <= ' ' || bytes.data[i] >= 0x7f)
            return false;
    }
    return bytes.len > 0;
}

static bool parse_request_line(struct rill_bytes line, struct http_request *request)
{
    struct rill_bytes target;
    if (!take_until(&line, ' ', &request->method) || !take_until(&line, ' ', &target))
        return false;
    if (!is_visible(request->method) || !is_visible(target) || target.data[0] != '/')
        return false;
    if (line.len != 8 || !rill_bytes_has_prefix(line, RILL_BYTES("HTTP/1.")))
        return false;
    request->minor_version = (unsigned)line.data[7] - '0';
    request->query = rill_bytes_of(NULL, 0);
    request->path = target;
    if (take_until(&target, '?', &request->path))
        request->query = target;
    return request->minor_version <= 9;
}

static bool parse_header(struct rill_bytes line, struct http_header *header)
{
    if (!take_until(&line, ':', &header->name) || !is_visible(header->name))
        return false;
    header->value = trimmed(line);
    return true;
}

static enum http_parse_status parse_headers(struct rill_bytes *rest, struct http_request *request)
{
    struct rill_bytes line;
    request->header_count = 0;
    while (take_line(rest, &line)) {
        if (!line.len)
            return HTTP_PARSE_DONE;
        if (request->header_count == HTTP_HEADERS_MAX)
            return HTTP_PARSE_LARGE;
        if (!parse_header(line, &request->headers[request->header_count]))
            return HTTP_PARSE_BAD;
        request->header_count++;
    }
    return HTTP_PARSE_MORE;
}

enum http_parse_status http_request_parse(struct rill_bytes input, struct http_request *ret)
{
    struct rill_bytes rest = input;
    struct rill_bytes line;
    if (rest.len > HTTP_HEAD_BYTES_MAX)
        rest.len = HTTP_HEAD_BYTES_MAX;
    enum http_parse_status status = HTTP_PARSE_MORE;
    if (take_line(&rest, &line))
        status = parse_request_line(line, ret) ? parse_headers(&rest, ret) : HTTP_PARSE_BAD;
    if (status == HTTP_PARSE_MORE && input.len >= HTTP_HEAD_BYTES_MAX)
        return HTTP_PARSE_LARGE;
    if (status == HTTP_PARSE_DONE)
        ret->head_bytes = (size_t)(rest.data - input.data);
    return status;
}

bool http_request_header(const struct http_request *request, const char *name, struct rill_bytes *ret_value)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (equal_ignoring_case(request->headers[i].name, name)) {
            *ret_value = request->headers[i].value;
            return true;
        }
    }
    return false;
}

bool http_request_header_has(const struct http_request *request, const char *name, const char *word)
{
    struct rill_bytes rest;
    struct rill_bytes part;
    if (!http_request_header(request, name, &rest))
        return false;
    while (take_until(&rest, ',', &part)) {
        if (equal_ignoring_case(trimmed(part), word))
            return true;
    }
    return equal_ignoring_case(trimmed(rest), word);
}

bool http_request_keeps_alive(const struct http_request *request)
{
    return request->minor_version >= 1 && !http_request_header_has(request, "Connection", "close");
}

bool http_request_has_body(const struct http_request *request)
{
    struct rill_bytes value;
    if (http_request_header(request, "Transfer-Encoding", &value))
        return true;
    return http_request_header(request, "Content-Length", &value) && !rill_bytes_equal_cstr(value, "0");
}
