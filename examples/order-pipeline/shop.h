// SPDX-License-Identifier: Apache-2.0
//
// What the processes of the shop agree on: two streams, three durable consumers, and how to connect to the broker.
//
// Two things here only Rill has; they are asked for in the metadata of a consumer:
//   rill.max_ack_pending_per_subject   one event of a customer is worked on at a time, those of others beside it
//   rill.dead_letter_subject           what is given up goes to another stream, with the reason
#pragma once

#include "event.h"

#include <rill.h>

#define SHOP_STREAM       "ORDERS" // orders.>
#define SHOP_DEAD_STREAM  "DEAD"   // what nobody can work on
#define SHOP_DEAD_SUBJECT "dead.orders"

enum { SHOP_KINDS_MAX = 2 };

struct shop_consumer {
    const char *name;
    size_t kind_count;
    Shop__Kind kinds[SHOP_KINDS_MAX]; // of the events that it is about
};
extern const struct shop_consumer shop_inventory, shop_payment, shop_notifier;

/* A connection that finds the broker again whenever that goes away. Says on standard error why it failed. */
bool shop_connect(struct rill_conn **ret_conn, struct rill_js **ret_js, const char *url, const char *name);
void shop_disconnect(struct rill_conn *conn, struct rill_js *js);

/* Makes streams and consumers that are not there; what is there stays. Says on standard error why it failed. */
bool shop_open_streams(struct rill_js *js);
bool shop_open_consumer(struct rill_js *js, const struct shop_consumer *consumer);

/* How a publish ended. `pending` until it has. */
struct shop_sent {
    bool pending;
    enum rill_err err;
    uint64_t seq;
    bool duplicate; // it had been stored before
};

/* Publishes an event under its id, without waiting; *sent must live until shop_wait. */
void shop_publish(struct rill_js *js, const Shop__Event *event, struct shop_sent *sent);
/* Until every publish has ended, well or not. */
void shop_wait(struct rill_js *js);

/* Is nothing under way any more? False also when that cannot be found out now. */
bool shop_is_settled(struct rill_js *js);

/* Lets a moment pass, before something that failed is tried again. */
void shop_rest(void);
