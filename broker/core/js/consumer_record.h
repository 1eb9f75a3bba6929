// SPDX-License-Identifier: Apache-2.0
//
// What happened to a consumer, as bytes of a CONSUMER_STATE event in its stream's log. Pure; no I/O.
//
// An event is
//
//      varint  number of the consumer in its stream (a name may come again, a number never does)
//      byte    form: 0 is "runs", 1 is "whole"
//      ...     what the form says, to the end of the event
//
// A varint has seven bits of the number in each byte, the lowest first; every byte but the last has its top bit set; at
// most ten bytes. zigzag(d) is 2d for d >= 0 and -2d - 1 for d < 0, so that small differences of both signs are short.
//
// **Runs** say what happened since the event before, in its order. Each is about consecutive sequences:
//
//      varint  zigzag(first sequence - last sequence of the run before, 0 at the start) * 8 + what
//      varint  how many sequences, less one
//
//      what    0 delivered for the first time: each is now outstanding and took the next consumer sequence; the
//                cursor is behind the last one
//              1 delivered again: each took the next consumer sequence and was delivered once more
//              2 done: acknowledged, terminated or given up; each is no longer outstanding
//              3 passed over, as there is no such message or it is not for this consumer: the cursor is behind the
//                last one
//              4 sent: delivered for the first time and done at once, as nobody acknowledges; each took the next
//                consumer sequence, the cursor is behind the last one
//              5 parked: each is outstanding without having been delivered; the cursor is behind the last one
//              6 terminated: each is to be given up, however often it was delivered, and outstanding until that is done
//
// So "messages 1000 to 1499 were delivered and acknowledged" is eight bytes. What they say is applied to the state before:
// a run that does not fit (done for what is not outstanding) changes nothing.
//
// **Whole** takes the place of everything that was said before. It is also what a checkpoint holds (there without number
// and form), and what follows a commit that was taken back, when the runs in it were lost:
//
//      varint  cursor: the sequence behind the last that was delivered or passed over
//      varint  consumer sequence given last
//      varint  number of outstanding messages; for each, by sequence:
//      varint      sequence - sequence of the one before (0 for the first)
//      varint      how often it was delivered (0: it is parked), times 2, and 1 more when it is terminated
//      varint      consumer sequence given last - the one of its first delivery
//
// Deadlines are not recorded: what is outstanding after a start is due one ack wait later.
#pragma once

#include "base/buf.h"

enum consumer_op {
    CONSUMER_OP_DELIVERED,
    CONSUMER_OP_AGAIN,
    CONSUMER_OP_DONE,
    CONSUMER_OP_PASSED,
    CONSUMER_OP_SENT,
    CONSUMER_OP_PARKED,
    CONSUMER_OP_TERMINATED,
    CONSUMER_OP_COUNT,
};

enum consumer_form {
    CONSUMER_FORM_RUNS,
    CONSUMER_FORM_WHOLE,
};

struct consumer_run {
    enum consumer_op op;
    uint64_t first_sequence;
    uint64_t count; // at least 1
};

/* Runs under construction. */
struct consumer_runs {
    struct rill_buf bytes;
    uint64_t previous;       // last sequence of the last run in `bytes`
    struct consumer_run run; // not in `bytes` yet; none when its count is 0
};

void consumer_runs_init(struct consumer_runs *runs);
void consumer_runs_fini(struct consumer_runs *runs);
/* Adds `count` sequences, at least one; joins the last run when it can. */
void consumer_runs_add(struct consumer_runs *runs, enum consumer_op op, uint64_t sequence, uint64_t count);
bool consumer_runs_is_empty(const struct consumer_runs *runs);
/* All runs as bytes; valid until the next call. */
struct rill_bytes consumer_runs_bytes(struct consumer_runs *runs);
void consumer_runs_clear(struct consumer_runs *runs);

/* Reading runs. */
struct consumer_runs_cursor {
    struct rill_bytes rest;
    uint64_t previous;
};

struct consumer_runs_cursor consumer_runs_cursor_of(struct rill_bytes bytes);
/* NOT_FOUND at the end, DAMAGED when the bytes are no runs. */
enum rill_err consumer_runs_next(struct consumer_runs_cursor *cursor,
                                 struct consumer_run *ret_run) RILL_MUST_CHECK;

/* The front of an event. */
void consumer_event_begin(struct rill_buf *buf, uint64_t number, enum consumer_form form);
/* DAMAGED when it is no such event. */
enum rill_err consumer_event_parse(struct rill_bytes event, uint64_t *ret_number,
                                   enum consumer_form *ret_form, struct rill_bytes *ret_rest) RILL_MUST_CHECK;

// ---- the numbers ----

enum { VARINT_BYTES_MAX = 10 };

void varint_append(struct rill_buf *buf, uint64_t value);
/* Takes a number from the front. False when there is none; then nothing changed. */
bool varint_take(struct rill_bytes *rest, uint64_t *ret_value);
