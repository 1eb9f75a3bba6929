// SPDX-License-Identifier: Apache-2.0
#include "sub.h"
#include "wait.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(client_sub);

static struct rill_sub *sub_with(struct rill_subscribe want)
{
    struct rill_sub *sub;
    want.subject = "a";
    cr_assert(eq(int, (int)sub_create(NULL, &want, NULL, 1, NULL, &sub), RILL_OK));
    return sub;
}

static struct sub_taken put(struct rill_sub *sub, size_t count)
{
    struct msg_run run = {0};
    for (size_t i = 0; i < count; i++) {
        const struct rill_command command = {.subject = RILL_BYTES("a"), .payload = RILL_BYTES("0123456789")};
        struct rill_msg *msg = msg_create(&command);
        msg->next = run.first;
        run.first = msg;
        run.last = run.last ? run.last : msg;
    }
    return sub_take_run(sub, &run);
}

static enum rill_err next(struct rill_sub *sub)
{
    struct rill_msg *msg = NULL;
    const enum rill_err err = sub_next(sub, wait_now_ns(), &msg);
    rill_msg_unref(msg);
    return err;
}

// At the limit the new message is dropped and counted; it is told once, until the queue was half empty.
Test(client_sub, the_limit_drops_counts_and_tells_once)
{
    struct rill_sub *sub = sub_with((struct rill_subscribe){.pending_msgs_max = 4});
    struct sub_taken taken = put(sub, 5);
    cr_expect(taken.slow_began);
    cr_expect(eq(u64, taken.dropped, 1));
    taken = put(sub, 1);
    cr_expect(not(taken.slow_began));
    cr_expect(eq(int, (int)next(sub), RILL_OK));
    cr_expect(eq(int, (int)next(sub), RILL_OK));
    taken = put(sub, 3);
    cr_expect(taken.slow_began);
    struct rill_sub_stats stats;
    rill_sub_stats(sub, &stats);
    cr_expect(eq(u64, stats.received_msgs, 9));
    cr_expect(eq(u64, stats.dropped_msgs, 3));
    cr_expect(eq(sz, stats.pending_msgs_peak, 4));
    sub_unref(sub);
}

// Bytes are limited as messages are.
Test(client_sub, bytes_are_limited_too)
{
    struct rill_sub *sub = sub_with((struct rill_subscribe){.pending_bytes_max = 25});
    const struct sub_taken taken = put(sub, 3);
    cr_expect(eq(u64, taken.dropped, 1));
    sub_unref(sub);
}

// After so many messages nothing more comes; what came can be taken, then it is closed.
Test(client_sub, it_ends_after_max_msgs)
{
    struct rill_sub *sub = sub_with((struct rill_subscribe){.max_msgs = 2});
    const struct sub_taken taken = put(sub, 3);
    cr_expect(taken.finished);
    cr_expect(eq(int, (int)next(sub), RILL_OK));
    cr_expect(eq(int, (int)next(sub), RILL_OK));
    cr_expect(eq(int, (int)next(sub), RILL_ERR_CLOSED));
    sub_unref(sub);
}

// On a new link only what is left of the maximum is asked for.
Test(client_sub, a_new_link_asks_for_what_is_left)
{
    struct rill_sub *sub = sub_with((struct rill_subscribe){.max_msgs = 10});
    cr_expect(eq(u64, put(sub, 3).dropped, 0));
    cr_expect(eq(u64, sub_new_link(sub), 7));
    uint64_t left = 0;
    cr_expect(not(sub_limit(sub, 5, &left)));
    cr_expect(eq(u64, left, 2));
    cr_expect(sub_limit(sub, 3, &left));
    sub_unref(sub);
}

// An empty queue is a time-out, a closed one is closed at once, whatever is in it.
Test(client_sub, closing_drops_and_ends)
{
    struct rill_sub *sub = sub_with((struct rill_subscribe){.max_msgs = 0});
    cr_expect(eq(int, (int)next(sub), RILL_ERR_TIMEOUT));
    cr_expect(eq(u64, put(sub, 3).dropped, 0));
    sub_close(sub);
    cr_expect(eq(int, (int)next(sub), RILL_ERR_CLOSED));
    sub_unref(sub);
}
