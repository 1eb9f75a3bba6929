// SPDX-License-Identifier: Apache-2.0
//
// A consumer as a pure state machine: what it has delivered, what of that is outstanding, and who waits for more. It
// makes no I/O, knows no clock and no stream; it is told what happened and says what to do next. Loop thread only.
//
//      sequences   1 2 3 4 5 6 7 8 9
//                  d d o d r o . . .        d done, o outstanding, r ready to be delivered again
//                     ^        ^   ^
//              ack floor   cursor  last committed
//
// A sequence in front of the cursor is done or outstanding; the others were never delivered (invariant of the model
// test). Who delivers asks in a loop:
//
//      consumer_want          which message to deliver now, or why none
//      consumer_offer         how the delivery would be numbered
//      consumer_delivered     it went out to the first pull
//      consumer_pass          there is no such message
//
// and answers pulls that end: consumer_take_expired, consumer_take_unserved. Everything that happens is noted in `runs`
// for the stream's log (consumer_record.h); applying those to the state before gives this state again.
#pragma once

#include "base/deadline.h"
#include "consumer_record.h"
#include "outstanding.h"

/* System limit on what one consumer may have outstanding; a larger max_ack_pending, or none, means this. */
enum { CONSUMER_ACK_PENDING_MAX = 500 * 1000 };

struct consumer_limits {
    int64_t ack_wait_ns;
    uint32_t deliveries_max;  // of one message; 0 is unlimited
    uint32_t ack_pending_max; // 1 to CONSUMER_ACK_PENDING_MAX
    uint32_t waiting_max;     // pulls
};

/* A request for messages that waits. */
struct consumer_pull {
    struct consumer_pull *next;
    struct consumer_pull *prev;
    struct rill_deadline expiry; // armed when it has one
    uint64_t left;               // messages still wanted, at least 1
    uint64_t delivered;
    bool no_wait; // ends as soon as there is nothing to deliver at once ...
    bool expires; // ... but when nothing was delivered and it has an expiry, it waits for that
    size_t reply_len;
    uint8_t reply[];
};

struct consumer {
    struct consumer_limits limits;
    uint64_t cursor;       // next sequence to deliver for the first time
    uint64_t consumer_seq; // given last
    struct outstanding_set outstanding;
    struct outstanding *ready; // in the order in which they became so
    uint32_t redelivered;      // outstanding ones that were delivered more than once
    uint64_t given_up;         // deliveries_max was reached

    struct consumer_pull *pulls; // in the order of their turn
    uint32_t pull_count;
    uint32_t no_wait_count; // of them

    struct rill_deadlines deadlines; // of outstanding messages and of pulls
    struct consumer_pull *expired;   // for consumer_take_expired

    struct consumer_runs runs; // since consumer_noted
    bool runs_lost;            // the log lacks some: the next event must be a whole one
};

struct consumer *consumer_create(const struct consumer_limits *limits, uint64_t first_sequence);
void consumer_destroy(struct consumer *consumer);

// ---- pulls ----

struct consumer_pull_request {
    struct rill_bytes reply;
    uint64_t batch; // at least 1
    bool no_wait;
    int64_t expires_at_ns; // monotonic; RILL_NEVER_NS when it does not
};

/* LIMIT when waiting_max are there already. */
enum rill_err consumer_pull_add(struct consumer *consumer,
                                const struct consumer_pull_request *request) RILL_MUST_CHECK;
/* Ends a waiting pull and frees it. */
void consumer_pull_end(struct consumer *consumer, struct consumer_pull *pull);

/* A pull whose time is over after consumer_expire, taken out: the caller answers and frees it. NULL: no more. */
struct consumer_pull *consumer_take_expired(struct consumer *consumer);
/* When consumer_want has nothing: a pull that does not wait, taken out. NULL: no more. */
struct consumer_pull *consumer_take_unserved(struct consumer *consumer);
/* Any waiting pull, taken out: the consumer ends. NULL: no more. */
struct consumer_pull *consumer_take_pull(struct consumer *consumer);

// ---- delivering ----

enum consumer_want {
    CONSUMER_HAS_NO_PULL,
    CONSUMER_IS_FULL,     // ack_pending_max are outstanding
    CONSUMER_IS_AT_END,   // everything up to last_sequence was delivered
    CONSUMER_WANTS_AGAIN, // *ret_sequence, once more
    CONSUMER_WANTS_NEXT,  // *ret_sequence, for the first time
};

enum consumer_want consumer_want(const struct consumer *consumer, uint64_t last_sequence,
                                 uint64_t *ret_sequence);

struct consumer_offer {
    struct consumer_pull *pull;
    uint64_t consumer_seq;
    uint32_t delivered; // this time included
};

/* For the sequence that consumer_want gave. */
struct consumer_offer consumer_offer(const struct consumer *consumer, uint64_t sequence);
/* The offer went out; the pull is freed when that was all it wanted. */
void consumer_delivered(struct consumer *consumer, uint64_t sequence, const struct consumer_offer *offer,
                        int64_t now_ns);
/* There is no message of the sequence that consumer_want gave. */
void consumer_pass(struct consumer *consumer, uint64_t sequence);

// ---- acknowledgements ----

enum consumer_answer {
    CONSUMER_KNOWS,    // was outstanding
    CONSUMER_IS_DONE,  // was done before
    CONSUMER_KNOWS_NOT // was never delivered, as far as this consumer can tell
};

/* Acknowledged, or terminated: never again. */
enum consumer_answer consumer_ack(struct consumer *consumer, uint64_t sequence);
/* Again, at `at_ns`; at once when that has passed. */
enum consumer_answer consumer_nak(struct consumer *consumer, uint64_t sequence, int64_t at_ns,
                                  int64_t now_ns);
/* Its ack wait begins anew. */
enum consumer_answer consumer_progress(struct consumer *consumer, uint64_t sequence, int64_t now_ns);

// ---- time ----

int64_t consumer_next_deadline_ns(const struct consumer *consumer);
/* Makes ready what is due, gives up what was delivered too often, and takes pulls whose time is over out. */
void consumer_expire(struct consumer *consumer, int64_t now_ns);

// ---- the log ----

/* Is there something that the log does not know? */
bool consumer_has_news(const struct consumer *consumer);
/* Appends an event with all of it. */
void consumer_write_event(struct consumer *consumer, uint64_t number, struct rill_buf *buf);
/* The event was taken by the store. */
void consumer_noted(struct consumer *consumer);
/* Events that were taken are lost: the next one says everything. */
void consumer_lost_events(struct consumer *consumer);
/* The state for a checkpoint. */
void consumer_write_whole(const struct consumer *consumer, struct rill_buf *buf);

/* Replaying. Leaves all that is outstanding without a deadline until consumer_restart. DAMAGED. */
enum rill_err consumer_apply(struct consumer *consumer, enum consumer_form form,
                             struct rill_bytes bytes) RILL_MUST_CHECK;
/* After a start: the stream ends at last_sequence, and what is outstanding is due one ack wait from now. */
void consumer_restart(struct consumer *consumer, uint64_t last_sequence, int64_t now_ns);

// ---- what there is to know ----

struct consumer_floor {
    uint64_t sequence; // this and all before it are done
    uint64_t consumer_seq;
};

struct consumer_floor consumer_ack_floor(const struct consumer *consumer);
