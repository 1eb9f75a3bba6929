// SPDX-License-Identifier: Apache-2.0
//
// The reply subject of a message that a consumer delivered: it names the delivery, so an acknowledgement
// needs nothing else. The broker writes the first form and reads both (NATS' ADR-15). Any thread.
//
//     $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<timestamp>.<pending>
//     $JS.ACK.<domain or _>.<account hash>.<stream>.<consumer>.<delivered>. ... .<pending>[.<anything>...]
#pragma once

#include "base/buf.h"
#include "proto/decimal.h"

struct rill_ack_subject {
    struct rill_bytes domain;       // empty in the first form, and when it was "_"
    struct rill_bytes account_hash; // empty in the first form
    struct rill_bytes stream;
    struct rill_bytes consumer;
    uint64_t delivered; // how many times, this one included
    uint64_t stream_seq;
    uint64_t consumer_seq;
    int64_t timestamp_ns; // of the message, since 1970-01-01 UTC
    uint64_t pending;     // messages behind this one that match the consumer's filter
};

/* Appends the first form. LIMIT or NO_MEMORY leave the buffer as it was. */
enum rill_err rill_ack_subject_append(const struct rill_ack_subject *ack,
                                      struct rill_buf *buf) RILL_MUST_CHECK;

enum {
    RILL_ACK_SUBJECT_NUMBERS = 5,
    RILL_ACK_SUBJECT_NAME_BYTES_MAX = 255, // of a stream, or a consumer
    RILL_ACK_SUBJECT_BYTES_MAX =
        8 + 2 * RILL_ACK_SUBJECT_NAME_BYTES_MAX + 1 + RILL_ACK_SUBJECT_NUMBERS * (1 + RILL_DECIMAL_BYTES_MAX),
};

/* Writes the subjects of deliveries that follow one another, which differ in a few digits: only those are written anew. */
struct rill_ack_subject_writer {
    struct {
        uint64_t value;
        uint64_t min, max; // of the numbers that have as many digits
        uint16_t end;      // of its digits in the text
    } numbers[RILL_ACK_SUBJECT_NUMBERS];
    size_t front_len; // up to the numbers
    size_t len;       // 0: nothing was written yet
    uint8_t text[RILL_ACK_SUBJECT_BYTES_MAX];
};

/* Names have at most RILL_ACK_SUBJECT_NAME_BYTES_MAX bytes. */
void rill_ack_subject_begin(struct rill_ack_subject_writer *writer, struct rill_bytes stream,
                            struct rill_bytes consumer);
/* The subject of this delivery, which must be of the stream and the consumer that the writer began with: their names are not
   looked at. The view lives until the next one. */
struct rill_bytes rill_ack_subject_write(struct rill_ack_subject_writer *writer,
                                         const struct rill_ack_subject *ack);

/* The views in *ret point into `subject`. False when it is neither form; then *ret is untouched. */
bool rill_ack_subject_parse(struct rill_bytes subject, struct rill_ack_subject *ret);
