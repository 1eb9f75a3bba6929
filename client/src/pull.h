// SPDX-License-Identifier: Apache-2.0
//
// A continuous pull: the pure puller, a subscription for what it asked for, and a timer among the connection's
// requests. Shared by count: the user, the subscription and the timer have shares.
#pragma once

#include "js.h"
#include "puller.h"

struct rill_pull {
    struct request timer; // first; in the table while it is armed
    atomic_uint refs;

    // immutable
    struct rill_js *js;
    struct rill_conn *conn;
    struct rill_sub *sub;
    char inbox[RILL_INBOX_BYTES];
    char subject[JS_SUBJECT_BYTES]; // to ask at
    int64_t expires_ns, heartbeat_ns;

    // guarded by lock
    pthread_mutex_t lock;
    struct puller puller;
    bool timer_armed;
    bool closed;
    bool told; // that it has ended
};

/* As rill_pull_open without asking whether there is such a consumer. */
enum rill_err pull_open(struct rill_js *js, const char *stream, const char *consumer,
                        const struct rill_pull_options *options, bool ends_when_lost,
                        struct rill_pull **ret) RILL_MUST_CHECK;
