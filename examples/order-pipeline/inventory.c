// SPDX-License-Identifier: Apache-2.0
//
// inventory: checks what was placed and reserves it, and ships what was paid.
//
//     inventory URL NAME
//
// An order that makes no sense will not make more of it another time: it is given up, with the reason, and ends on the stream
// of dead letters.
#include "station.h"

#include <stdio.h>

static enum station_verdict reserve(const Shop__Event *event, Shop__Event *ret_next)
{
    const struct order order = event_order_view(event->order);
    const char *why = NULL;
    if (!order_total_cents(&order, &ret_next->total_cents, &why)) {
        ret_next->reason = (char *)why;
        return STATION_SENSELESS;
    }
    if (order_is_in_stock(&order)) {
        ret_next->kind = SHOP__KIND__RESERVED;
    } else {
        ret_next->kind = SHOP__KIND__REJECTED;
        ret_next->reason = "not so many in stock";
    }
    return STATION_FOLLOWS;
}

static enum station_verdict work(void *context, const Shop__Event *event, const struct rill_msg_meta *meta,
                                 Shop__Event *ret_next)
{
    (void)context;
    (void)meta;
    if (event->kind == SHOP__KIND__PLACED)
        return reserve(event, ret_next);
    ret_next->kind = SHOP__KIND__SHIPPED;
    return STATION_FOLLOWS;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: inventory URL NAME\n");
        return 2;
    }
    const struct station station = {.name = argv[2], .consumer = &shop_inventory, .work = work};
    return station_run(&station, argv[1]);
}
