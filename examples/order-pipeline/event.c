// SPDX-License-Identifier: Apache-2.0
#include "event.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { CUSTOMER_BYTES = 48 };

const char *event_kind_name(Shop__Kind kind)
{
    static const char *const names[EVENT_KINDS] = {"placed", "reserved", "paid", "shipped", "rejected"};
    return (size_t)kind < EVENT_KINDS ? names[kind] : "unknown";
}

Shop__Order event_order(const struct order *order)
{
    Shop__Order out = SHOP__ORDER__INIT;
    out.id = (char *)order->id;
    out.placed_at = (char *)order->placed_at;
    out.customer = (char *)order->customer;
    out.sku = (char *)order->sku;
    out.product = (char *)order->product;
    out.quantity = order->quantity;
    out.unit_price_cents = order->unit_price_cents;
    out.currency = (char *)order->currency;
    out.country = (char *)order->country;
    out.note = (char *)order->note;
    return out;
}

struct order event_order_view(const Shop__Order *order)
{
    return (struct order){
        .id = order->id,
        .placed_at = order->placed_at,
        .customer = order->customer,
        .sku = order->sku,
        .product = order->product,
        .quantity = order->quantity,
        .unit_price_cents = order->unit_price_cents,
        .currency = order->currency,
        .country = order->country,
        .note = order->note,
    };
}

/* A name as a token of a subject: letters and digits stay, the rest becomes dashes. */
static void customer_token(const char *name, char ret_token[CUSTOMER_BYTES])
{
    size_t len = 0;
    for (; *name && len < CUSTOMER_BYTES - 1; name++)
        ret_token[len++] = (char)(isalnum((unsigned char)*name) ? tolower((unsigned char)*name) : '-');
    if (!len)
        ret_token[len++] = '-';
    ret_token[len] = '\0';
}

void event_subject(const Shop__Event *event, char ret_subject[EVENT_SUBJECT_BYTES])
{
    char customer[CUSTOMER_BYTES];
    customer_token(event->order->customer, customer);
    snprintf(ret_subject, EVENT_SUBJECT_BYTES, "orders.%s.%s", event_kind_name(event->kind), customer);
}

void event_id(const Shop__Event *event, char ret_id[EVENT_ID_BYTES])
{
    snprintf(ret_id, EVENT_ID_BYTES, "%.40s-%s", event->order->id, event_kind_name(event->kind));
}

uint8_t *event_pack(const Shop__Event *event, size_t *ret_bytes)
{
    uint8_t *bytes = malloc(shop__event__get_packed_size(event) + 1);
    if (bytes)
        *ret_bytes = shop__event__pack(event, bytes);
    return bytes;
}

Shop__Event *event_unpack(const void *data, size_t bytes)
{
    Shop__Event *event = shop__event__unpack(NULL, bytes, data);
    if (event && event->order && (size_t)event->kind < EVENT_KINDS)
        return event;
    if (event)
        shop__event__free_unpacked(event, NULL);
    return NULL;
}
