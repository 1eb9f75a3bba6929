// SPDX-License-Identifier: Apache-2.0
//
// The proof that every order came out exactly once. It believes nobody: it takes the orders from the CSV
// file, what the broker promised from the intake's receipts, what happened from the workers' ledger, and
// compares the three.
#pragma once

#include "order.h"

struct proof {
    size_t orders;
    size_t acknowledged;       // orders with a receipt
    size_t acknowledged_again; // of these, how many the broker recognised by their message id
    size_t out;                // orders that took effect once and only once
    size_t redelivered;        // ... and that on a delivery after the first, because a kill undid the first
    size_t recognised;         // deliveries of orders that had taken effect before; they had no effect
    size_t lost;               // orders that never took effect
    size_t twice;              // orders that took effect more than once
    size_t misplaced;          // came out at another stream sequence than was acknowledged, or shared one
    size_t altered;            // came out with another sum than the CSV file gives
    size_t odd;                // lines that nobody should have written
    int64_t first_ms;          // first acknowledgement, wall clock
    int64_t last_ms;           // last order that took effect
};

/* False when a file cannot be read; the reason is on standard error. Lines that make no sense are counted as
 * odd. */
bool proof_make(struct proof *ret, const struct order_book *book, const char *receipts_path,
                const char *ledger_path);

/* Does it prove what it should? */
bool proof_holds(const struct proof *proof);
