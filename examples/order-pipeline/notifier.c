// SPDX-License-Identifier: Apache-2.0
//
// notifier: tells customers what became of their orders, once. Telling is a line in the ledger.
//
//     notifier URL NAME LEDGER.csv
//
// Here the effect is outside of the broker, so nobody but the ledger can say whether it was there already: an order that
// stands in it as done is entered as seen again, and has no second effect.
#include "ledger_file.h"
#include "station.h"

#include <stdio.h>

struct notifier {
    const char *name;
    struct ledger ledger;
};

static enum station_verdict work(void *context, const Shop__Event *event, const struct rill_msg_meta *meta,
                                 Shop__Event *ret_next)
{
    struct notifier *notifier = context;
    (void)ret_next;
    const struct ledger_entry entry = {
        .order_id = event->order->id,
        .stream_sequence = meta->stream_seq,
        .worker = notifier->name,
        .deliveries = meta->delivered,
        .outcome = event_kind_name(event->kind),
        .total_cents = event->total_cents,
    };
    return ledger_enter(&notifier->ledger, &entry) ? STATION_ENDS : STATION_AGAIN;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: notifier URL NAME LEDGER.csv\n");
        return 2;
    }
    struct notifier notifier = {.name = argv[2]};
    if (!ledger_open(&notifier.ledger, argv[3]))
        return 1;
    const struct station station = {
        .name = argv[2], .consumer = &shop_notifier, .work = work, .context = &notifier};
    const int status = station_run(&station, argv[1]);
    ledger_close(&notifier.ledger);
    return status;
}
