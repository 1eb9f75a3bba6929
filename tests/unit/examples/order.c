// SPDX-License-Identifier: Apache-2.0
#include "order.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(order);

static struct order order_make(void)
{
    return (struct order){.id = "SO-1",
                          .placed_at = "2024-03-04T07:30:04Z",
                          .customer = "Caf\xc3\xa9 \"Anker\"",
                          .sku = "LMP",
                          .product = "Lamp, 27\"",
                          .quantity = 3,
                          .unit_price_cents = 6450,
                          .currency = "EUR",
                          .country = "DE",
                          .note = "two\nlines"};
}

// The sum is quantity times price, and there is none for an order that makes no sense.
Test(order, only_sensible_orders_have_a_sum)
{
    struct order order = order_make();
    int64_t cents = 0;
    const char *why = NULL;
    cr_expect(order_total_cents(&order, &cents, &why));
    cr_expect(eq(i64, cents, 19350));
    order.quantity = 0;
    cr_expect(not(order_total_cents(&order, &cents, &why)));
    cr_expect(eq(str, (char *)why, "impossible quantity"));
    order = order_make();
    order.unit_price_cents = INT64_MAX;
    cr_expect(not(order_total_cents(&order, &cents, &why)));
    order = order_make();
    order.currency = "euro";
    cr_expect(not(order_total_cents(&order, &cents, &why)));
}
