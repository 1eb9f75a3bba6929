// SPDX-License-Identifier: Apache-2.0
#include "pub_acks.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

// Everybody who waits is visited once, in the order of waiting, with what was remembered.
Test(pub_acks, come_back_in_order)
{
    struct pub_acks acks;
    struct pub_ack ack = {.reply = RILL_BYTES("_INBOX.a.1")};
    pub_acks_init(&acks);
    for (uint64_t i = 1; i <= 1000; i++) {
        ack.sequence = i;
        ack.duplicate = i % 3 == 0;
        cr_assert(eq(int, pub_acks_add(&acks, &ack), RILL_OK));
    }
    size_t offset = 0;
    uint64_t count = 0;
    while (pub_acks_next(&acks, &offset, &ack)) {
        cr_assert(eq(u64, ack.sequence, ++count));
        cr_assert(eq(int, ack.duplicate, count % 3 == 0));
        cr_assert(rill_bytes_equal(ack.reply, RILL_BYTES("_INBOX.a.1")));
    }
    cr_expect(eq(u64, count, 1000));
    pub_acks_clear(&acks);
    offset = 0;
    cr_expect(not(pub_acks_next(&acks, &offset, &ack)));
    pub_acks_fini(&acks);
}
