// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(client_outbox);

static void put(struct rill_buf *buf, const char *text)
{
    cr_assert(eq(int, (int)rill_buf_append(buf, rill_bytes_from_cstr(text)), RILL_OK));
}

static bool takes(struct outbox *outbox, const char *text)
{
    return rill_bytes_equal_cstr(outbox_take(outbox), text);
}

// Before there is a link only the front goes out; then what was held back follows in order.
Test(client_outbox, the_front_goes_first)
{
    struct outbox outbox;
    outbox_init(&outbox, 1000);
    put(&outbox.out, "PUB a 0\r\n\r\n");
    cr_expect(takes(&outbox, ""));
    put(&outbox.front, "CONNECT {}\r\n");
    cr_expect(takes(&outbox, "CONNECT {}\r\n"));
    outbox_sent(&outbox, 12);
    cr_expect(takes(&outbox, ""));
    outbox_release(&outbox);
    cr_expect(takes(&outbox, "PUB a 0\r\n\r\n"));
    outbox_fini(&outbox);
}

// A send that took a part only is followed by the rest, whatever was appended meanwhile.
Test(client_outbox, a_partial_send_goes_on_where_it_stopped)
{
    struct outbox outbox;
    outbox_init(&outbox, 1000);
    outbox_release(&outbox);
    put(&outbox.out, "PUB a 2\r\nhi\r\n");
    cr_expect(takes(&outbox, "PUB a 2\r\nhi\r\n"));
    outbox_sent(&outbox, 5);
    put(&outbox.out, "PING\r\n");
    cr_expect(takes(&outbox, " 2\r\nhi\r\n"));
    outbox_sent(&outbox, 8);
    cr_expect(takes(&outbox, "PING\r\n"));
    cr_expect(eq(sz, outbox_bytes(&outbox), 6));
    outbox_fini(&outbox);
}

// When the link is lost, publishes that nobody can have seen are kept in order; what was begun, and what
// belonged to the old link, is not.
Test(client_outbox, a_loss_keeps_the_publishes_that_were_not_begun)
{
    struct outbox outbox;
    outbox_init(&outbox, 1000);
    outbox_release(&outbox);
    put(&outbox.out, "PUB a 1\r\n1\r\nPUB a 1\r\n2\r\nSUB x 1\r\nPUB a 1\r\n3\r\n");
    cr_assert(gt(sz, outbox_take(&outbox).len, 0));
    outbox_sent(&outbox, 13); // all of the first, a byte of the second
    put(&outbox.out, "PING\r\nHPUB b 12 14\r\nNATS/1.0\r\n\r\nhi\r\nUNSUB 1\r\n");
    put(&outbox.front, "PONG\r\n");
    cr_expect(eq(sz, outbox_lost(&outbox, 1000, NULL, NULL), 0));
    cr_expect(takes(&outbox, ""));
    outbox_release(&outbox);
    cr_expect(takes(&outbox, "PUB a 1\r\n3\r\nHPUB b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"));
    outbox_fini(&outbox);
}

static void note_reply(void *context, struct rill_bytes reply)
{
    struct rill_buf *seen = context;
    cr_assert(eq(int, (int)rill_buf_appendf(seen, "[" RILL_PRI "]", RILL_ARG(reply)), RILL_OK));
}

// Whoever asked is told which publishes were kept, and of no other.
Test(client_outbox, a_loss_tells_what_it_keeps)
{
    struct outbox outbox;
    struct rill_buf seen;
    rill_buf_init(&seen, 100);
    outbox_init(&outbox, 1000);
    outbox_release(&outbox);
    put(&outbox.out, "PUB a r1 1\r\n1\r\nPUB a r2 1\r\n2\r\n");
    cr_assert(gt(sz, outbox_take(&outbox).len, 0));
    outbox_sent(&outbox, 3);
    put(&outbox.out, "PUB a 1\r\n3\r\nPUB a r4 1\r\n4\r\n");
    cr_expect(eq(sz, outbox_lost(&outbox, 30, note_reply, &seen), 1));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&seen), "[r2][]"));
    rill_buf_fini(&seen);
    outbox_fini(&outbox);
}

// What is above the limit is dropped and counted, the older being kept.
Test(client_outbox, a_loss_counts_what_it_drops)
{
    struct outbox outbox;
    outbox_init(&outbox, 1000);
    outbox_release(&outbox);
    put(&outbox.out, "PUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n");
    cr_expect(eq(sz, outbox_lost(&outbox, 25, NULL, NULL), 1));
    cr_expect(eq(sz, outbox_bytes(&outbox), 24));
    cr_expect(eq(sz, outbox_drop(&outbox), 2));
    cr_expect(eq(sz, outbox_bytes(&outbox), 0));
    outbox_fini(&outbox);
}

// A burst gives its memory back when it has been sent.
Test(client_outbox, a_burst_gives_its_memory_back)
{
    enum { BURST = 4 * 1024 * 1024 };
    struct outbox outbox;
    outbox_init(&outbox, 2 * BURST);
    outbox_release(&outbox);
    cr_assert(eq(int, (int)rill_buf_reserve(&outbox.out, BURST), RILL_OK));
    memset(outbox.out.data, 'x', BURST);
    outbox.out.len = BURST;
    cr_expect(eq(sz, outbox_take(&outbox).len, BURST));
    outbox_sent(&outbox, BURST);
    cr_expect(takes(&outbox, ""));
    cr_expect(lt(sz, outbox.out.capacity + outbox.flight.capacity, BURST));
    put(&outbox.out, "PING\r\n");
    cr_expect(takes(&outbox, "PING\r\n"));
    outbox_fini(&outbox);
}
