// SPDX-License-Identifier: Apache-2.0
#include "order.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

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

// What goes into a message comes out of it, quotes and line breaks included.
Test(order, json_gives_back_the_same_order)
{
    const struct order in = order_make();
    char *text = order_to_json(&in);
    struct order out;
    json_t *owner = NULL;
    cr_assert(order_from_json(text, strlen(text), &out, &owner));
    cr_expect(eq(str, (char *)out.id, "SO-1"));
    cr_expect(eq(str, (char *)out.customer, (char *)in.customer));
    cr_expect(eq(str, (char *)out.note, (char *)in.note));
    cr_expect(eq(i64, out.quantity, 3));
    cr_expect(eq(i64, out.unit_price_cents, 6450));
    json_decref(owner);
    free(text);
}

// A message that is not an order, or has more in it than one, is refused.
Test(order, other_json_is_refused)
{
    static const char *const texts[] = {"", "{}", "[]", "null", "{\"order_id\":\"SO-1\"}", "{\"order_id\":1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct order out;
        json_t *owner = NULL;
        cr_expect(not(order_from_json(texts[i], strlen(texts[i]), &out, &owner)), "%s", texts[i]);
    }
}

// The sum is quantity times price, and there is none for an order that makes no sense.
Test(order, only_sensible_orders_have_a_sum)
{
    struct order order = order_make();
    int64_t cents = 0;
    cr_expect(order_total_cents(&order, &cents));
    cr_expect(eq(i64, cents, 19350));
    order.quantity = 0;
    cr_expect(not(order_total_cents(&order, &cents)));
    order = order_make();
    order.unit_price_cents = INT64_MAX;
    cr_expect(not(order_total_cents(&order, &cents)));
    order = order_make();
    order.currency = "euro";
    cr_expect(not(order_total_cents(&order, &cents)));
}
