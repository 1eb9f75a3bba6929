// SPDX-License-Identifier: Apache-2.0
#include "proto/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// One to three bytes become four characters.
static void encode_group(const uint8_t *in, size_t len, uint8_t *out)
{
    const uint32_t bits =
        (uint32_t)in[0] << 16 | (len > 1 ? (uint32_t)in[1] << 8 : 0) | (len > 2 ? in[2] : 0u);
    out[0] = (uint8_t)alphabet[bits >> 18];
    out[1] = (uint8_t)alphabet[bits >> 12 & 63];
    out[2] = (uint8_t)(len > 1 ? alphabet[bits >> 6 & 63] : '=');
    out[3] = (uint8_t)(len > 2 ? alphabet[bits & 63] : '=');
}

enum rill_err rill_base64_encode(struct rill_bytes bytes, struct rill_buf *buf)
{
    if (bytes.len > SIZE_MAX / 2)
        return RILL_ERR_LIMIT;
    const enum rill_err err = rill_buf_reserve(buf, (bytes.len + 2) / 3 * 4);
    if (err)
        return err;
    for (size_t i = 0; i < bytes.len; i += 3) {
        encode_group(bytes.data + i, bytes.len - i < 3 ? bytes.len - i : 3, buf->data + buf->len);
        buf->len += 4;
    }
    return RILL_OK;
}

static int digit_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t padding_of(struct rill_bytes text)
{
    if (text.len == 0 || text.data[text.len - 1] != '=')
        return 0;
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

// Four characters, the last `padding` of them "=", become three bytes less the padding.
static bool decode_group(const uint8_t *in, size_t padding, uint8_t *out)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        const int value = i < 4 - padding ? digit_value(in[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i < 3 - padding; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return true;
}

enum rill_err rill_base64_decode(struct rill_bytes text, struct rill_buf *buf)
{
    if (text.len % 4 != 0)
        return RILL_ERR_INVALID;
    if (text.len == 0)
        return RILL_OK;
    const size_t padding = padding_of(text);
    const size_t len = text.len / 4 * 3 - padding;
    const enum rill_err err = rill_buf_reserve(buf, len);
    if (err)
        return err;
    uint8_t *out = buf->data + buf->len;
    for (size_t i = 0; i < text.len; i += 4) {
        if (!decode_group(text.data + i, i + 4 == text.len ? padding : 0, out))
            return RILL_ERR_INVALID;
        out += 3;
    }
    buf->len += len;
    return RILL_OK;
}
