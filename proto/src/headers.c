// SPDX-License-Identifier: Apache-2.0
#include "proto/headers.h"

#include "trim.h"

static const struct rill_bytes version = {(const uint8_t *)"NATS/1.0", 8};

// Splits off the first line without its CRLF. False when there is no CRLF; then *rest is untouched.
static bool take_line(struct rill_bytes *rest, struct rill_bytes *ret_line)
{
    const uint8_t *end = rest->len ? memmem(rest->data, rest->len, "\r\n", 2) : NULL;
    if (!end)
        return false;
    *ret_line = rill_bytes_of(rest->data, (size_t)(end - rest->data));
    *rest = rill_bytes_from(*rest, ret_line->len + 2);
    return true;
}

static bool line_split(struct rill_bytes line, struct rill_bytes *ret_name, struct rill_bytes *ret_value)
{
    const uint8_t *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
    if (!colon || colon == line.data)
        return false;
    const size_t name_len = (size_t)(colon - line.data);
    *ret_name = rill_bytes_of(line.data, name_len);
    *ret_value = trim(rill_bytes_from(line, name_len + 1));
    return true;
}

bool rill_headers_are_valid(struct rill_bytes block)
{
    struct rill_bytes line, name, value;
    if (!rill_bytes_has_prefix(block, version) || !take_line(&block, &line))
        return false;
    if (line.len > version.len && line.data[version.len] != ' ')
        return false;
    while (take_line(&block, &line)) {
        if (line.len == 0)
            return block.len == 0;
        if (!line_split(line, &name, &value))
            return false;
    }
    return false;
}

struct rill_headers_cursor rill_headers_cursor_of(struct rill_bytes block)
{
    struct rill_bytes line;
    if (!rill_bytes_has_prefix(block, version) || !take_line(&block, &line))
        block = rill_bytes_of(NULL, 0);
    return (struct rill_headers_cursor){.rest = block};
}

bool rill_headers_next(struct rill_headers_cursor *cursor, struct rill_bytes *ret_name,
                       struct rill_bytes *ret_value)
{
    struct rill_bytes line;
    while (take_line(&cursor->rest, &line) && line.len)
        if (line_split(line, ret_name, ret_value))
            return true;
    cursor->rest = rill_bytes_of(NULL, 0);
    return false;
}

bool rill_headers_find(struct rill_bytes block, struct rill_bytes name, struct rill_bytes *ret_value)
{
    struct rill_headers_cursor cursor = rill_headers_cursor_of(block);
    struct rill_bytes found, value;
    while (rill_headers_next(&cursor, &found, &value)) {
        if (rill_bytes_equal(found, name)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool rill_headers_status(struct rill_bytes block, uint32_t *ret_code, struct rill_bytes *ret_text)
{
    struct rill_bytes line;
    if (!rill_bytes_has_prefix(block, version) || !take_line(&block, &line))
        return false;
    const struct rill_bytes status = trim(rill_bytes_from(line, version.len));
    uint64_t code = 0;
    if (status.len < 3 || !rill_bytes_to_u64(rill_bytes_of(status.data, 3), 999, &code))
        return false;
    if (status.len > 3 && !trim_is_space(status.data[3]))
        return false;
    *ret_code = (uint32_t)code;
    *ret_text = trim(rill_bytes_from(status, 3));
    return true;
}

static bool has_line_break(struct rill_bytes text)
{
    return text.len && (memchr(text.data, '\r', text.len) || memchr(text.data, '\n', text.len));
}

// Only after the room was reserved.
static void put(struct rill_buf *buf, struct rill_bytes bytes)
{
    if (bytes.len)
        memcpy(buf->data + buf->len, bytes.data, bytes.len);
    buf->len += bytes.len;
}

enum rill_err rill_headers_begin(struct rill_buf *buf, struct rill_bytes status)
{
    if (has_line_break(status))
        return RILL_ERR_INVALID;
    const enum rill_err err = rill_buf_reserve(buf, version.len + 1 + status.len + 2);
    if (err)
        return err;
    put(buf, version);
    if (status.len)
        put(buf, RILL_BYTES(" "));
    put(buf, status);
    put(buf, RILL_BYTES("\r\n"));
    return RILL_OK;
}

enum rill_err rill_headers_add(struct rill_buf *buf, struct rill_bytes name, struct rill_bytes value)
{
    if (name.len == 0 || memchr(name.data, ':', name.len) || has_line_break(name) || has_line_break(value))
        return RILL_ERR_INVALID;
    if (value.len > SIZE_MAX / 2 || name.len > SIZE_MAX / 4)
        return RILL_ERR_LIMIT;
    const enum rill_err err = rill_buf_reserve(buf, name.len + 2 + value.len + 2);
    if (err)
        return err;
    put(buf, name);
    put(buf, RILL_BYTES(": "));
    put(buf, value);
    put(buf, RILL_BYTES("\r\n"));
    return RILL_OK;
}

enum rill_err rill_headers_end(struct rill_buf *buf)
{
    return rill_buf_append(buf, RILL_BYTES("\r\n"));
}
