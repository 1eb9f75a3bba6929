// SPDX-License-Identifier: Apache-2.0
#include "outq.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(outq);

enum { EXPECTED_MAX = 4 << 20 };

struct oracle {
    uint8_t *bytes; // all that was ever put in
    size_t put;
    size_t sent;
};

static void append_some(struct outq *queue, struct outq_pool *pool, struct oracle *oracle,
                        struct rill_random *random)
{
    const size_t len = 1 + rill_random_below(random, rill_random_chance(random, 1, 20) ? 150000 : 500);
    uint8_t *start = oracle->bytes + oracle->put;
    for (size_t i = 0; i < len; i++)
        start[i] = (uint8_t)rill_random_next(random);
    const uint32_t how = rill_random_below(random, 3);
    if (how == 0) {
        struct shared_payload *payload = shared_payload_create(rill_bytes_of(start, len));
        outq_append_shared(queue, payload);
        shared_payload_unref(payload);
    } else if (how == 1 && len <= OUTQ_CONTIGUOUS_MAX) {
        memcpy(outq_reserve(queue, pool, len), start, len);
        outq_advance(queue, len);
    } else {
        outq_append(queue, pool, rill_bytes_of(start, len));
    }
    oracle->put += len;
}

/* Takes a random part of what the pieces show and compares it. */
static void send_some(struct outq *queue, struct outq_pool *pool, struct oracle *oracle,
                      struct rill_random *random)
{
    struct iovec iov[8];
    const size_t count = outq_iov(queue, iov, 8);
    size_t offset = oracle->sent;
    for (size_t i = 0; i < count; i++) {
        cr_assert(eq(int, memcmp(iov[i].iov_base, oracle->bytes + offset, iov[i].iov_len), 0));
        offset += iov[i].iov_len;
    }
    const size_t shown = offset - oracle->sent;
    const size_t sent = shown ? rill_random_below(random, (uint32_t)shown + 1) : 0;
    outq_sent(queue, pool, sent);
    oracle->sent += sent;
}

// Whatever is appended in whatever way comes out once, in order, however it is taken.
Test(outq, bytes_come_out_in_the_order_they_went_in)
{
    struct outq queue = {0};
    struct outq_pool pool = {0};
    struct oracle oracle = {.bytes = malloc(EXPECTED_MAX)};
    struct rill_random random = {.state = 11};
    while (oracle.put < EXPECTED_MAX - 200000) {
        if (rill_random_chance(&random, 1, 2))
            append_some(&queue, &pool, &oracle, &random);
        else
            send_some(&queue, &pool, &oracle, &random);
        cr_assert(eq(sz, queue.bytes, oracle.put - oracle.sent));
    }
    while (queue.bytes)
        send_some(&queue, &pool, &oracle, &random);
    cr_expect(queue.first == NULL && queue.last == NULL);
    outq_pool_fini(&pool);
    free(oracle.bytes);
}

// A queue that is given up holds nothing, and shared payloads live as long as somebody refers to them.
Test(outq, clearing_lets_go_of_everything)
{
    struct outq a = {0}, b = {0};
    struct outq_pool pool = {0};
    struct shared_payload *payload = shared_payload_create(RILL_BYTES("shared"));
    outq_append_shared(&a, payload);
    outq_append_shared(&b, payload);
    shared_payload_unref(payload);
    outq_clear(&a, &pool);
    struct iovec iov;
    cr_assert(eq(sz, outq_iov(&b, &iov, 1), 1));
    cr_expect(eq(int, memcmp(iov.iov_base, "shared", 6), 0));
    outq_clear(&b, &pool);
    outq_pool_fini(&pool);
}
