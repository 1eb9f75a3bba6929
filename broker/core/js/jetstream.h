// SPDX-License-Identifier: Apache-2.0
//
// Streams and consumers: everything behind $JS. Owned by the core; loop thread only.
#pragma once

#include "base/deadline.h"
#include "core/core.h"

struct jetstream;

/* Subscribes to $JS.> subjects and submits the jobs that recover the streams of the store. */
struct jetstream *jetstream_create(struct rill_core *core, const struct rill_jetstream_config *config);
/* All jobs have come back. NULL is fine. */
void jetstream_destroy(struct jetstream *jetstream);

/* What INFO says of it; NULL: none. Lives as long as the jetstream. */
const char *jetstream_domain(const struct jetstream *jetstream);

/* As rill_core_recovery. */
enum rill_core_recovery jetstream_recovery(const struct jetstream *jetstream);

/* A deadline whose kind is DEADLINE_JETSTREAM or above has come. */
void jetstream_deadline(struct jetstream *jetstream, struct rill_deadline *due);
void jetstream_begin_turn(struct jetstream *jetstream);
/* Submits a commit for each stream that was appended to, unless one is out. */
void jetstream_end_turn(struct jetstream *jetstream);
/* Wants a turn at once. */
bool jetstream_has_work(const struct jetstream *jetstream);
/* The last commits are to be made; answers 409 Server Shutdown to waiting pulls. */
void jetstream_stop(struct jetstream *jetstream);
/* Nothing is left to commit and nothing is out. */
bool jetstream_is_idle(const struct jetstream *jetstream);
