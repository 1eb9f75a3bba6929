// SPDX-License-Identifier: Apache-2.0
#include "event.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(event);

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
Test(event, bytes_give_back_the_same_event)
{
    const struct order in = order_make();
    Shop__Order order = event_order(&in);
    Shop__Event event = SHOP__EVENT__INIT;
    size_t bytes = 0;
    event.kind = SHOP__KIND__PAID;
    event.order = &order;
    event.total_cents = 19350;
    uint8_t *data = event_pack(&event, &bytes);
    cr_assert(data != NULL);
    Shop__Event *out = event_unpack(data, bytes);
    cr_assert(out != NULL);
    const struct order view = event_order_view(out->order);
    cr_expect(eq(int, (int)out->kind, SHOP__KIND__PAID));
    cr_expect(eq(i64, out->total_cents, 19350));
    cr_expect(eq(str, (char *)view.customer, (char *)in.customer));
    cr_expect(eq(str, (char *)view.note, (char *)in.note));
    cr_expect(eq(i64, view.unit_price_cents, 6450));
    shop__event__free_unpacked(out, NULL);
    free(data);
}

// Bytes that are no event, or one without an order or of an unknown kind, are refused.
Test(event, other_bytes_are_refused)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *why;
    } cases[] = {
        {"", 0, "no order"},
        {"hello", 5, "no event"},
        {"\x08\x09\x12\x00", 4, "a kind that there is not"},
        {"\x12\x7f", 2, "cut off"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect(event_unpack(cases[i].bytes, cases[i].count) == NULL, "%s", cases[i].why);
}

// The subject names kind and customer, whatever a name is made of; the id names order and kind.
Test(event, subject_and_id_say_what_it_is)
{
    const struct order in = order_make();
    Shop__Order order = event_order(&in);
    Shop__Event event = SHOP__EVENT__INIT;
    char subject[EVENT_SUBJECT_BYTES], id[EVENT_ID_BYTES];
    event.kind = SHOP__KIND__SHIPPED;
    event.order = &order;
    event_subject(&event, subject);
    event_id(&event, id);
    cr_expect(eq(str, subject, "orders.shipped.caf----anker-"));
    cr_expect(eq(str, id, "SO-1-shipped"));
    order.customer = "";
    event_subject(&event, subject);
    cr_expect(eq(str, subject, "orders.shipped.-"));
}
