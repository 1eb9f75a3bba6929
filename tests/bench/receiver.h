// SPDX-License-Identifier: Apache-2.0
//
// The subscribers of a measurement: any number of connections that one thread reads. It counts and compares
// every byte and notes when the last one came.
#pragma once

#include "expectation.h"
#include "load.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>

enum { RECEIVER_SUBSCRIBERS_MAX = 16 };

struct receiver {
    unsigned count; // of subscribers
    struct wire wires[RECEIVER_SUBSCRIBERS_MAX];
    struct expectation expectations[RECEIVER_SUBSCRIBERS_MAX];
    int epoll_fd;
    int wake_fd; // an eventfd: bytes_wanted is known now
    pthread_t thread;
    _Atomic uint64_t bytes_wanted; // of each subscriber, since receiver_open; 0 while not known
    // The thread's until it is joined.
    enum rill_err err;
    struct rill_error_text why;
    int64_t finished_ns;
    uint8_t *scratch;
};

/* Connects and subscribes `count` subscribers to all subjects of the load, which must live as long.
   receiver_close is due also on failure. */
enum rill_err receiver_open(struct receiver *receiver, unsigned count, const struct load *load, uint16_t port,
                            struct rill_error_text *why) RILL_MUST_CHECK;
void receiver_close(struct receiver *receiver);

/* From now on a thread receives, until receiver_finish. */
enum rill_err receiver_start(struct receiver *receiver, struct rill_error_text *why) RILL_MUST_CHECK;
/* Waits until every subscriber has got `blocks` blocks since receiver_open; *ret_finished_ns is when. */
enum rill_err receiver_finish(struct receiver *receiver, uint64_t blocks, int64_t *ret_finished_ns,
                              struct rill_error_text *why) RILL_MUST_CHECK;

/* Asks each subscriber's connection for a PONG: nothing may come before it, or more was delivered than
   published. Not between receiver_start and receiver_finish. */
enum rill_err receiver_check_silence(struct receiver *receiver, struct rill_error_text *why) RILL_MUST_CHECK;
