// SPDX-License-Identifier: Apache-2.0
#include "consumer_keys.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct consumer_limits limits = {
    .acks = CONSUMER_ACKS_EXPLICIT, .ack_wait_ns = 100, .ack_pending_max = 3};

/* Delivers what the consumer wants of a stream that ends at `last`; returns how many. */
static uint32_t deliver_all(struct consumer *consumer, uint64_t last, int64_t now_ns)
{
    uint64_t sequence;
    for (uint32_t count = 0;; count++) {
        const enum consumer_want want = consumer_want(consumer, last, &sequence);
        if (want != CONSUMER_WANTS_NEXT && want != CONSUMER_WANTS_AGAIN)
            return count;
        consumer_delivered(consumer, sequence, NULL, now_ns);
    }
}

// What was not acknowledged comes again after its ack wait, before anything new.
Test(consumer, a_message_comes_again_after_its_ack_wait)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    uint64_t sequence = 0;
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
    cr_expect(eq(u32, deliver_all(consumer, 10, 0), 3));
    cr_expect(eq(int, consumer_want(consumer, 10, &sequence), CONSUMER_IS_FULL));
    consumer_expire(consumer, 100);
    cr_expect(eq(int, consumer_want(consumer, 10, &sequence), CONSUMER_WANTS_AGAIN));
    consumer_destroy(consumer);
}

// With a backoff each delivery has its own wait, and the last one repeats.
Test(consumer, a_backoff_spreads_deliveries)
{
    static const int64_t backoff_ns[] = {10, 50};
    const struct consumer_limits spread = {.acks = CONSUMER_ACKS_EXPLICIT,
                                           .ack_wait_ns = 10,
                                           .backoff_ns = backoff_ns,
                                           .backoff_count = 2,
                                           .ack_pending_max = 3};
    struct consumer *consumer = consumer_create(&spread, 1);
    int64_t now_ns = 0;
    for (uint32_t i = 0; i < 4; i++) {
        cr_expect(eq(u32, deliver_all(consumer, 1, now_ns), 1));
        now_ns += i == 0 ? 10 : 50;
        cr_expect(eq(i64, consumer_next_deadline_ns(consumer), now_ns));
        consumer_expire(consumer, now_ns);
    }
    consumer_destroy(consumer);
}

// Where one acknowledgement is for all, it ends everything before it, and nothing behind it.
Test(consumer, an_acknowledgement_can_be_one_for_all)
{
    const struct consumer_limits all = {.acks = CONSUMER_ACKS_ALL, .ack_wait_ns = 100, .ack_pending_max = 9};
    struct consumer *consumer = consumer_create(&all, 1);
    cr_expect(eq(u32, deliver_all(consumer, 5, 0), 5));
    cr_expect(eq(int, consumer_ack(consumer, 3), CONSUMER_KNOWS));
    cr_expect(eq(u32, consumer->outstanding.count, 2));
    cr_expect(eq(u64, consumer_ack_floor(consumer).sequence, 3));
    cr_expect(eq(int, consumer_ack(consumer, 2), CONSUMER_IS_DONE));
    cr_expect(eq(int, consumer_ack(consumer, 6), CONSUMER_KNOWS_NOT));
    cr_expect(eq(u32, consumer->outstanding.count, 2));
    consumer_destroy(consumer);
}

// Where nobody acknowledges, what was delivered is done.
Test(consumer, without_acknowledgements_nothing_is_outstanding)
{
    const struct consumer_limits no_acks = {.acks = CONSUMER_ACKS_NONE, .ack_pending_max = 1};
    struct consumer *consumer = consumer_create(&no_acks, 1);
    cr_expect(eq(u32, deliver_all(consumer, 5, 0), 5));
    cr_expect(eq(u64, consumer_ack_floor(consumer).sequence, 5));
    cr_expect(eq(u64, consumer_ack_floor(consumer).consumer_seq, 5));
    cr_expect(eq(i64, consumer_next_deadline_ns(consumer), RILL_NEVER_NS));
    consumer_destroy(consumer);
}

// What is not in the stream any more is not waited for.
Test(consumer, a_purge_ends_what_is_outstanding)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    cr_expect(eq(u32, deliver_all(consumer, 3, 0), 3));
    consumer_purged(consumer, 3);
    cr_expect(eq(u32, consumer->outstanding.count, 1));
    cr_expect(eq(int, consumer_ack(consumer, 2), CONSUMER_IS_DONE));
    cr_expect(eq(int, consumer_ack(consumer, 3), CONSUMER_KNOWS));
    consumer_destroy(consumer);
}

// After a reset everything from there on is delivered anew, under new consumer sequences.
Test(consumer, a_reset_begins_anew)
{
    struct consumer *consumer = consumer_create(&limits, 1);
    cr_expect(eq(u32, deliver_all(consumer, 3, 0), 3));
    consumer_reset(consumer, 2);
    cr_expect(eq(u32, consumer->outstanding.count, 0));
    cr_expect(eq(u32, deliver_all(consumer, 3, 0), 2));
    cr_expect(eq(u64, consumer->consumer_seq, 2));
    consumer_destroy(consumer);
}

// A wait for ever, or one that goes beyond the end of time, has no end.
Test(consumer, an_ack_wait_may_be_for_ever)
{
    static const int64_t waits_ns[] = {RILL_NEVER_NS, RILL_NEVER_NS - 10};
    for (size_t i = 0; i < 2; i++) {
        const struct consumer_limits endless = {
            .acks = CONSUMER_ACKS_ALL, .ack_wait_ns = waits_ns[i], .ack_pending_max = 3};
        struct consumer *consumer = consumer_create(&endless, 1);
        cr_expect(eq(u32, deliver_all(consumer, 2, 1000), 2));
        cr_expect(eq(i64, consumer_next_deadline_ns(consumer), RILL_NEVER_NS));
        consumer_expire(consumer, RILL_NEVER_NS - 1);
        cr_expect(eq(ptr, consumer->ready, NULL));
        consumer_destroy(consumer);
    }
}

// What waits for ever comes again, in its order, when whoever had it is gone, and after a restart.
Test(consumer, a_wait_for_ever_ends_with_the_receiver)
{
    const struct consumer_limits endless = {
        .acks = CONSUMER_ACKS_ALL, .ack_wait_ns = RILL_NEVER_NS, .ack_pending_max = 3};
    struct consumer *consumer = consumer_create(&endless, 1);
    cr_expect(eq(u32, deliver_all(consumer, 3, 0), 3));
    consumer_expire_all(consumer);
    cr_assert(ne(ptr, consumer->ready, NULL));
    cr_expect(eq(u64, consumer->ready->sequence, 1));
    cr_expect(eq(u32, deliver_all(consumer, 3, 0), 3));
    consumer_restart(consumer, 3, 50);
    consumer_expire(consumer, 50);
    cr_assert(ne(ptr, consumer->ready, NULL));
    cr_expect(eq(u64, consumer->ready->sequence, 1));
    cr_expect(eq(u32, deliver_all(consumer, 3, 50), 3));
    consumer_destroy(consumer);
}

// After its last delivery a message is given up, and stays outstanding until that was told.
Test(consumer, a_message_is_given_up_after_its_last_delivery)
{
    const struct consumer_limits twice = {
        .acks = CONSUMER_ACKS_EXPLICIT, .ack_wait_ns = 100, .ack_pending_max = 3, .deliveries_max = 2};
    struct consumer *consumer = consumer_create(&twice, 1);
    cr_expect(eq(u32, deliver_all(consumer, 1, 0), 1));
    cr_expect(eq(int, consumer_nak(consumer, 1, 0, 0), CONSUMER_KNOWS));
    cr_expect(eq(u32, deliver_all(consumer, 1, 0), 1));
    cr_expect(eq(ptr, (void *)consumer_given_up(consumer), NULL));
    consumer_expire(consumer, 100);
    cr_assert(ne(ptr, (void *)consumer_given_up(consumer), NULL));
    cr_expect(eq(u32, consumer_given_up(consumer)->delivered, 2));
    cr_expect(eq(u32, consumer->outstanding.count, 1));
    consumer_bury(consumer);
    cr_expect(eq(ptr, (void *)consumer_given_up(consumer), NULL));
    cr_expect(eq(int, consumer_ack(consumer, 1), CONSUMER_IS_DONE));
    consumer_destroy(consumer);
}

// Of one subject no more than the limit is out; the others go on, and its turn comes in order, also after a restart.
Test(consumer, a_subject_waits_for_its_turn)
{
    const struct consumer_limits per_subject = {.acks = CONSUMER_ACKS_EXPLICIT,
                                                .ack_wait_ns = 100,
                                                .ack_pending_max = 9,
                                                .ack_pending_per_subject_max = 1};
    struct consumer *consumer = consumer_create(&per_subject, 1);
    uint64_t sequence = 0;
    consumer_delivered(consumer, 1, consumer_key_take(consumer, RILL_BYTES("a")), 0);
    consumer_park(consumer, consumer_key_take(consumer, RILL_BYTES("a"))); // 2
    consumer_park(consumer, consumer_key_take(consumer, RILL_BYTES("a"))); // 3
    consumer_delivered(consumer, 4, consumer_key_take(consumer, RILL_BYTES("b")), 0);
    cr_expect(eq(u32, consumer_ack_pending(consumer), 2));
    cr_expect(eq(int, consumer_ack(consumer, 2), CONSUMER_KNOWS_NOT), "it was never delivered");
    cr_expect(eq(int, consumer_want(consumer, 4, &sequence), CONSUMER_IS_AT_END));
    cr_expect(eq(int, consumer_ack(consumer, 1), CONSUMER_KNOWS));
    cr_expect(eq(int, consumer_want(consumer, 4, &sequence), CONSUMER_WANTS_AGAIN));
    cr_expect(eq(u64, sequence, 2));
    cr_expect(eq(u32, consumer_offer(consumer, 2).delivered, 1));
    consumer_delivered(consumer, 2, NULL, 0);
    cr_expect(eq(int, consumer_want(consumer, 4, &sequence), CONSUMER_IS_AT_END));
    cr_expect(eq(int, consumer_ack(consumer, 2), CONSUMER_KNOWS));
    cr_expect(eq(int, consumer_want(consumer, 4, &sequence), CONSUMER_WANTS_AGAIN));
    cr_expect(eq(u64, sequence, 3));
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
        {"\x05\x02\x01\x05\x02\x00", 6, "outstanding at the cursor"},
        {"\x05\x02\x01\x04\x02\x02", 6, "first delivery before the first one"},
        {"\x05\x02\x02\x04\x02\x00\x00\x02\x00", 9, "one sequence twice"},
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
