// SPDX-License-Identifier: Apache-2.0
//
// JSON strings as Go's encoding/json writes them: clients compare them with what nats-server sends, and some
// of them embed the result in HTML, for which Go escapes < > & too.
#include "proto/json_codec.h"

static bool is_continuation(uint8_t c)
{
    return (c & 0xC0) == 0x80;
}

// The length of the UTF-8 sequence in front; 0 when there is none: a wrong byte, an overlong form, a
// surrogate half, a number above U+10FFFF, or a sequence that is cut.
static size_t utf8_len(struct rill_bytes text)
{
    const uint8_t *c = text.data;
    if (c[0] < 0x80)
        return 1;
    if (c[0] >= 0xC2 && c[0] <= 0xDF)
        return text.len >= 2 && is_continuation(c[1]) ? 2 : 0;
    if (c[0] >= 0xE0 && c[0] <= 0xEF) {
        const uint8_t low = c[0] == 0xE0 ? 0xA0 : 0x80;
        const uint8_t high = c[0] == 0xED ? 0x9F : 0xBF;
        return text.len >= 3 && c[1] >= low && c[1] <= high && is_continuation(c[2]) ? 3 : 0;
    }
    if (c[0] >= 0xF0 && c[0] <= 0xF4) {
        const uint8_t low = c[0] == 0xF0 ? 0x90 : 0x80;
        const uint8_t high = c[0] == 0xF4 ? 0x8F : 0xBF;
        return text.len >= 4 && c[1] >= low && c[1] <= high && is_continuation(c[2]) && is_continuation(c[3])
                   ? 4
                   : 0;
    }
    return 0;
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static enum rill_err append_escaped(struct rill_buf *buf, uint8_t c)
{
    switch (c) {
    case '"':
        return rill_buf_append(buf, RILL_BYTES("\\\""));
    case '\\':
        return rill_buf_append(buf, RILL_BYTES("\\\\"));
    case '\b':
        return rill_buf_append(buf, RILL_BYTES("\\b"));
    case '\f':
        return rill_buf_append(buf, RILL_BYTES("\\f"));
    case '\n':
        return rill_buf_append(buf, RILL_BYTES("\\n"));
    case '\r':
        return rill_buf_append(buf, RILL_BYTES("\\r"));
    case '\t':
        return rill_buf_append(buf, RILL_BYTES("\\t"));
    default:
        return rill_buf_appendf(buf, "\\u%04x", c);
    }
}

// Appends the sequence in front of text, which is not a plain character, and says how long it is.
static enum rill_err append_special(struct rill_buf *buf, struct rill_bytes text, size_t *ret_len)
{
    const size_t len = utf8_len(text);
    *ret_len = len ? len : 1;
    if (len == 0)
        return rill_buf_append(buf, RILL_BYTES("\\ufffd"));
    if (len == 1)
        return append_escaped(buf, text.data[0]);
    const struct rill_bytes sequence = rill_bytes_of(text.data, len);
    if (rill_bytes_equal_cstr(sequence, "\xE2\x80\xA8"))
        return rill_buf_append(buf, RILL_BYTES("\\u2028"));
    if (rill_bytes_equal_cstr(sequence, "\xE2\x80\xA9"))
        return rill_buf_append(buf, RILL_BYTES("\\u2029"));
    return rill_buf_append(buf, sequence);
}

static size_t plain_len(struct rill_bytes text)
{
    size_t len = 0;
    while (len < text.len && is_plain(text.data[len]))
        len++;
    return len;
}

enum rill_err rill_json_append_string(struct rill_buf *buf, struct rill_bytes text)
{
    enum rill_err err = rill_buf_append(buf, RILL_BYTES("\""));
    while (!err && text.len) {
        size_t len = plain_len(text);
        if (len)
            err = rill_buf_append(buf, rill_bytes_of(text.data, len));
        else
            err = append_special(buf, text, &len);
        text = rill_bytes_from(text, len);
    }
    return err ? err : rill_buf_append(buf, RILL_BYTES("\""));
}
