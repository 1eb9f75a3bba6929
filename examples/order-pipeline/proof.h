// SPDX-License-Identifier: Apache-2.0
//
// The proof that every order came out exactly once. It believes nobody: it takes the orders from the CSV file, what the broker
// promised from the intake's receipts, what is on the broker's disk from its two streams, what customers were told from
// the ledger, and compares. How an order has to end it knows from the shop's rules (order.h).
//
//     audit_create ─► audit_receipts ─► audit_event for each event, audit_dead for each dead letter
//                  ─► audit_deliveries for each consumer ─► audit_ledger ─► audit_close
#pragma once

#include "event.h"

struct proof {
    size_t orders;
    size_t acknowledged;       // orders with a receipt
    size_t acknowledged_again; // of these, how many the broker recognised by their message id
    size_t events;             // on the stream, all kinds
    size_t shipped;            // orders that ended well
    size_t rejected;           // orders that ended with a reason: stock or card
    size_t dead;               // orders that made no sense, on the stream of dead letters
    size_t redelivered; // deliveries of events that had been delivered before: that delivery fell to a kill
    size_t recognised;  // deliveries of orders that customers had been told of before; they had no effect
    size_t lost;        // orders of which something is missing
    size_t twice;       // orders of which something is there more than once
    size_t wrong;       // orders that ended in another way than they should, or with another sum
    size_t misplaced;   // orders that lie at another sequence than was acknowledged
    size_t overtaken;   // orders that were shipped before an earlier one of the same customer
    size_t odd;         // lines and events that nobody should have written
    int64_t first_ms;   // first acknowledgement, wall clock
    int64_t last_ms;    // last customer told
};

struct audit;

/* NULL when memory is out. The book must outlive the audit. */
struct audit *audit_create(const struct order_book *book);
/* False when the file cannot be read; the reason is on standard error. Lines that make no sense are counted as odd. */
bool audit_receipts(struct audit *audit, const char *path);
bool audit_ledger(struct audit *audit, const char *path);
/* In the order of the stream. NULL: bytes that are no event. */
void audit_event(struct audit *audit, const Shop__Event *event, uint64_t sequence);
void audit_dead(struct audit *audit, const Shop__Event *event);
/* How many deliveries a consumer counts, which is about events of those kinds. */
void audit_deliveries(struct audit *audit, const Shop__Kind *kinds, size_t kind_count, uint64_t deliveries);
/* Sums up, and frees the audit. */
struct proof audit_close(struct audit *audit);

/* Does it prove what it should? */
bool proof_holds(const struct proof *proof);
