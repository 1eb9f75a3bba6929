// SPDX-License-Identifier: Apache-2.0
//
// Deliveries of many messages at once: of a stream that is read in order, by a consumer that takes everything and asks for
// nothing special. What need not be looked at for each message (whose turn it is, the block, the limits, the receivers)
// is looked at once for a run of them, and the consumer is told of them together. Loop thread only.
//
//      deliver_run ──► which messages: at most as many as there is room for, all in one block that is in memory
//                  ──► each: to whom, its reply subject, written to the receiver's output
//                  ──► ends where anything but the next message is to be done; that is delivery.c's
#pragma once

#include "durable.h"

/* Delivers as many as it can, at most `max`, and not much more than `bytes_max` bytes. Returns how many, and adds their bytes.
   0: the next one is not for this; nothing happened. */
uint32_t deliver_run(struct durable *durable, uint32_t max, size_t bytes_max, size_t *bytes);
