// SPDX-License-Identifier: Apache-2.0
//
// payment: charges the card for what is reserved.
//
//     payment URL NAME
#include "station.h"

#include <stdio.h>

static enum station_verdict work(void *context, const Shop__Event *event, const struct rill_msg_meta *meta,
                                 Shop__Event *ret_next)
{
    (void)context;
    (void)meta;
    if (order_is_covered(event->total_cents)) {
        ret_next->kind = SHOP__KIND__PAID;
    } else {
        ret_next->kind = SHOP__KIND__REJECTED;
        ret_next->reason = "card declined";
    }
    return STATION_FOLLOWS;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: payment URL NAME\n");
        return 2;
    }
    const struct station station = {.name = argv[2], .consumer = &shop_payment, .work = work};
    return station_run(&station, argv[1]);
}
