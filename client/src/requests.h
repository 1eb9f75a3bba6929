// SPDX-License-Identifier: Apache-2.0
//
// What has been asked and not yet answered, by token. Any thread; a lock of its own, which is never held
// while a request is told of its end.
#pragma once

#include "base/deadline.h"
#include "msg.h"

#include <pthread.h>
#include <uthash.h>

struct request {
    uint64_t token;
    UT_hash_handle hh;
    struct rill_deadline deadline;
    /* Called exactly once, when the request is out of the table already: with the answer, which is the callee's,
       or with the reason why there is none. It may free the request. CLOSED comes with the connection's lock
       held, everything else without any lock. */
    void (*done)(struct request *request, enum rill_err err, struct rill_msg *take_reply);
};

struct requests {
    pthread_mutex_t lock;
    struct request *table;
    struct rill_deadlines deadlines;
    uint64_t last_token;
    bool closed; // nothing is added any more
};

enum rill_err requests_init(struct requests *requests) RILL_MUST_CHECK;
void requests_fini(struct requests *requests);

/* Gives it a token. RILL_NEVER_NS: the requester looks at the clock itself. *ret_earliest tells whether no
   other deadline is before this one. CLOSED: done is not called. */
enum rill_err requests_add(struct requests *requests, struct request *request, int64_t deadline_ns,
                           bool *ret_earliest) RILL_MUST_CHECK;
/* True when it was still there: then done is not called. */
bool requests_remove(struct requests *requests, struct request *request);

/* An answer came; one to nobody is dropped. */
void requests_answer(struct requests *requests, uint64_t token, struct rill_msg *take_reply);
/* Ends those whose time is up. */
void requests_expire(struct requests *requests, int64_t now_ns);
int64_t requests_next_ns(struct requests *requests);
/* Ends all, and whatever is added later is refused. */
void requests_close(struct requests *requests);
