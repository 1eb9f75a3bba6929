// SPDX-License-Identifier: Apache-2.0
//
// The requests for messages that wait at a consumer, in the order of their turn. Pure: no I/O, no clock. Owned by its
// consumer; loop thread only.
//
//                                 time is over: pulls_take_due says PULL_EXPIRED
//      pulls_add ──► waiting ──┬► nothing to deliver at once: pulls_take_unserved (only those that do not wait)
//                     ▲   │    └► pulls_served says that it was the last message
//                     └───┘
//              a message: the others have their turn first
//
// A pull that was taken out belongs to the caller, who answers it and frees it. With PULLS_BY_PRIORITY those with the lower
// number are always served first; the turns are among equals.
#pragma once

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/err.h"

/* Who of those that wait gets a message. */
enum pulls_policy {
    PULLS_IN_TURN,
    PULLS_OVERFLOW,    // in turn, and only when as much is pending as the pull asks for
    PULLS_PINNED,      // only those of the client that is pinned
    PULLS_BY_PRIORITY, // the lowest number first
};

struct pull {
    struct pull *next;
    struct pull *prev;
    struct rill_deadline expiry;    // armed when it has one
    struct rill_deadline heartbeat; // armed when it has one
    int64_t heartbeat_ns;           // 0: none
    int64_t active_ns;              // when something was sent to it
    uint64_t left;                  // messages still wanted, at least 1
    uint64_t bytes_left;            // 0: no limit
    uint64_t delivered;
    uint64_t min_pending;     // 0: none
    uint64_t min_ack_pending; // 0: none
    uint64_t pin;             // the pin it named; 0: none
    uint8_t priority;
    bool no_wait; // ends as soon as there is nothing to deliver at once ...
    bool expires; // ... but when nothing was delivered and it has an expiry, it waits for that
    size_t reply_len;
    uint8_t reply[];
};

struct pulls {
    enum pulls_policy policy;
    struct pull *first; // in the order of their turn
    uint32_t count;
    uint32_t no_wait_count; // of them
    struct rill_deadlines deadlines;
};

/* No pull waits any more. */
void pulls_fini(struct pulls *pulls);

struct pulls_request {
    struct rill_bytes reply;
    uint64_t batch;        // at least 1
    uint64_t bytes_max;    // 0: no limit
    int64_t expires_at_ns; // monotonic; RILL_NEVER_NS when it does not
    int64_t heartbeat_ns;  // 0: none
    uint64_t min_pending;
    uint64_t min_ack_pending;
    uint64_t pin;
    uint8_t priority;
    bool no_wait;
};

void pulls_add(struct pulls *pulls, const struct pulls_request *request, int64_t now_ns);
/* Ends a waiting pull and frees it. */
void pulls_end(struct pulls *pulls, struct pull *pull);
/* Any waiting pull, taken out: the consumer ends. NULL: no more. */
struct pull *pulls_take_any(struct pulls *pulls);
struct rill_bytes pull_reply(const struct pull *pull);

// ---- delivering ----

struct pulls_terms {
    uint64_t pending;     // messages not yet delivered
    uint64_t ack_pending; // delivered and not acknowledged
    uint64_t pin;         // who is pinned
};

/* Whose turn it is; NULL when nobody may get a message now. */
struct pull *pulls_next(const struct pulls *pulls, const struct pulls_terms *terms);
/* Would a message of this size break what the pull asked for? */
bool pull_is_too_small(const struct pull *pull, uint64_t bytes);
/* It gets nothing this time: the others of its kind have their turn first. */
void pulls_pass_over(struct pulls *pulls, struct pull *pull);
/* It got a message. True when that was the last one: taken out, for the caller to answer and free. */
bool pulls_served(struct pulls *pulls, struct pull *pull, uint64_t bytes, int64_t now_ns) RILL_MUST_CHECK;
/* When there is nothing to deliver: a pull that does not wait, taken out. NULL: no more. */
struct pull *pulls_take_unserved(struct pulls *pulls);

// ---- time ----

enum pull_due {
    PULL_NOT_DUE,
    PULL_EXPIRED, // taken out
    PULL_BEATS,   // wants a heartbeat; stays
};

enum pull_due pulls_take_due(struct pulls *pulls, int64_t now_ns, struct pull **ret_pull);
int64_t pulls_next_deadline_ns(const struct pulls *pulls);
