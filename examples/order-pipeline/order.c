// SPDX-License-Identifier: Apache-2.0
#include "order.h"

#include <string.h>

/* The largest numbers that an order may carry; their product fits well into 64 bits. */
#define ORDER_QUANTITY_MAX   INT64_C(100000)
#define ORDER_UNIT_CENTS_MAX INT64_C(1000000000)

#define SHELF_PIECES     INT64_C(24)
#define CARD_LIMIT_CENTS INT64_C(2000000)

static bool is_upper_letters(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

/* NULL: all of it makes sense. */
static const char *senseless_field(const struct order *order)
{
    if (!*order->id)
        return "no id";
    if (!*order->sku)
        return "no sku";
    if (!*order->customer)
        return "no customer";
    if (!is_upper_letters(order->currency, 3))
        return "no such currency";
    if (!is_upper_letters(order->country, 2))
        return "no such country";
    if (order->quantity < 1 || order->quantity > ORDER_QUANTITY_MAX)
        return "impossible quantity";
    if (order->unit_price_cents < 1 || order->unit_price_cents > ORDER_UNIT_CENTS_MAX)
        return "impossible price";
    return NULL;
}

bool order_total_cents(const struct order *order, int64_t *ret_cents, const char **ret_why)
{
    const char *why = senseless_field(order);
    if (why)
        *ret_why = why;
    else
        *ret_cents = order->quantity * order->unit_price_cents;
    return !why;
}

bool order_is_in_stock(const struct order *order)
{
    return order->quantity <= SHELF_PIECES;
}

bool order_is_covered(int64_t total_cents)
{
    return total_cents <= CARD_LIMIT_CENTS;
}
