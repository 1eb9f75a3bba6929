// SPDX-License-Identifier: Apache-2.0
#include "ws_frame.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(ws_frame);

static size_t put_frame(uint8_t *out, uint8_t first, const uint8_t *payload, size_t len,
                        const uint8_t mask[4])
{
    size_t at = ws_encode_head(out, WS_BINARY, len);
    out[0] = first;
    out[1] |= 0x80;
    memcpy(out + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        out[at + i] = payload[i] ^ mask[i % 4];
    return at + len;
}

/* Feeds the stream in random pieces and collects the payload of data frames; returns its length. */
static size_t decode_in_pieces(const uint8_t *stream, size_t len, struct rill_random *random, uint8_t *out)
{
    struct ws_decoder decoder = {0};
    size_t total = 0;
    for (size_t at = 0; at < len;) {
        uint8_t piece[512];
        size_t piece_len = 1 + rill_random_below(random, sizeof piece);
        piece_len = piece_len < len - at ? piece_len : len - at;
        memcpy(piece, stream + at, piece_len);
        at += piece_len;
        for (size_t used_all = 0; used_all < piece_len;) {
            size_t used = 0;
            struct rill_bytes payload = {0};
            const enum ws_event event =
                ws_decode(&decoder, piece + used_all, piece_len - used_all, &used, &payload);
            cr_assert(ne(int, event, WS_EVENT_BAD));
            used_all += used;
            if (event != WS_EVENT_DATA)
                continue;
            memcpy(out + total, payload.data, payload.len);
            total += payload.len;
        }
    }
    return total;
}

// Frames of all three forms of length, fragments and control frames between them: the payload comes out as it
// went in.
Test(ws_frame, payload_survives_any_cut)
{
    const char *given = getenv("RILL_SEED");
    struct rill_random random = {given ? strtoull(given, NULL, 10) : 20260819};
    cr_log_info("RILL_SEED=%llu", (unsigned long long)random.state);
    static const size_t sizes[] = {0, 1, 125, 126, 1000, 65535, 65536, 70000};
    enum { STREAM_MAX = 1024 * 1024 };
    uint8_t *stream = malloc(STREAM_MAX), *payload = malloc(STREAM_MAX), *out = malloc(STREAM_MAX);
    for (int round = 0; round < 50; round++) {
        size_t stream_len = 0, payload_len = 0;
        for (int frame = 0; frame < 6; frame++) {
            const size_t len = sizes[rill_random_below(&random, sizeof sizes / sizeof sizes[0])];
            const uint64_t mask = rill_random_next(&random);
            for (size_t i = 0; i < len; i++)
                payload[payload_len + i] = (uint8_t)rill_random_next(&random);
            const uint8_t first = (uint8_t)((frame ? 0 : WS_BINARY) | (frame == 5 ? 0x80 : 0)); // one message
            stream_len +=
                put_frame(stream + stream_len, first, payload + payload_len, len, (const uint8_t *)&mask);
            stream_len += put_frame(stream + stream_len, 0x80 | WS_PING, payload, 5, (const uint8_t *)&mask);
            payload_len += len;
        }
        cr_assert(eq(sz, decode_in_pieces(stream, stream_len, &random, out), payload_len));
        cr_assert(eq(int, memcmp(out, payload, payload_len), 0));
    }
    free(stream);
    free(payload);
    free(out);
}

// What RFC 6455 forbids a client is refused as soon as the head is there.
Test(ws_frame, bad_heads_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } rows[] = {
        {"\x82\x01\0\0\0\0", 6, "not masked"},
        {"\xc2\x81\0\0\0\0", 6, "a reserved bit"},
        {"\x83\x81\0\0\0\0", 6, "a reserved opcode"},
        {"\x80\x81\0\0\0\0", 6, "a continuation of nothing"},
        {"\x09\x81\0\0\0\0", 6, "a control frame in pieces"},
        {"\x89\xfe\0\x7e\0\0\0\0", 8, "a control frame that is too long"},
        {"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 14, "a length of more than 63 bits"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ws_decoder decoder = {0};
        uint8_t input[16];
        size_t used;
        struct rill_bytes payload;
        memcpy(input, rows[i].bytes, rows[i].len);
        const enum ws_event event = ws_decode(&decoder, input, rows[i].len, &used, &payload);
        cr_expect(eq(int, event, WS_EVENT_BAD), "%s", rows[i].why);
    }
}
