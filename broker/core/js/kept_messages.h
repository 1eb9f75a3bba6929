// SPDX-License-Identifier: Apache-2.0
//
// Copies of messages that have to wait, in their order. How many there may be is their owner's to say. Loop thread only.
#pragma once

#include "base/err.h"
#include "route.h"

struct kept_message;

struct kept_messages {
    struct kept_message *first;
    struct kept_message *last;
    uint32_t count;
    uint64_t bytes; // of subjects, replies, headers and payloads
};

/* NO_MEMORY. */
enum rill_err kept_messages_add(struct kept_messages *kept, const struct message *message) RILL_MUST_CHECK;
/* The oldest: without an origin, of this account; lives until it is dropped. There must be one. */
struct message kept_messages_first(const struct kept_messages *kept, struct account *account);
/* Drops the oldest. */
void kept_messages_drop(struct kept_messages *kept);
