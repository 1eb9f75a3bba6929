// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct outbox outbox;

static void make_outbox(void)
{
    cr_assert(outbox_init(&outbox, OUTBOX_WINDOW + 1, 0));
}

static void remove_outbox(void)
{
    outbox_fini(&outbox);
}

TestSuite(outbox, .init = make_outbox, .fini = remove_outbox, .timeout = 20);

static void expect_send(size_t wanted)
{
    size_t index = SIZE_MAX;
    cr_assert(outbox_take(&outbox, &index) == OUTBOX_SEND);
    cr_assert(eq(sz, index, wanted));
}

// Orders go out in their order, and the one behind a full window only when another has been acknowledged.
Test(outbox, a_full_window_opens_with_an_acknowledgement)
{
    for (size_t i = 0; i < OUTBOX_WINDOW; i++)
        expect_send(i);
    cr_expect(eq(sz, outbox.sent, OUTBOX_WINDOW));
    outbox_acknowledge(&outbox, 7);
    expect_send(OUTBOX_WINDOW);
}

// An order whose sending failed goes out again before those that come after it.
Test(outbox, a_failed_order_goes_out_again)
{
    expect_send(0);
    expect_send(1);
    outbox_fail(&outbox, 0);
    expect_send(0);
    expect_send(2);
}

// After a reconnect all that is sent and not acknowledged goes out again, and nothing that is.
Test(outbox, a_reconnect_brings_back_what_is_not_acknowledged)
{
    for (size_t i = 0; i < 3; i++)
        expect_send(i);
    outbox_acknowledge(&outbox, 1);
    outbox_note_reconnect(&outbox);
    size_t index;
    cr_assert(outbox_take(&outbox, &index) == OUTBOX_TAKE_BACK);
    outbox_take_back(&outbox);
    expect_send(0);
    expect_send(2);
    expect_send(3);
}

// It is done when each order is acknowledged, be it twice, late, or out of order.
Test(outbox, it_is_done_when_each_order_is_acknowledged)
{
    expect_send(0);
    outbox_take_back(&outbox);
    for (size_t i = outbox.orders; i-- > 0;) {
        outbox_acknowledge(&outbox, i);
        outbox_acknowledge(&outbox, i);
        outbox_fail(&outbox, i);
        cr_expect(outbox_is_acknowledged(&outbox, i));
    }
    size_t index;
    cr_expect(outbox_take(&outbox, &index) == OUTBOX_DONE);
    cr_expect(eq(sz, outbox.sent, 0));
}
