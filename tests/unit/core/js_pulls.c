// SPDX-License-Identifier: Apache-2.0
#include "pulls.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

static const struct pulls_terms no_terms = {0};

static struct pull *add(struct pulls *pulls, struct pulls_request request)
{
    if (!request.reply.len)
        request.reply = RILL_BYTES("inbox");
    if (!request.expires_at_ns)
        request.expires_at_ns = RILL_NEVER_NS;
    if (!request.batch)
        request.batch = 1;
    pulls_add(pulls, &request, 0);
    struct pull *pull = pulls->first;
    for (struct pull *next = pull; next; next = next->next) {
        if (!next->next)
            pull = next;
    }
    return pull;
}

static void end(struct pulls *pulls)
{
    struct pull *pull;
    while ((pull = pulls_take_any(pulls)))
        free(pull);
    pulls_fini(pulls);
}

// Each waiting pull has its turn.
Test(pulls, take_turns)
{
    struct pulls pulls = {0};
    struct pull *first = add(&pulls, (struct pulls_request){.batch = 2});
    struct pull *second = add(&pulls, (struct pulls_request){.batch = 2});
    cr_expect(eq(ptr, pulls_next(&pulls, &no_terms), first));
    cr_expect(not(pulls_served(&pulls, first, 10, 0)));
    cr_expect(eq(ptr, pulls_next(&pulls, &no_terms), second));
    cr_expect(not(pulls_served(&pulls, second, 10, 0)));
    cr_expect(eq(ptr, pulls_next(&pulls, &no_terms), first));
    cr_expect(pulls_served(&pulls, first, 10, 0));
    free(first);
    cr_expect(eq(u32, pulls.count, 1));
    end(&pulls);
}

// The lower number goes first always, and its equals take turns.
Test(pulls, the_lowest_priority_number_is_served_first)
{
    struct pulls pulls = {.policy = PULLS_BY_PRIORITY};
    (void)add(&pulls, (struct pulls_request){.batch = 9, .priority = 5});
    (void)add(&pulls, (struct pulls_request){.batch = 9, .priority = 1});
    (void)add(&pulls, (struct pulls_request){.batch = 9, .priority = 1});
    struct pull *first = pulls_next(&pulls, &no_terms);
    cr_expect(eq(u8, first->priority, 1));
    cr_expect(not(pulls_served(&pulls, first, 1, 0)));
    struct pull *second = pulls_next(&pulls, &no_terms);
    cr_expect(ne(ptr, second, first));
    cr_expect(eq(u8, second->priority, 1));
    cr_expect(not(pulls_served(&pulls, second, 1, 0)));
    cr_expect(eq(ptr, pulls_next(&pulls, &no_terms), first));
    end(&pulls);
}

// A pull that asks for a minimum waits until that much is pending or unacknowledged; one of two is enough.
Test(pulls, an_overflow_pull_waits_for_its_minimum)
{
    static const struct {
        uint64_t min_pending, min_ack_pending, pending, ack_pending;
        bool served;
    } table[] = {
        {0, 0, 0, 0, true}, {5, 0, 4, 9, false}, {5, 0, 5, 0, true},  {0, 3, 9, 2, false},
        {0, 3, 0, 3, true}, {5, 3, 4, 3, true},  {5, 3, 4, 2, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pulls pulls = {.policy = PULLS_OVERFLOW};
        const struct pulls_terms terms = {.pending = table[i].pending, .ack_pending = table[i].ack_pending};
        (void)add(&pulls, (struct pulls_request){.min_pending = table[i].min_pending,
                                                 .min_ack_pending = table[i].min_ack_pending});
        cr_expect(eq(int, pulls_next(&pulls, &terms) != NULL, table[i].served), "row %zu", i);
        end(&pulls);
    }
}

// Where a client is pinned nobody else gets anything.
Test(pulls, only_the_pinned_client_is_served)
{
    struct pulls pulls = {.policy = PULLS_PINNED};
    (void)add(&pulls, (struct pulls_request){0});
    struct pull *pinned = add(&pulls, (struct pulls_request){.pin = 7});
    cr_expect(eq(ptr, pulls_next(&pulls, &(struct pulls_terms){.pin = 7}), pinned));
    cr_expect(eq(ptr, pulls_next(&pulls, &(struct pulls_terms){.pin = 8}), NULL));
    end(&pulls);
}

// A pull gets at most the bytes it asked for, and is at its end with the last of them.
Test(pulls, bytes_are_counted)
{
    struct pulls pulls = {0};
    struct pull *pull = add(&pulls, (struct pulls_request){.batch = 10, .bytes_max = 100});
    cr_expect(pull_is_too_small(pull, 101));
    cr_expect(not(pull_is_too_small(pull, 100)));
    cr_expect(not(pulls_served(&pulls, pull, 60, 0)));
    cr_expect(pull_is_too_small(pull, 41));
    cr_expect(pulls_served(&pulls, pull, 40, 0));
    free(pull);
    end(&pulls);
}

// A pull that does not wait ends when there is nothing; with an expiry it waits for a first message.
Test(pulls, those_that_do_not_wait_end_when_unserved)
{
    struct pulls pulls = {0};
    struct pull *pull =
        add(&pulls, (struct pulls_request){.batch = 5, .no_wait = true, .expires_at_ns = 1000});
    cr_expect(eq(ptr, pulls_take_unserved(&pulls), NULL));
    cr_expect(not(pulls_served(&pulls, pull, 1, 0)));
    cr_expect(eq(ptr, pulls_take_unserved(&pulls), pull));
    cr_expect(eq(u64, pull->left, 4));
    free(pull);
    pull = add(&pulls, (struct pulls_request){.batch = 5, .no_wait = true});
    cr_expect(eq(ptr, pulls_take_unserved(&pulls), pull));
    free(pull);
    end(&pulls);
}

// A pull ends at its time, and is told that it is alive while nothing is sent to it.
Test(pulls, expire_and_beat)
{
    struct pulls pulls = {0};
    struct pull *due = NULL;
    struct pull *pull =
        add(&pulls, (struct pulls_request){.batch = 5, .heartbeat_ns = 20, .expires_at_ns = 70});
    cr_expect(eq(i64, pulls_next_deadline_ns(&pulls), 20));
    cr_expect(eq(int, pulls_take_due(&pulls, 19, &due), PULL_NOT_DUE));
    cr_expect(eq(int, pulls_take_due(&pulls, 20, &due), PULL_BEATS));
    cr_expect(eq(ptr, due, pull));
    cr_expect(not(pulls_served(&pulls, pull, 1, 35)));
    cr_expect(eq(int, pulls_take_due(&pulls, 40, &due), PULL_NOT_DUE), "a message is as good as a heartbeat");
    cr_expect(eq(i64, pulls_next_deadline_ns(&pulls), 55));
    cr_expect(eq(int, pulls_take_due(&pulls, 55, &due), PULL_BEATS));
    cr_expect(eq(int, pulls_take_due(&pulls, 70, &due), PULL_EXPIRED));
    cr_expect(eq(u32, pulls.count, 0));
    free(due);
    end(&pulls);
}
