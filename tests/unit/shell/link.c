// SPDX-License-Identifier: Apache-2.0
#include "loop_fixture.h"

#include <stdlib.h>

static struct fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
    const int fd = fixture_pair(&fixture);
    link_socket_open(&fixture.loop, fd, RILL_CONN_UNIX, "unix", 0);
}

static void teardown(void)
{
    fixture_fini(&fixture);
}

TestSuite(link, .init = setup, .fini = teardown);

// What the peer sends reaches the core in order, in as many reads as it takes.
Test(link, input_reaches_the_core)
{
    fixture_say(&fixture, RILL_BYTES("PI"));
    fixture_turn(&fixture);
    fixture_say(&fixture, RILL_BYTES("NG\r\n"));
    fixture_turn(&fixture);
    const struct rill_bytes input = rill_buf_bytes(&fixture.core->conns[0].input);
    cr_expect(rill_bytes_equal_cstr(input, "PING\r\n"));
}

// Output larger than the socket takes arrives whole and in order, although the peer reads slowly.
Test(link, output_larger_than_the_socket_arrives_whole)
{
    enum { BYTES = 8 * 1024 * 1024 };
    uint8_t *sent = malloc(BYTES);
    uint8_t *heard = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        sent[i] = (uint8_t)(i * 31 >> 8);
    fake_conn_send(&fixture.core->conns[0], rill_bytes_of(sent, BYTES));
    cr_expect(eq(sz, fixture_hear(&fixture, heard, BYTES), (size_t)BYTES));
    cr_expect(eq(int, memcmp(sent, heard, BYTES), 0));
    free(sent);
    free(heard);
}

// While the core does not want input, what the peer sends stays in the kernel; then it comes.
Test(link, nothing_is_read_while_input_is_paused)
{
    struct rill_conn *conn = &fixture.core->conns[0];
    fixture_say(&fixture, RILL_BYTES("a"));
    conn->input_paused = true;
    fixture_turn(&fixture);
    fixture_say(&fixture, RILL_BYTES("b"));
    fixture_turn(&fixture);
    cr_expect(eq(sz, conn->input.len, 0));
    conn->input_paused = false;
    conn->touched = true; // may be read again
    loop_take_effects(&fixture.loop);
    fixture_turn(&fixture);
    cr_expect(eq(sz, conn->input.len, 2));
}

// A peer that hangs up while its input is paused does not make the loop spin, and what it sent before is not
// lost.
Test(link, hanging_up_while_paused_is_noticed_later)
{
    struct rill_conn *conn = &fixture.core->conns[0];
    conn->input_paused = conn->touched = true;
    loop_take_effects(&fixture.loop);
    fixture_say(&fixture, RILL_BYTES("last words"));
    (void)close(fixture.peer);
    fixture.peer = -1;
    poller_wait(&fixture.loop.poller, 0);
    cr_expect(eq(int, fixture.loop.poller.event_count, 0));
    conn->input_paused = false;
    conn->touched = true;
    loop_take_effects(&fixture.loop);
    fixture_turn(&fixture);
    fixture_turn(&fixture);
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&conn->input), "last words"));
    cr_expect(eq(str, conn->closed_reason, "Client Closed"));
}

// The last words of the core are written before the connection ends, and the peer gets them although it is
// still sending.
Test(link, last_words_arrive_before_the_end)
{
    uint8_t heard[64];
    fake_conn_send(&fixture.core->conns[0], RILL_BYTES("-ERR 'no'\r\n"));
    fake_conn_finish(&fixture.core->conns[0]);
    fixture_say(&fixture, RILL_BYTES("more of what nobody reads"));
    loop_take_effects(&fixture.loop);
    cr_expect(eq(sz, fixture_hear(&fixture, heard, sizeof heard), 11)); // then the end of the stream
    cr_expect(fixture.core->conns[0].closed);
    cr_expect(eq(sz, fixture.loop.link_count, 1)); // lingers
    (void)shutdown(fixture.peer, SHUT_WR);
    for (int i = 0; i < 3; i++)
        fixture_turn(&fixture);
    cr_expect(eq(sz, fixture.loop.link_count, 0));
}

// When the process ends, nobody is waited for.
Test(link, a_stopping_loop_does_not_linger)
{
    fixture.loop.stopping = true;
    fake_conn_finish(&fixture.core->conns[0]);
    loop_take_effects(&fixture.loop);
    cr_expect(eq(sz, fixture.loop.link_count, 0));
}

// A flooding connection gets one read per turn, so the quiet one beside it is heard in the same turn.
Test(link, each_ready_link_gets_one_read_per_turn)
{
    const int flooder = fixture.peer;
    const int fd = fixture_pair(&fixture);
    link_socket_open(&fixture.loop, fd, RILL_CONN_UNIX, "unix", 0);
    const int big = 4 * LOOP_READ_BYTES_MAX;
    (void)setsockopt(flooder, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
    static char flood[LOOP_READ_BYTES_MAX / 2];
    while (send(flooder, flood, sizeof flood, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    fixture_say(&fixture, RILL_BYTES("x"));
    fixture_turn(&fixture);
    cr_expect(le(sz, fixture.core->conns[0].input.len, (size_t)LOOP_READ_BYTES_MAX));
    cr_expect(eq(sz, fixture.core->conns[1].input.len, 1));
    (void)close(flooder);
}
