// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(buf);

// A buffer never holds more than the maximum it was born with, and a refused append changes nothing.
Test(buf, growing_stops_at_the_maximum)
{
    struct rill_buf buf;
    rill_buf_init(&buf, 100);
    for (int i = 0; i < 10; i++)
        cr_assert(eq(int, rill_buf_append(&buf, RILL_BYTES("0123456789")), RILL_OK));
    cr_expect(eq(int, rill_buf_append(&buf, RILL_BYTES("x")), RILL_ERR_LIMIT));
    cr_expect(eq(int, rill_buf_reserve(&buf, SIZE_MAX), RILL_ERR_LIMIT));
    cr_expect(eq(sz, buf.len, 100));
    rill_buf_fini(&buf);
    cr_expect(eq(sz, buf.capacity, 0));
}

// A maximum below the smallest allocation holds too.
Test(buf, a_small_maximum_is_a_maximum)
{
    struct rill_buf buf;
    rill_buf_init(&buf, 5);
    cr_assert(eq(int, rill_buf_append(&buf, RILL_BYTES("order")), RILL_OK));
    cr_expect(eq(int, rill_buf_append(&buf, RILL_BYTES("s")), RILL_ERR_LIMIT));
    cr_expect(eq(sz, buf.capacity, 5));
    rill_buf_fini(&buf);
}

// Dropping from the front keeps what follows in its order.
Test(buf, drop_moves_the_rest_to_the_front)
{
    struct rill_buf buf;
    rill_buf_init(&buf, 64);
    cr_assert(eq(int, rill_buf_appendf(&buf, "%s-%d", "order", 42), RILL_OK));
    rill_buf_drop(&buf, 6);
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&buf), "42"));
    rill_buf_drop(&buf, 2);
    cr_expect(eq(sz, buf.len, 0));
    rill_buf_fini(&buf);
}
