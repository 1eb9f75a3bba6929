// SPDX-License-Identifier: Apache-2.0
//
// Which messages a stream keeps for its consumers. With limits retention nothing of this exists. On a work queue a message
// goes when the consumer that it is for is done with it; with interest retention when all that it is for are, and one that is for
// none is not kept at all. Owned by its stream; loop thread only.
//
//      a consumer is done with a message ──► `done` ──► does another one need it? ─no─► `doomed` ──► its removal is appended
//                                                            │
//                                                           yes: the one that is done last will say it again
//
// A message's removal is in the same commit as what its consumer tells of it, or in one before: what consumers have done is
// not written (stream_commit.c) while something is in one of the two lists. So after a crash no message stays that all are done with; one
// that is gone, and that a consumer does not know to be done, is passed over. When a commit fails its removals are made again.
//
// With interest retention a message may also lose the last one who needs it when a consumer ends, goes on elsewhere, or gets
// another filter; and consumers in memory end with the process. Then all messages are looked at, some in each turn: the sweep.
//
// What a consumer gives up after max_deliver stays on a work queue, as nats-server has it, and goes with interest retention.
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "proto/jetstream.pb-c.h"
#include "sequences.h"

#include <stdbool.h>

struct durable;
struct stream;

struct retention {
    struct sequences done;   // with these some consumer is done
    struct sequences doomed; // these are to be removed
    struct sequences open;   // removed in the open commit
    struct sequences flying; // removed in the commit that is out
    uint64_t floor;          // all below it are removed, in one of the two or before
    uint64_t sweep_at;       // the next message that the sweep looks at; 0: none is under way
};

void retention_fini(struct retention *retention);

/* The consumer's configuration, or the stream's, is another one now: what is it to tell? */
void retention_listen(struct durable *durable);
/* Messages may have lost the last one who needed them. */
void retention_look_at_all(struct stream *stream);
/* A message of this subject is published: shall it be kept? */
bool retention_wants(const struct stream *stream, struct rill_bytes subject);
/* It was appended, and shall not. */
void retention_drop(struct stream *stream, uint64_t sequence);

/* Is there something that must be removed before consumers may say what they have done? */
static inline bool retention_owes(const struct retention *retention)
{
    return retention->done.count || retention->doomed.count;
}
/* Appends what is to be removed. Anything but OK: not all. LIMIT: there is no room in this commit; AGAIN: blocks are
   being loaded; then the stream is touched. */
enum rill_err retention_append(struct stream *stream) RILL_MUST_CHECK;
/* The open commit goes out. */
void retention_committing(struct retention *retention);
/* It is durable. */
void retention_committed(struct retention *retention);
/* It, and the open one, are gone. */
void retention_take_back(struct stream *stream);
