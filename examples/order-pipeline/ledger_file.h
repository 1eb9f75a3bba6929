// SPDX-License-Identifier: Apache-2.0
//
// The ledger: one file, shared by all notifiers, with a line for each time that one was to tell a customer of an order.
// It stands for a table of a real shop, and its lock for that table's unique key: of an order there is at most one
// line "done", whoever writes and however often its last event is delivered.
//
//     order_id,stream_sequence,worker,deliveries,verdict,outcome,total_cents,at_ms
//
// A struct ledger belongs to one thread of one process.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LEDGER_DONE  "done"  // the customer was told with this line
#define LEDGER_AGAIN "again" // he had been told before: a redelivery, recognised, without effect

enum { LEDGER_COLUMNS = 8 };

struct ledger_entry {
    const char *order_id;
    uint64_t stream_sequence;
    const char *worker;
    uint64_t deliveries; // as the broker counts them
    const char *outcome; // "shipped", "rejected"
    int64_t total_cents;
};

struct ledger {
    int fd;
    off_t read_to_bytes;      // how far `done` knows the file
    struct ledger_done *done; // the orders that have taken effect, by id
};

/* Opens the file, creating it when it is not there. False, and the reason on standard error. */
bool ledger_open(struct ledger *ledger, const char *path);
void ledger_close(struct ledger *ledger);

/* Enters one line with the verdict that it deserves. The look at what is done and the line itself are one
   step for every other worker. The line has reached the kernel when this returns: a kill of the worker does
   not undo it. */
bool ledger_enter(struct ledger *ledger, const struct ledger_entry *entry);
