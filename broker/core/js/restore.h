// SPDX-License-Identifier: Apache-2.0
//
// A stream that is made of a backup: $JS.API.STREAM.RESTORE. The bytes come in chunks to a subject of its own, each is
// answered when it is written, with an empty message or an error, and an empty chunk says that there are no more. Then the
// log is given the configuration that was asked for and takes its place, and the last chunk's answer is that of a stream
// that was made.
//
//      request ──► chunk ──► write (job) ──► answer ──┐       error, silence,      everything that was written
//                    ▲                                │       the broker stops ──► is removed (job) ──► freed
//                    └────────────────────────────────┤
//                                      empty chunk ───┴──► restore_job.c: a stream that is CREATING
//
// Until then there is no stream, only files that nobody takes for one; what a crash leaves of them is removed by the next
// start. Owned by the jetstream; loop thread only. Limits: RESTORES_MAX at a time, RESTORE_QUEUE_BYTES_MAX of each waiting to
// be written; a client that sends more has its restore ended.
#pragma once

#include "js_state.h"
#include "proto/js_error.h"

enum { RESTORES_MAX = 16, RESTORE_QUEUE_BYTES_MAX = 16 << 20 };

/* How long a client may be silent. */
#define RESTORE_SILENCE_NS (30 * RILL_NS_PER_S)

/* May a stream with this configuration be restored now? */
struct rill_js_error restore_check(struct jetstream *js, const Rill__StreamConfig *config);
/* It may. Returns the subject for the chunks, which lives until the turn ends. */
const char *restore_begin(struct jetstream *js, const Rill__StreamConfig *config);
/* A deadline has come. */
void restore_due(struct rill_deadline *due);
/* The broker stops. */
void restore_stop_all(struct jetstream *js);

/* Everything was written (restore_job.c): makes the stream, and answers. An error: it cannot be made, and nothing
   happened. */
struct restore_finish {
    const Rill__StreamConfig *config;
    bool without_consumers;
    int64_t start_wall_ns;
    uint64_t bytes;
    struct rill_bytes reply;
};
struct rill_js_error restore_finish(struct jetstream *js, const struct restore_finish *finish);
/* The answer to the last chunk of one that failed. */
void restore_refuse(struct jetstream *js, struct rill_bytes reply, const struct rill_js_error *error);
