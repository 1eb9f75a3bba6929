// SPDX-License-Identifier: Apache-2.0
#include "puller.h"
#include "seed.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(client_puller);

static const struct puller_config config = {
    .prefetch = 100, .expires_ns = 1000, .heartbeat_ns = 100, .retry_ns = 50};

static struct puller fresh(void)
{
    struct puller puller;
    puller_init(&puller, &config, 0);
    return puller;
}

// It asks for the whole prefetch at first, and again when half of it is left.
Test(client_puller, it_asks_when_half_is_left)
{
    struct puller puller = fresh();
    cr_expect(eq(u32, puller_ask(&puller, 0), 100));
    cr_expect(eq(u32, puller_ask(&puller, 0), 0));
    for (int i = 0; i < 100; i++)
        puller_message(&puller, 1);
    for (int i = 0; i < 49; i++)
        puller_taken(&puller);
    cr_expect(eq(u32, puller_ask(&puller, 2), 0));
    puller_taken(&puller);
    cr_expect(eq(u32, puller_ask(&puller, 2), 50));
}

// A server that misses two heartbeats is asked anew; one that shows itself is not.
Test(client_puller, two_missed_heartbeats_begin_anew)
{
    struct puller puller = fresh();
    cr_expect(eq(u32, puller_ask(&puller, 0), 100));
    puller_status(&puller, 100, RILL_BYTES("Idle Heartbeat"), -1, 150);
    puller_tick(&puller, 349);
    cr_expect(eq(u32, puller_ask(&puller, 349), 0));
    cr_expect(eq(i64, puller_deadline_ns(&puller), 350));
    puller_tick(&puller, 350);
    cr_expect(eq(u32, puller_ask(&puller, 350), 100));
}

// Another link owes nothing of what was asked on the old one.
Test(client_puller, a_new_link_begins_anew)
{
    struct puller puller = fresh();
    cr_expect(eq(u32, puller_ask(&puller, 0), 100));
    puller_message(&puller, 1);
    puller_link_up(&puller, 2);
    cr_expect(eq(u32, puller_ask(&puller, 2), 99));
}

static const struct {
    uint32_t code;
    struct rill_bytes text;
    int64_t left;
    uint32_t asks;       // at once
    uint32_t asks_later; // after the retry time
    enum rill_err ended;
    const char *why;
} statuses[] = {
    {408, RILL_BYTES("Request Timeout"), 100, 100, 0, RILL_OK, "the request is over, nothing came"},
    {408, RILL_BYTES("Request Timeout"), 40, 0, 0, RILL_OK, "a part of what is owed is over"},
    {404, RILL_BYTES("No Messages"), -1, 100, 0, RILL_OK, "without a number it is all over"},
    {409, RILL_BYTES("Batch Completed"), 100, 100, 0, RILL_OK, "bytes were used up"},
    {409, RILL_BYTES("Server Shutdown"), -1, 0, 100, RILL_OK, "later"},
    {409, RILL_BYTES("Leadership Change"), -1, 0, 100, RILL_OK, "later"},
    {409, RILL_BYTES("Exceeded MaxWaiting"), -1, 0, 100, RILL_OK, "later"},
    {503, RILL_BYTES(""), -1, 0, 100, RILL_OK, "nobody is there"},
    {409, RILL_BYTES("Consumer Deleted"), -1, 0, 0, RILL_ERR_NOT_FOUND, "gone for good"},
    {409, RILL_BYTES("Consumer is push based"), -1, 0, 0, RILL_ERR_INVALID, "asked in vain"},
    {400, RILL_BYTES("Bad Request"), -1, 0, 0, RILL_ERR_INVALID, "asked wrongly"},
};

// What a server says decides whether it is asked at once, later or never again.
Test(client_puller, a_status_decides_when_to_ask_again)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct puller puller = fresh();
        cr_expect(eq(u32, puller_ask(&puller, 0), 100));
        puller_status(&puller, statuses[i].code, statuses[i].text, statuses[i].left, 10);
        cr_expect(eq(u32, puller_ask(&puller, 10), statuses[i].asks), "%s", statuses[i].why);
        cr_expect(eq(u32, puller_ask(&puller, 60), statuses[i].asks_later), "%s", statuses[i].why);
        cr_expect(eq(int, (int)puller.ended, (int)statuses[i].ended), "%s", statuses[i].why);
    }
}

// Whatever happens: it never holds or asks for more than it may, and never stands still: as long as it goes on,
// and nothing is held, there is a time at which it asks.
Test(client_puller, it_never_stands_still)
{
    const struct seed_range seeds = seed_range(300);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {seed};
        struct puller puller = fresh();
        int64_t now_ns = 0;
        for (int step = 0; step < 500; step++) {
            now_ns += rill_random_below(&random, 60);
            switch (rill_random_below(&random, 6)) {
            case 0:
                if (puller.asked)
                    puller_message(&puller, now_ns);
                break;
            case 1:
                puller_taken(&puller);
                break;
            case 2:
                puller_status(&puller, rill_random_chance(&random, 1, 2) ? 408 : 503, RILL_BYTES("x"),
                              (int64_t)rill_random_below(&random, 120) - 10, now_ns);
                break;
            case 3:
                puller_link_up(&puller, now_ns);
                break;
            default:
                puller_tick(&puller, now_ns);
            }
            (void)puller_ask(&puller, now_ns);
            const bool holds = puller.asked + puller.held <= config.prefetch &&
                               (puller.held || puller_deadline_ns(&puller) != RILL_NEVER_NS);
            cr_assert(holds, "RILL_SEED=%llu step %d", (unsigned long long)seed, step);
        }
    }
}
