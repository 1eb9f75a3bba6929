// SPDX-License-Identifier: Apache-2.0
//
// A loop over the fake core, driven turn by turn from a test that is the peer on the other end of a socket.
#pragma once

#include "fake_core.h"
#include "link.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIXTURE_TURNS_MAX = 20000 };

struct fixture {
    struct loop loop;
    struct rill_core *core;
    int peer;       // the test's end of the first link; -1: none
    char log[4096]; // all lines
};

static inline void fixture_log(void *context, enum rill_log_level level, const char *line)
{
    struct fixture *fixture = context;
    const size_t used = strlen(fixture->log);
    (void)snprintf(fixture->log + used, sizeof fixture->log - used, "%s\n", line);
}

static inline void fixture_init(struct fixture *fixture)
{
    struct rill_error_text why;
    *fixture = (struct fixture){.core = fake_core_create(), .peer = -1};
    const struct rill_log_sink log = {fixture_log, fixture, RILL_LOG_DEBUG};
    cr_assert(not(loop_init(&fixture->loop, log, &why)));
    fixture->loop.core = fixture->core;
}

static inline void fixture_fini(struct fixture *fixture)
{
    if (fixture->peer >= 0)
        (void)close(fixture->peer);
    loop_fini(&fixture->loop);
    fake_core_destroy(fixture->core);
}

/* A connected pair: one end for a link, the other, blocking, for the test. */
static inline int fixture_pair(struct fixture *fixture)
{
    int ends[2];
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
    cr_assert(eq(int, fcntl(ends[0], F_SETFL, O_NONBLOCK), 0));
    fixture->peer = ends[1];
    return ends[0];
}

static inline void fixture_turn(struct fixture *fixture)
{
    loop_turn(&fixture->loop, fixture->loop.poller.now.mono_ns + RILL_NS_PER_MS);
}

static inline void fixture_say(struct fixture *fixture, struct rill_bytes bytes)
{
    cr_assert(eq(sz, (size_t)send(fixture->peer, bytes.data, bytes.len, MSG_NOSIGNAL), bytes.len));
}

/* Turns until `len` bytes have come to the peer, then returns how many of them did before the turns were used
 * up. */
static inline size_t fixture_hear(struct fixture *fixture, uint8_t *out, size_t len)
{
    size_t have = 0;
    for (int turn = 0; turn < FIXTURE_TURNS_MAX && have < len; turn++) {
        fixture_turn(fixture);
        const ssize_t got = recv(fixture->peer, out + have, len - have, MSG_DONTWAIT);
        if (got == 0)
            break;
        if (got > 0)
            have += (size_t)got;
    }
    return have;
}
