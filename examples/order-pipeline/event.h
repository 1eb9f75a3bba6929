// SPDX-License-Identifier: Apache-2.0
//
// An event (orders.proto) as bytes and as a subject.
#pragma once

#include "order.h"
#include "orders.pb-c.h"

enum { EVENT_SUBJECT_BYTES = 96, EVENT_ID_BYTES = 64, EVENT_KINDS = 5 };

/* "placed", "reserved" ...; static. */
const char *event_kind_name(Shop__Kind kind);

/* The same order in the words of the other. Texts are shared, not copied. */
Shop__Order event_order(const struct order *order);
struct order event_order_view(const Shop__Order *order);

/* "orders.paid.anna-brandt" */
void event_subject(const Shop__Event *event, char ret_subject[EVENT_SUBJECT_BYTES]);
/* What makes it the same event when it is published again: "SO-2024-000001-paid" */
void event_id(const Shop__Event *event, char ret_id[EVENT_ID_BYTES]);

/* The caller's to free(); NULL when memory is out. */
uint8_t *event_pack(const Shop__Event *event, size_t *ret_bytes);
/* The caller's to free with shop__event__free_unpacked(.., NULL); NULL when this is no event with an order. */
Shop__Event *event_unpack(const void *data, size_t bytes);
