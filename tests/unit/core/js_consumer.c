// SPDX-License-Identifier: Apache-2.0
#include "consumer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

static const struct consumer_limits limits = {.ack_wait_ns = 100, .ack_pending_max = 3, .waiting_max = 2};

static void add_pull(struct consumer *consumer, uint64_t batch, bool no_wait, int64_t expires_at_ns)
{
    const struct consumer_pull_request request = {
        .reply = RILL_BYTES("inbox"), .batch = batch, .no_wait = no_wait, .expires_at_ns = expires_at_ns};
    cr_assert(eq(int, consumer_pull_add(consumer, &request), RILL_OK));
}

/* Delivers what the consumer wants of a stream that ends at `last`; returns how many. */
static uint32_t deliver_all(struct consumer *consumer, uint64_t last, int64_t now_ns)
{
    uint64_t sequence;
    for (uint32_t count = 0;; count++) {
        const enum consumer_want want = consumer_want(consumer, last, &sequence);
        if (want != CONSUMER_WANTS_NEXT && want != CONSUMER_WANTS_AGAIN)
            return count;
        const struct consumer_offer offer = consumer_offer(consumer, sequence);
        consumer_delivered(consumer, sequence, &offer, now_ns);
    }
}

// What was not acknowledged comes again after its ack wait, before anything new.
Test(consumer, a_message_comes_again_after_its_ack_wait)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    uint64_t sequence = 0;
    add_pull(consumer, 10, false, RILL_NEVER_NS);
    cr_expect(eq(u32, deliver_all(consumer, 2, 0), 2));
    cr_expect(eq(int, consumer_ack(consumer, 2), CONSUMER_KNOWS));
    consumer_expire(consumer, 99);
    cr_expect(eq(int, consumer_want(consumer, 2, &sequence), CONSUMER_IS_AT_END));
    consumer_expire(consumer, 100);
    cr_expect(eq(int, consumer_want(consumer, 3, &sequence), CONSUMER_WANTS_AGAIN));
    cr_expect(eq(u64, sequence, 1));
    consumer_destroy(consumer);
}

// Not more than ack_pending_max are out, but those that are out may come again.
Test(consumer, a_full_consumer_gets_nothing_new)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    uint64_t sequence;
    add_pull(consumer, 10, false, RILL_NEVER_NS);
    cr_expect(eq(u32, deliver_all(consumer, 10, 0), 3));
    cr_expect(eq(int, consumer_want(consumer, 10, &sequence), CONSUMER_IS_FULL));
    consumer_expire(consumer, 100);
    cr_expect(eq(int, consumer_want(consumer, 10, &sequence), CONSUMER_WANTS_AGAIN));
    consumer_destroy(consumer);
}

// A pull that does not wait ends when there is nothing; with an expiry it waits for a first message.
Test(consumer, pulls_that_do_not_wait_end_when_unserved)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    add_pull(consumer, 5, true, 1000);
    cr_expect(eq(ptr, consumer_take_unserved(consumer), NULL));
    cr_expect(eq(u32, deliver_all(consumer, 1, 0), 1));
    struct consumer_pull *pull = consumer_take_unserved(consumer);
    cr_assert(ne(ptr, pull, NULL));
    cr_expect(eq(u64, pull->left, 4));
    free(pull);
    add_pull(consumer, 5, true, RILL_NEVER_NS);
    pull = consumer_take_unserved(consumer);
    cr_assert(ne(ptr, pull, NULL));
    free(pull);
    consumer_destroy(consumer);
}

// A pull ends at its time with what is left of it; waiting pulls have a limit.
Test(consumer, pulls_expire_and_are_limited)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    add_pull(consumer, 5, false, 50);
    add_pull(consumer, 6, false, 60);
    const struct consumer_pull_request third = {.reply = RILL_BYTES("x"), .batch = 1};
    cr_expect(eq(int, consumer_pull_add(consumer, &third), RILL_ERR_LIMIT));
    cr_expect(eq(i64, consumer_next_deadline_ns(consumer), 50));
    consumer_expire(consumer, 50);
    struct consumer_pull *pull = consumer_take_expired(consumer);
    cr_assert(ne(ptr, pull, NULL));
    cr_expect(eq(u64, pull->left, 5));
    cr_expect(eq(ptr, consumer_take_expired(consumer), NULL));
    free(pull);
    consumer_destroy(consumer);
}

// Each waiting pull has its turn.
Test(consumer, pulls_take_turns)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    add_pull(consumer, 2, false, RILL_NEVER_NS);
    add_pull(consumer, 2, false, RILL_NEVER_NS);
    cr_expect(eq(u32, deliver_all(consumer, 2, 0), 2));
    cr_expect(eq(u64, consumer->pulls->left, 1));
    cr_expect(eq(u64, consumer->pulls->next->left, 1));
    consumer_destroy(consumer);
}

// After its last delivery a message is given up.
Test(consumer, a_message_is_given_up_after_its_last_delivery)
{
    const struct consumer_limits twice = {
        .ack_wait_ns = 100, .ack_pending_max = 3, .waiting_max = 2, .deliveries_max = 2};
    struct consumer *consumer = consumer_create(&twice, 1);
    add_pull(consumer, 10, false, RILL_NEVER_NS);
    cr_expect(eq(u32, deliver_all(consumer, 1, 0), 1));
    cr_expect(eq(int, consumer_nak(consumer, 1, 0, 0), CONSUMER_KNOWS));
    cr_expect(eq(u32, deliver_all(consumer, 1, 0), 1));
    consumer_expire(consumer, 100);
    cr_expect(eq(u64, consumer->given_up, 1));
    cr_expect(eq(int, consumer_ack(consumer, 1), CONSUMER_IS_DONE));
    consumer_destroy(consumer);
}

// A whole state that contradicts itself is refused.
Test(consumer, a_damaged_state_is_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } table[] = {
        {"", 0, "nothing"},
        {"\x00\x00\x00", 3, "cursor 0"},
        {"\x05\x02\x01", 3, "the outstanding one is missing"},
        {"\x05\x02\x01\x05\x01\x00", 6, "outstanding at the cursor"},
        {"\x05\x02\x01\x04\x00\x00", 6, "outstanding and never delivered"},
        {"\x05\x02\x01\x04\x01\x02", 6, "first delivery before the first one"},
        {"\x05\x02\x02\x04\x01\x00\x00\x01\x00", 9, "one sequence twice"},
        {"\x05\x02\x00\x00", 4, "more behind the end"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct consumer *consumer = consumer_create(&limits, 1);
        const struct rill_bytes bytes = rill_bytes_of(table[i].bytes, table[i].len);
        cr_expect(eq(int, consumer_apply(consumer, CONSUMER_FORM_WHOLE, bytes), RILL_ERR_DAMAGED), "%s",
                  table[i].why);
        consumer_destroy(consumer);
    }
}
