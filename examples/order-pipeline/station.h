// SPDX-License-Identifier: Apache-2.0
//
// What inventory, payment and notifier have in common: the loop of a worker on a durable consumer. Any number of processes may
// share a consumer. SIGTERM ends one after its batch.
//
// The happy path: fetch a batch; let `work` say what becomes of each event; publish what follows from it; when that is on the
// broker's disk, acknowledge. So what is acknowledged has had its effect, always. The failure modes: the worker is killed
// in between, the broker is killed before it has the acknowledgement on disk, or an event is given to another worker after
// the ack wait. Each time an event comes again whose effect is there already. The policy: what follows is published under
// an id of its own, so the broker stores it once; `work` itself must have no other effect, or see to it as the notifier does.
//
// A batch has at most one event of a customer (the consumer sees to that), so none of them is overtaken by his next.
#pragma once

#include "shop.h"

enum station_verdict {
    STATION_FOLLOWS,   // *ret_next is to be published
    STATION_ENDS,      // nothing follows
    STATION_SENSELESS, // the order makes no sense: never again; ret_next->reason says why
    STATION_AGAIN,     // not now
};

struct station {
    const char *name; // of this process: "inventory-2"
    const struct shop_consumer *consumer;
    /* What is left to do about ret_next: kind and reason; the rest is filled in. `total_cents` is of the order. */
    enum station_verdict (*work)(void *context, const Shop__Event *event, const struct rill_msg_meta *meta,
                                 Shop__Event *ret_next);
    void *context;
};

/* Works until SIGTERM. The exit status. */
int station_run(const struct station *station, const char *url);
