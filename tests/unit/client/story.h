// SPDX-License-Identifier: Apache-2.0
//
// What the tests of whole connections share: one connection to the scripted server, and the events that it tells.
#pragma once

#include "fake_server.h"
#include "rill.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

enum { STORY_DEADLINE_MS = 10000 };

/* Which events have come, and the last error. */
struct story_heard {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int counts[RILL_EVENT_SERVERS + 1];
    struct rill_error error;
};

extern struct fake_server story_server;
extern struct story_heard story_heard;

/* Opens the server, and gives options with which a client finds it quickly. */
struct rill_options story_options(void);
/* Does not wait for the connection. */
struct rill_conn *story_start(const struct rill_options *options);
/* A connection that stands. */
struct rill_conn *story_connect(void);
/* Destroys the connection and closes the server. */
void story_end(struct rill_conn *conn);

/* Waits until the event has come so many times. */
bool story_happens(enum rill_event_kind kind, int times);
/* Takes the next message and compares its payload. */
bool story_next_is(struct rill_sub *sub, const char *text);
