// SPDX-License-Identifier: Apache-2.0
//
// The way of a message from who published it to all who are interested: clients' subscriptions, one member of
// each queue group, and receivers inside the broker. Loop thread only.
#pragma once

#include "account.h"
#include "core/core.h"

/* A message on its way. All views live until route_message returns; who keeps something copies it. */
struct message {
    struct conn *origin; // who published it; NULL for the broker itself
    struct account *account;
    struct rill_bytes subject;
    struct rill_bytes reply;   // empty: none
    struct rill_bytes headers; // a whole block; empty: none
    struct rill_bytes payload;
    struct rill_bytes tail; // what a MSG or HMSG of it ends with, from its first size on; empty: to be built
};

/* Delivers to everybody; returns how many receivers took it. */
uint32_t route_message(struct rill_core *core, const struct message *message);
/* The same with a match that the caller holds pinned. */
uint32_t route_matched(struct rill_core *core, const struct message *message, struct match *match);

/* As route_message, for one who sends again and again. */
uint32_t route_recalled(struct rill_core *core, const struct message *message, struct interest_memo *memo);

/* A message of the broker's own in the account: an answer, an acknowledgement, an advisory. */
uint32_t route_publish(struct rill_core *core, struct account *account, struct rill_bytes subject,
                       struct rill_bytes reply, struct rill_bytes headers, struct rill_bytes payload);

/* A receiver inside the broker. `on_message` may publish; it must not end the subscription that it is called
 * for. */
struct sub *route_subscribe(struct account *account, const char *pattern,
                            void (*on_message)(void *owner, const struct message *message), void *owner);
void route_unsubscribe(struct account *account, struct sub *sub);
