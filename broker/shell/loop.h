// SPDX-License-Identifier: Apache-2.0
//
// The one loop that owns the core. A turn is: sleep until something is ready or the core's next deadline,
// begin the core's turn, read once from each ready link, end the turn, hand the jobs to the workers, then
// write to each touched connection. A turn allocates nothing and makes no system call that it could do
// without.
//
// One thread. Everything that is told "loop" borrows it; the loop outlives links, listeners and HTTP
// connections.
#pragma once

#include "poller.h"
#include "workers.h"

#include "core/core.h"

struct link;

enum { LOOP_READ_BYTES_MAX = 256 * 1024 };

struct loop {
    struct poller poller;
    struct rill_core *core; // borrowed; set before the first turn
    struct workers *workers;
    struct source done; // the workers' eventfd
    struct rill_log_sink log;
    uint8_t
        *read_buffer;   // LOOP_READ_BYTES_MAX, shared by all links: what is read is used before the next read
    struct link *links; // all client connections, in no order
    size_t link_count;  // of `links`
    bool stopping;      // no time is spent any more on parting from peers politely

    // Told that a descriptor was given back, so that a listener that ran out of them may go on.
    void (*descriptor_freed)(void *context);
    void *descriptor_freed_context;
};

enum rill_err loop_init(struct loop *loop, struct rill_log_sink log,
                        struct rill_error_text *why) RILL_MUST_CHECK;
/* At once, whatever is unwritten. */
void loop_close_links(struct loop *loop);
/* Closes what links there are. All jobs must have come back. Harmless on a loop that was not or half
 * initialised. */
void loop_fini(struct loop *loop);

/* One turn; sleeps at most until `deadline_ns` (monotonic). */
void loop_turn(struct loop *loop, int64_t deadline_ns);
/* Takes the effects that the core has: after calls into the core from outside of a turn. */
void loop_take_effects(struct loop *loop);
