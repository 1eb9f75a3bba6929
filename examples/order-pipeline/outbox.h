// SPDX-License-Identifier: Apache-2.0
//
// Which orders wait to be sent, are sent, or are acknowledged. An order is known by its index in the book.
// Everything here may be called from any thread; only one of them takes.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many orders may be sent and not acknowledged at a time. */
enum { OUTBOX_WINDOW = 64 };

enum outbox_state { OUTBOX_WAITING, OUTBOX_SENT, OUTBOX_ACKNOWLEDGED };

enum outbox_work {
    OUTBOX_SEND,      // send this order; it counts as sent
    OUTBOX_TAKE_BACK, // the connection was lost and is back: forget what is under way, then call
                      // outbox_take_back()
    OUTBOX_DONE,      // all are acknowledged
};

struct outbox {
    size_t orders;      // immutable, as the next two
    int64_t per_second; // how many orders come in; 0: all are there at once
    int64_t started_ms;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum outbox_state *states; // guarded by lock, as all below
    size_t sent;               // how many are OUTBOX_SENT
    size_t acknowledged;       // how many are OUTBOX_ACKNOWLEDGED
    int64_t rest_until_ms;     // after a failure nothing is sent before
    bool reconnected;
};

/* False when memory is out. */
bool outbox_init(struct outbox *outbox, size_t orders, int64_t per_second);
void outbox_fini(struct outbox *outbox);

/* Waits for something to do. Of the orders that may go out now it gives the first. */
enum outbox_work outbox_take(struct outbox *outbox, size_t *ret_index);

/* Every order that is sent and not acknowledged waits again. */
void outbox_take_back(struct outbox *outbox);

/* The order could not be sent, or its acknowledgement was an error: it waits again, and all others with it
 * for a moment. */
void outbox_fail(struct outbox *outbox, size_t index);

/* The order is acknowledged. That counts whenever it comes, also when the order was taken back meanwhile. */
void outbox_acknowledge(struct outbox *outbox, size_t index);
bool outbox_is_acknowledged(struct outbox *outbox, size_t index);

void outbox_note_reconnect(struct outbox *outbox);
