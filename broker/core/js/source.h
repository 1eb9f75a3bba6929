// SPDX-License-Identifier: Apache-2.0
//
// Which messages of the stream a consumer is to see, and how many are before it: the only place that knows. A part of a
// durable; loop thread only.
//
//      everything     no filter, or one that lets all of the stream's subjects pass: the store's own counts, no index
//      a filter       the store's index finds and counts
//
// What a filter remembers in the store takes some kilobytes, so it is there only while somebody asks: it goes when
// nobody has asked for a while, and the one that was asked least recently goes when there are too many of them. What was
// counted stays as a number, moved on with each delivery, and is counted anew when something has left the stream.
//
// A consumer with last_per_subject has a list in its record (start.h, listed.h), and up to its end sees only what is listed
// and still there.
//
// The index may be behind the log, and one question is a bounded amount of work: then the answer is AGAIN, and whoever
// asked comes again, see source_wait. When the index has failed everything is looked at, and what the filter does not take is
// passed over once it was read; what is counted then is an upper bound.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct durable;
struct listed;
struct jetstream;
struct rill_store_filter;
struct source_filter;
struct stream;

struct source {
    struct source_filter *filter; // NULL: nobody has asked lately, or it takes everything
    bool takes_all;
    bool blind;            // the index has failed, until it is mended
    struct listed *listed; // owned; NULL: it has no list, or it has come to its end

    // what was counted
    uint64_t counted_from; // 0: nothing
    uint64_t counted_to;   // last sequence
    uint64_t log_change;   // of the stream, by then
    uint64_t gone;         // messages that had left the stream by then
    uint64_t count;
};

/* Its configuration, or the stream's, is another one now; what was known is forgotten. */
void source_changed(struct durable *durable);
/* The index has been made again: no longer blind. */
void source_see(struct durable *durable);
/* Gives back what it takes of the store. */
void source_stop(struct durable *durable);
void source_fini(struct durable *durable);

/* The first sequence at or behind `from`, and committed, that it is to see. NOT_FOUND: none; AGAIN: see source_wait. */
enum rill_err source_next(struct durable *durable, uint64_t from, uint64_t *ret_sequence) RILL_MUST_CHECK;
/* Does its filter take this subject? What was found need only be asked when `blind`. */
bool source_matches(const struct durable *durable, struct rill_bytes subject);
/* Brings `count`, of those from the cursor on, up to date. AGAIN. */
enum rill_err source_count(struct durable *durable) RILL_MUST_CHECK;
/* The cursor was on the first of them and is behind it now. */
void source_took(struct durable *durable, uint64_t sequence);
/* The same for so many that follow one another; it takes everything. */
void source_took_run(struct durable *durable, uint64_t first, uint64_t count);
/* The cursor was moved on over what is not for it. */
void source_skipped(struct durable *durable, uint64_t from, uint64_t to);

/* All that is in the stream; its own. */
struct rill_store_filter *source_everything(struct stream *stream);

/* An answer was AGAIN: it is served again when the index has gone on. */
void source_wait(struct durable *durable);

/* Filters that nobody has asked for a while go. */
void source_filters_due(struct jetstream *js);
