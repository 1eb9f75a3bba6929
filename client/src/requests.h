// SPDX-License-Identifier: Apache-2.0
//
// What has been asked and not yet answered, by token. Any thread; a lock of its own, which is never held
// while a request is told of its end.
//
// When a link breaks, a request that the server may have had can wait for an answer over the next link, be
// told at once that nobody knows, or be sent again: for that the table has a copy of its command. What the output
// still has is none of these; it goes out by itself.
//
//                    the link broke, and the output does not have it
//     sent (or to be) ────────────────────────────────────────────► owed ── requests_send_owed ──► sent
//           ▲                                                         ▲
//           └──────────────── nobody listened, after a break ─────────┘
#pragma once

#include "base/buf.h"
#include "base/deadline.h"
#include "msg.h"

#include <pthread.h>
#include <uthash.h>

/* What becomes of a request when a link breaks that may have carried it. */
enum request_loss {
    REQUEST_WAITS, // somebody may answer over the next link
    REQUEST_ENDS,  // with DISCONNECTED
    REQUEST_AGAIN, // it does no harm twice
};

struct request {
    // the requester's
    enum request_loss when_lost;
    bool untimed; // the requester looks at the clock itself
    /* Called exactly once, when the request is out of the table already: with the answer, which is the callee's,
       or with the reason why there is none. It may free the request. CLOSED and DISCONNECTED come with the
       connection's lock held, everything else without any lock. */
    void (*done)(struct request *request, enum rill_err err, struct rill_msg *take_reply);

    // the table's
    uint64_t token;
    UT_hash_handle hh;
    struct rill_deadline deadline;
    struct rill_bytes copy; // of the command, for AGAIN; heap
    bool kept;              // the link that broke has not had it, and the output still has
    bool owed;              // the server has to be sent the copy
    bool shaken;            // a link broke since, or just before: that nobody listens may be over soon
    struct request *next_lost;
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

/* Gives it a token. *ret_earliest tells whether it has the first of all deadlines. From now on the request may end, and be freed, at any time; CLOSED: done is not
   called. */
enum rill_err requests_add(struct requests *requests, struct request *request, int64_t deadline_ns,
                           uint64_t *ret_token, bool *ret_earliest) RILL_MUST_CHECK;
/* True when it was still there: then done is not called. */
bool requests_remove(struct requests *requests, uint64_t token);

/* An answer came; one to nobody is dropped. True when it said that nobody listens, after a break, and the request is
   owed for that: to be sent again a little later. */
bool requests_answer(struct requests *requests, uint64_t token, struct rill_msg *take_reply);
/* Ends those whose time is up. */
void requests_expire(struct requests *requests, int64_t now_ns);
int64_t requests_next_ns(struct requests *requests);
/* Ends all, and whatever is added later is refused. */
void requests_close(struct requests *requests);

// ---- when a link breaks, with the connection's lock held ----

/* Keeps a copy of the command, for AGAIN. `shaken`: a link broke just before. */
void requests_copy(struct requests *requests, uint64_t token, struct rill_bytes command, bool shaken);
/* The output still has it. */
void requests_keep(struct requests *requests, uint64_t token);
/* All but those which were kept since the last call: the server may have had them. */
void requests_link_lost(struct requests *requests);
/* Appends the copies of those that are owed, in the order of their tokens. False: not all of them had room. */
bool requests_send_owed(struct requests *requests, struct rill_buf *out) RILL_MUST_CHECK;
