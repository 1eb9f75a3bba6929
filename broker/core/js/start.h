// SPDX-License-Identifier: Apache-2.0
//
// Where a new consumer begins in its stream, as its deliver_policy says. Some policies ask the log or the index for it,
// which may take several turns: start_find is called again until it has an answer.
//
// With last_per_subject it begins with a list: the last message of each subject that its filter takes, as the stream was
// when the search began. Up to that sequence only those are for it; what comes behind goes by the filter alone. A subject that
// got another message while the list was made is not in it: its last message comes behind.
//
//      sequences   1  2  3  4  5  6  7 | 8  9
//      subjects    a  b  a  c  b  a  c | a  d
//      listed                  5  6  7   listed_to is 7; then 8, 9
//
// The list goes into the consumer's record, and out of it when the cursor is behind it.
#pragma once

#include "base/buf.h"
#include "proto/jetstream.pb-c.h"
#include "sequences.h"

struct asked;
struct stream;

struct start {
    uint64_t sequence;       // result: of the cursor
    uint64_t listed_to;      // result: 0: there is no list
    struct sequences listed; // in order when it is complete

    bool begun;
    size_t filter;         // that is listed
    struct rill_buf after; // subject that was listed last
};

struct start *start_create(void);
/* NULL is fine. */
void start_destroy(struct start *start);
/* AGAIN: `asked` is tried again when the log or the index has gone on. UNAVAILABLE: there is no index; IO. */
enum rill_err start_find(struct stream *stream, struct asked *asked,
                         const Rill__ConsumerConfig *config) RILL_MUST_CHECK;

/* The list as a record has it: the differences as varints (consumer_record.h), the first from 0. */
void start_pack(const struct start *start, struct rill_buf *buf);
