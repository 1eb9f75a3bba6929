// SPDX-License-Identifier: Apache-2.0
//
// A consumer as a pure state machine: what it has delivered and what of that is outstanding. It makes no I/O, knows no
// clock, no stream and no client; it is told what happened and says what to do next. Loop thread only.
//
//      sequences   1 2 3 4 5 6 7 8 9
//                  d d o d r o . . .        d done, o outstanding, r ready to be delivered again
//                     ^        ^   ^
//              ack floor   cursor  last committed
//
// A sequence in front of the cursor is done or outstanding; the others were never delivered (invariant of the model
// test). What is outstanding is in one of these states:
//
//                 delivered                  its time is over
//      (cursor) ───────────► WAITING ──────────────────────────► READY ──── delivered again ───► WAITING
//          │                    │  ▲
//          │ its subject is     │  └─ progress, a nak with a delay
//          │ held back          │
//          ▼                    │ its time is over, and it was delivered deliveries_max times, or terminated
//        PARKED ─► READY        └──────────────► GIVEN_UP ──── buried ───► done
//
// Who delivers asks in a loop:
//
//      consumer_given_up      what to give up: tell about it, then consumer_bury
//      consumer_want          which message to deliver now, or why none
//      consumer_offer         how the delivery would be numbered
//      consumer_delivered     it went out
//      consumer_pass          there is no such message
//      consumer_skip          none of the next messages is for this consumer
//
// Everything that happens is noted in `runs` for the stream's log (consumer_record.h); applying those to the state before
// gives this state again.
#pragma once

#include "base/deadline.h"
#include "consumer_record.h"
#include "outstanding.h"
#include "sequences.h"

/* System limit on what one consumer may have outstanding; a larger max_ack_pending, or none, means this. */
enum { CONSUMER_ACK_PENDING_MAX = 500 * 1000 };

enum consumer_acks {
    CONSUMER_ACKS_NONE,     // delivered is done
    CONSUMER_ACKS_ALL,      // an acknowledgement is one of all before it too
    CONSUMER_ACKS_EXPLICIT, // each by itself
};

struct consumer_limits {
    enum consumer_acks acks;
    int64_t ack_wait_ns;                  // RILL_NEVER_NS: nothing comes again by itself
    const int64_t *backoff_ns;            // instead of ack_wait_ns, by the number of deliveries
    uint32_t backoff_count;               // the last one repeats; 0: none
    uint32_t deliveries_max;              // of one message; 0 is unlimited
    uint32_t ack_pending_max;             // 1 to CONSUMER_ACK_PENDING_MAX
    uint32_t ack_pending_per_subject_max; // 0: none; never changes (consumer_keys.h)
};

struct consumer {
    const struct consumer_limits *limits; // borrowed
    uint64_t cursor;                      // next sequence to deliver for the first time
    uint64_t consumer_seq;                // given last
    struct outstanding_set outstanding;
    struct outstanding *ready;    // in the order in which they became so
    struct outstanding *given_up; // to be buried
    uint32_t redelivered;         // outstanding ones that were delivered more than once
    uint32_t parked_count;        // outstanding ones that wait for their subject's turn
    struct consumer_key *keys;    // uthash by subject
    struct outstanding *unkeyed;  // since the restart
    bool unlogged;                // nothing is noted
    bool keeps_given_up;          // what is given up by max_deliver is not told as done
    struct sequences *done;       // borrowed: here it tells what it is done with; NULL: nobody wants to know

    struct rill_deadlines deadlines; // of those that wait

    struct consumer_runs runs; // since consumer_noted
    bool runs_lost;            // the log lacks some: the next event must be a whole one
};

/* The limits live longer than the consumer, or until it gets others. */
struct consumer *consumer_create(const struct consumer_limits *limits, uint64_t first_sequence);
void consumer_destroy(struct consumer *consumer);
/* What waits keeps its time. */
void consumer_set_limits(struct consumer *consumer, const struct consumer_limits *limits);
/* Forgets all that is outstanding; delivery goes on at this sequence. Consumer sequences begin anew. */
void consumer_reset(struct consumer *consumer, uint64_t sequence);

// ---- delivering ----

enum consumer_want {
    CONSUMER_IS_FULL,     // ack_pending_max are outstanding
    CONSUMER_IS_AT_END,   // everything up to last_sequence was delivered
    CONSUMER_WANTS_AGAIN, // *ret_sequence, once more
    CONSUMER_WANTS_NEXT,  // *ret_sequence or one behind it, for the first time
};

enum consumer_want consumer_want(const struct consumer *consumer, uint64_t last_sequence,
                                 uint64_t *ret_sequence);

struct consumer_offer {
    uint64_t consumer_seq;
    uint32_t delivered; // this time included
};

/* For the sequence that consumer_want gave. */
struct consumer_offer consumer_offer(const struct consumer *consumer, uint64_t sequence);
/* The offer went out. `key` of a first delivery, NULL when there are no keys. */
void consumer_delivered(struct consumer *consumer, uint64_t sequence, struct consumer_key *key,
                        int64_t now_ns);
/* There is no message of the sequence that consumer_want gave. */
void consumer_pass(struct consumer *consumer, uint64_t sequence);
/* The cursor goes on to `sequence`: nothing in front of it is for this consumer. */
void consumer_skip(struct consumer *consumer, uint64_t sequence);

// ---- acknowledgements ----

enum consumer_answer {
    CONSUMER_KNOWS,    // was outstanding
    CONSUMER_IS_DONE,  // was done before
    CONSUMER_KNOWS_NOT // was never delivered, as far as this consumer can tell
};

/* Never again; with CONSUMER_ACKS_ALL nor what is before it. */
enum consumer_answer consumer_ack(struct consumer *consumer, uint64_t sequence);
/* Again, at `at_ns`; at once when that has passed. */
enum consumer_answer consumer_nak(struct consumer *consumer, uint64_t sequence, int64_t at_ns,
                                  int64_t now_ns);
/* Its ack wait begins anew. */
enum consumer_answer consumer_progress(struct consumer *consumer, uint64_t sequence, int64_t now_ns);
/* Never again: it is given up, whatever it was delivered. */
enum consumer_answer consumer_terminate(struct consumer *consumer, uint64_t sequence);

/* Messages in front of this sequence are not in the stream any more: what of them is outstanding is done. */
void consumer_purged(struct consumer *consumer, uint64_t first_sequence);

// ---- giving up ----

/* The first that is to be given up; NULL: none. */
const struct outstanding *consumer_given_up(const struct consumer *consumer);
/* The first that was given up is done. */
void consumer_bury(struct consumer *consumer);
/* It is given up again at `at_ns`, unless it is done until then. */
void consumer_bury_later(struct consumer *consumer, int64_t at_ns);
/* What was to be buried later is done. */
void consumer_buried(struct consumer *consumer, uint64_t sequence);

// ---- time ----

int64_t consumer_next_deadline_ns(const struct consumer *consumer);
/* Makes ready, or gives up, what is due. */
void consumer_expire(struct consumer *consumer, int64_t now_ns);
/* All that waits is due: whoever has it is gone. */
void consumer_expire_all(struct consumer *consumer);

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
/* After a start: the stream ends at last_sequence, and what is outstanding is due one ack wait from now, or at once when
   that is for ever. */
void consumer_restart(struct consumer *consumer, uint64_t last_sequence, int64_t now_ns);

// ---- what there is to know ----

struct consumer_floor {
    uint64_t sequence; // this and all before it are done
    uint64_t consumer_seq;
};

struct consumer_floor consumer_ack_floor(const struct consumer *consumer);
/* Delivered and not done. */
uint32_t consumer_ack_pending(const struct consumer *consumer);

// ---- for the parts of the state machine ----

/* When an entry is due that was delivered so often, the last time now; RILL_NEVER_NS: never. */
int64_t consumer_due_ns(const struct consumer *consumer, uint32_t delivered, int64_t now_ns);
/* What waits or is parked is to be delivered. */
void consumer_make_ready(struct consumer *consumer, struct outstanding *entry);
/* The message at the cursor is outstanding and parked, without a key. */
struct outstanding *consumer_add_parked(struct consumer *consumer);
