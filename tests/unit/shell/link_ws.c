// SPDX-License-Identifier: Apache-2.0
#include "loop_fixture.h"

#include "ws_frame.h"

#include <stdlib.h>

static struct fixture fixture;

#define UPGRADE                                                                                              \
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"                 \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void setup(void)
{
    fixture_init(&fixture);
    link_ws_open(&fixture.loop, fixture_pair(&fixture), "127.0.0.1", 1, 200 * RILL_NS_PER_MS);
}

static void teardown(void)
{
    fixture_fini(&fixture);
}

TestSuite(link_ws, .init = setup, .fini = teardown);

/* A masked frame as clients send it; returns its length. */
static size_t client_frame(uint8_t *out, enum ws_opcode opcode, struct rill_bytes payload)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    size_t len = ws_encode_head(out, opcode, payload.len);
    out[1] |= 0x80;
    memcpy(out + len, mask, sizeof mask);
    len += sizeof mask;
    for (size_t i = 0; i < payload.len; i++)
        out[len + i] = payload.data[i] ^ mask[i % 4];
    return len + payload.len;
}

/* Reads the answer to the handshake away. */
static void upgrade(void)
{
    static const char end[] = "\r\n\r\n";
    char answer[512] = "";
    size_t len = 0;
    fixture_say(&fixture, RILL_BYTES(UPGRADE));
    fixture_turn(&fixture);
    cr_assert(eq(sz, fixture.core->conn_count, 1));
    fake_conn_send(&fixture.core->conns[0], RILL_BYTES("INFO"));
    loop_take_effects(&fixture.loop);
    while (len < sizeof answer - 1 && !strstr(answer, end) && recv(fixture.peer, answer + len, 1, 0) == 1)
        len++;
    cr_assert(strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != NULL);
    uint8_t frame[6];
    cr_assert(eq(sz, fixture_hear(&fixture, frame, sizeof frame), 6));
    cr_assert(eq(int, memcmp(frame, "\x82\x04INFO", 6), 0));
}

// The core gets to know the connection when the handshake is complete, and its bytes go out as binary frames.
Test(link_ws, upgrades_then_sends_binary_frames)
{
    upgrade();
}

// The payload of frames reaches the core as one run of bytes, wherever the stream is cut.
Test(link_ws, payload_reaches_the_core_however_it_is_cut)
{
    uint8_t stream[64];
    upgrade();
    size_t len = client_frame(stream, WS_BINARY, RILL_BYTES("PUB a 2\r\n"));
    len += client_frame(stream + len, WS_TEXT, RILL_BYTES("hi\r\n"));
    for (size_t i = 0; i < len; i++) {
        fixture_say(&fixture, rill_bytes_of(stream + i, 1));
        fixture_turn(&fixture);
    }
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&fixture.core->conns[0].input), "PUB a 2\r\nhi\r\n"));
}

// Frames may follow the handshake in the same segment.
Test(link_ws, frames_right_behind_the_handshake_are_not_lost)
{
    uint8_t stream[512];
    memcpy(stream, UPGRADE, sizeof UPGRADE - 1);
    const size_t len = sizeof UPGRADE - 1;
    fixture_say(&fixture,
                rill_bytes_of(stream, len + client_frame(stream + len, WS_BINARY, RILL_BYTES("PING\r\n"))));
    fixture_turn(&fixture);
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&fixture.core->conns[0].input), "PING\r\n"));
}

// A ping is answered between two frames, never inside of one, even when the peer does not read for a while.
Test(link_ws, pongs_do_not_cut_frames)
{
    enum { BYTES = 4 * 1024 * 1024, FRAMES_ROOM = 4096 };
    uint8_t ping[32];
    uint8_t *output = calloc(1, BYTES);
    uint8_t *heard = malloc(BYTES + FRAMES_ROOM);
    upgrade();
    fake_conn_send(&fixture.core->conns[0], rill_bytes_of(output, BYTES));
    loop_take_effects(&fixture.loop);
    for (int i = 0; i < 100; i++) {
        fixture_say(&fixture, rill_bytes_of(ping, client_frame(ping, WS_PING, RILL_BYTES("ping"))));
        fixture_turn(&fixture);
    }
    fake_conn_finish(&fixture.core->conns[0]);
    const size_t len = fixture_hear(&fixture, heard, BYTES + FRAMES_ROOM);
    size_t payload = 0;
    size_t pongs = 0;
    size_t at = 0;
    while (at < len && heard[at] != 0x88) {
        const uint8_t head = heard[at + 1];
        uint64_t bytes = head;
        size_t head_len = 2;
        if (head >= 126) {
            head_len += head == 126 ? 2 : 8;
            bytes = 0;
            for (size_t i = 2; i < head_len; i++)
                bytes = bytes << 8 | heard[at + i];
        }
        payload += heard[at] == 0x82 ? bytes : 0;
        pongs += heard[at] == 0x8a;
        at += head_len + bytes;
    }
    cr_expect(eq(sz, payload, (size_t)BYTES));
    cr_expect(ge(sz, pongs, 1));
    cr_expect(eq(sz, len - at, 4)); // the close frame, and nothing behind it
    free(output);
    free(heard);
}

// Against the protocol: an unmasked frame is answered with close code 1002, and the connection ends.
Test(link_ws, an_unmasked_frame_ends_the_connection)
{
    uint8_t heard[8];
    upgrade();
    fixture_say(&fixture, RILL_BYTES("\x82\x01x"));
    cr_expect(eq(sz, fixture_hear(&fixture, heard, sizeof heard), 4));
    cr_expect(eq(int, memcmp(heard, "\x88\x02\x03\xea", 4), 0));
    cr_expect(fixture.core->conns[0].closed);
}

// Who asks for something else gets an HTTP error, and the core never hears of it.
Test(link_ws, a_plain_request_is_refused)
{
    uint8_t heard[512];
    fixture_say(&fixture, RILL_BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    cr_expect(gt(sz, fixture_hear(&fixture, heard, sizeof heard), 12));
    cr_expect(eq(int, memcmp(heard, "HTTP/1.1 426", 12), 0));
    cr_expect(eq(sz, fixture.core->conn_count, 0));
}

// Who says nothing is let go when the time for the handshake is over.
Test(link_ws, silence_ends_the_handshake)
{
    uint8_t heard[8];
    cr_expect(eq(sz, fixture_hear(&fixture, heard, sizeof heard), 0));
    cr_expect(eq(sz, fixture.loop.link_count, 0));
}
