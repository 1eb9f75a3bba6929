// SPDX-License-Identifier: Apache-2.0
#include "order.h"

#include <string.h>

/* The largest numbers that an order may carry; their product fits well into 64 bits. */
#define ORDER_QUANTITY_MAX   INT64_C(100000)
#define ORDER_UNIT_CENTS_MAX INT64_C(1000000000)

char *order_to_json(const struct order *order)
{
    json_t *value = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "order_id", order->id,
                              "placed_at", order->placed_at, "customer", order->customer, "sku", order->sku,
                              "product", order->product, "quantity", (json_int_t)order->quantity,
                              "unit_price_cents", (json_int_t)order->unit_price_cents, "currency",
                              order->currency, "country", order->country, "note", order->note);
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    return text;
}

static bool order_unpack(json_t *value, struct order *ret_order)
{
    json_int_t quantity = 0;
    json_int_t cents = 0;
    struct order order = {0};
    if (json_unpack(value, "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s !}", "order_id", &order.id,
                    "placed_at", &order.placed_at, "customer", &order.customer, "sku", &order.sku, "product",
                    &order.product, "quantity", &quantity, "unit_price_cents", &cents, "currency",
                    &order.currency, "country", &order.country, "note", &order.note) != 0)
        return false;
    order.quantity = quantity;
    order.unit_price_cents = cents;
    *ret_order = order;
    return true;
}

bool order_from_json(const char *data, size_t len, struct order *ret_order, json_t **ret_owner)
{
    json_t *value = json_loadb(data, len, JSON_REJECT_DUPLICATES, NULL);
    if (!value || !order_unpack(value, ret_order)) {
        json_decref(value);
        return false;
    }
    *ret_owner = value;
    return true;
}

static bool is_upper_letters(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

bool order_total_cents(const struct order *order, int64_t *ret_cents)
{
    if (!*order->id || !*order->sku || !*order->customer)
        return false;
    if (!is_upper_letters(order->currency, 3) || !is_upper_letters(order->country, 2))
        return false;
    if (order->quantity < 1 || order->quantity > ORDER_QUANTITY_MAX)
        return false;
    if (order->unit_price_cents < 1 || order->unit_price_cents > ORDER_UNIT_CENTS_MAX)
        return false;
    *ret_cents = order->quantity * order->unit_price_cents;
    return true;
}
