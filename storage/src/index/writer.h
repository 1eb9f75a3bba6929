// SPDX-License-Identifier: Apache-2.0
//
// A job's side of the file: one transaction that brings it from the end of one batch to the end of the next.
#pragma once

#include "index_internal.h"

enum { BLOB_BYTES_MAX = 64 << 20, DROPPED_REMEMBERED = 4096 };

struct writer {
    struct index_db *db; // the job's
    const struct rill_index_job *job;
    const struct batch *batch;
    uint64_t *ids;         // of the batch's subjects
    uint64_t ids_sequence; // the file has the ids of messages up to this one
    struct index_era era;
    struct rill_buf buf;
    uint64_t dropped[DROPPED_REMEMBERED]; // subjects whose purged postings of dropped_era are gone
    uint64_t dropped_era;
};

/* writer_feed.c: the batch's messages. Sets the ids. */
enum rill_err writer_feed(struct writer *writer) RILL_MUST_CHECK;
/* writer_delete.c: what the batch deletes of older messages. */
enum rill_err writer_delete(struct writer *writer) RILL_MUST_CHECK;
/* writer_purge.c: what is purged, as much as one job may take. */
enum rill_err writer_purge(struct writer *writer) RILL_MUST_CHECK;
/* NOT_FOUND in an empty file. */
enum rill_err writer_era_of(struct writer *writer, uint64_t sequence, uint64_t *ret_era) RILL_MUST_CHECK;
enum rill_err writer_drop_subject(struct writer *writer, uint64_t id) RILL_MUST_CHECK;
/* writer_ids.c: the batch's ids; drops those that are too old. */
enum rill_err writer_ids(struct writer *writer) RILL_MUST_CHECK;
/* writer_expiries.c: of the batch's messages, and not of those that are gone. */
enum rill_err writer_expiries(struct writer *writer) RILL_MUST_CHECK;
/* `sequences` are all that the batch deletes, sorted. */
enum rill_err writer_expiries_delete(struct writer *writer, const uint64_t *sequences,
                                     uint64_t count) RILL_MUST_CHECK;
/* writer_summary.c. */
enum rill_err writer_summary(struct writer *writer) RILL_MUST_CHECK;
