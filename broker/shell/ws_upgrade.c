// SPDX-License-Identifier: Apache-2.0
#include "ws_upgrade.h"

#include "base/assert.h"
#include "sha1.h"

#include <stdio.h>

enum { KEY_BYTES = 24, ACCEPT_BYTES = 28 };

/* Base64 of a digest: 20 bytes become 28 letters, the last of them padding. */
static void encode_digest(const uint8_t digest[SHA1_BYTES], char out[ACCEPT_BYTES + 1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < ACCEPT_BYTES - 1; i++) {
        const size_t bit = i * 6;
        const unsigned high = digest[bit / 8];
        const unsigned low = bit / 8 + 1 < SHA1_BYTES ? digest[bit / 8 + 1] : 0;
        out[i] = letters[((high << 8 | low) >> (10 - bit % 8)) & 63];
    }
    out[ACCEPT_BYTES - 1] = '=';
    out[ACCEPT_BYTES] = '\0';
}

static void accept_for_key(struct rill_bytes key, char out[ACCEPT_BYTES + 1])
{
    char text[KEY_BYTES + 64];
    const int len =
        snprintf(text, sizeof text, RILL_PRI "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", RILL_ARG(key));
    uint8_t digest[SHA1_BYTES];
    sha1(rill_bytes_of(text, (size_t)len), digest);
    encode_digest(digest, out);
}

static size_t format_error(char out[WS_ANSWER_BYTES_MAX], const char *status, const char *extra_header)
{
    const int len =
        snprintf(out, WS_ANSWER_BYTES_MAX, "HTTP/1.1 %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n",
                 status, extra_header);
    RILL_ASSERT(len > 0 && len < WS_ANSWER_BYTES_MAX);
    return (size_t)len;
}

static size_t format_accepted(char out[WS_ANSWER_BYTES_MAX], struct rill_bytes key)
{
    char accept[ACCEPT_BYTES + 1];
    accept_for_key(key, accept);
    const int len =
        snprintf(out, WS_ANSWER_BYTES_MAX,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                 accept);
    RILL_ASSERT(len > 0 && len < WS_ANSWER_BYTES_MAX);
    return (size_t)len;
}

size_t ws_upgrade_answer(const struct http_request *request, char out[WS_ANSWER_BYTES_MAX],
                         bool *ret_accepted)
{
    struct rill_bytes key;
    struct rill_bytes version;
    *ret_accepted = false;
    if (!rill_bytes_equal_cstr(request->method, "GET"))
        return format_error(out, "405 Method Not Allowed", "Allow: GET\r\n");
    if (!http_request_header_has(request, "Upgrade", "websocket") ||
        !http_request_header_has(request, "Connection", "upgrade"))
        return format_error(out, "426 Upgrade Required", "Upgrade: websocket\r\n");
    if (!http_request_header(request, "Sec-WebSocket-Version", &version) ||
        !rill_bytes_equal_cstr(version, "13"))
        return format_error(out, "426 Upgrade Required", "Sec-WebSocket-Version: 13\r\n");
    if (!http_request_header(request, "Sec-WebSocket-Key", &key) || key.len != KEY_BYTES)
        return format_error(out, "400 Bad Request", "");
    *ret_accepted = true;
    return format_accepted(out, key);
}

size_t ws_upgrade_refuse(char out[WS_ANSWER_BYTES_MAX])
{
    return format_error(out, "400 Bad Request", "");
}
