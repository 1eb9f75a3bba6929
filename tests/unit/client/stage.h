// SPDX-License-Identifier: Apache-2.0
//
// What the tests of streams against the scripted server share: a connection with its streams, calls that wait on a thread of
// their own while the script goes on, and the lines that a server with streams would say.
#pragma once

#include "story.h"

enum { STAGE_CALL_MSGS = 4 };

struct stage {
    struct rill_conn *conn;
    struct rill_js *js;
};

/* `timeout_ms` is that of the requests; 0: the connection's. */
struct stage stage_open(int64_t timeout_ms);
/* The link must have broken so many times. */
void stage_close(struct stage *stage, int disconnects);

/* A call of the client's, which waits, on a thread of its own. What it took is unreferenced by stage_call_end. */
struct stage_call {
    struct stage *stage;
    void *context;
    enum rill_err err;
    struct rill_error error;
    size_t count;
    struct rill_msg *msgs[STAGE_CALL_MSGS];
    pthread_t thread;
};

/* `function` gets the call. */
void stage_call_begin(struct stage_call *call, struct stage *stage, void *(*function)(void *), void *context);
void stage_call_end(struct stage_call *call);

/* Hears a request whose subject begins so, and answers it. */
void stage_answers(const char *subject, const char *payload, const char *why);
/* Says a message, or a status, to a subscription. `headers` is a whole block, or "". */
void stage_says(const char *sid, const char *subject, const char *reply, const char *headers,
                const char *payload);
