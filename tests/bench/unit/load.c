// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(load);

// Subjects come in turn, and what is published is what is to be received.
Test(load, a_block_goes_through_the_subjects_in_turn)
{
    struct load load;
    cr_assert(eq(int, load_init(&load, 11, 4), RILL_OK));
    const struct rill_bytes pubs = RILL_BYTES("PUB bench.00 4\r\n0...\r\nPUB bench.01 4\r\n1...\r\n");
    const struct rill_bytes msgs = RILL_BYTES("MSG bench.00 1 4\r\n0...\r\nMSG bench.01 1 4\r\n1...\r\n");
    cr_expect(rill_bytes_has_prefix(rill_buf_bytes(&load.pubs), pubs));
    cr_expect(rill_bytes_has_prefix(rill_buf_bytes(&load.msgs), msgs));
    cr_expect(eq(u64, load.messages % 11, 0));
    load_fini(&load);
}

// Counting bytes is counting messages: all of a block are of one length, with one subject and with many.
Test(load, messages_of_a_block_have_one_length)
{
    for (unsigned subjects = 1; subjects <= 100000; subjects *= 100) {
        struct load load;
        cr_assert(eq(int, load_init(&load, subjects, 16), RILL_OK));
        cr_expect(eq(sz, load.msgs.len, load.messages * load.msg_message_bytes));
        for (uint64_t i = 0; i < load.messages; i++)
            cr_assert(eq(chr, (char)load.msgs.data[i * load.msg_message_bytes], 'M'), "message %lu",
                      (unsigned long)i);
        load_fini(&load);
    }
}

// A payload is never longer than asked for, however large its number is.
Test(load, a_small_payload_keeps_its_size)
{
    struct load load;
    cr_assert(eq(int, load_init(&load, 1, 1), RILL_OK));
    cr_expect(eq(sz, load.msg_message_bytes, sizeof "MSG bench.0 1 1\r\n0\r\n" - 1));
    cr_expect(load.messages > 1000);
    load_fini(&load);
}
