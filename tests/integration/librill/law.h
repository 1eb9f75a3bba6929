// SPDX-License-Identifier: Apache-2.0
//
// What the tests of librill against real servers share: TAP output, a connection to the server that
// with_server.py started, and asking it for a restart. A law that fails is reported and the program goes on
// with the next.
#pragma once

#include "rill.h"

enum { LAW_TIMEOUT_MS = 10000 };

/* True when it holds. It says why not with law_fail. */
typedef bool law(void);

struct law_case {
    const char *name;
    law *holds;
};

/* Runs all laws, prints TAP, and gives the exit status. */
int law_run(const struct law_case *cases, size_t case_count);

/* Prints the reason as a diagnostic line and returns false. */
bool law_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* To be returned by a law that cannot be checked on this server; counted as skipped. */
bool law_skip(const char *why);

/* True for RILL_OK, else says what could not be done. */
bool law_ok(enum rill_err err, const char *what);
/* True when it is the expected one. */
bool law_err_is(enum rill_err err, enum rill_err expected, const char *what);
bool law_text_is(const struct rill_msg *msg, const char *text);

/* The URL of the server; over WebSocket when there is one. */
const char *law_url(void);
/* A connection with quick reconnects; NULL after saying why. To be destroyed. */
struct rill_conn *law_connect(void);
/* The same, with other options, in which what is quick is filled in. */
struct rill_conn *law_connect_with(struct rill_options options);
/* Ends the server gracefully and starts it on the same port. */
bool law_restart_server(void);
/* The same without the grace: SIGKILL. */
bool law_kill_server(void);

/* A connection with its streams, for laws about these, and what the server said last. */
struct law_js {
    struct rill_conn *conn;
    struct rill_js *js;
    struct rill_error error;
};

/* False after saying why; to be closed all the same. */
bool law_js_open(struct law_js *world);
void law_js_close(struct law_js *world);
/* True for RILL_OK, else says what could not be done, in the server's words. */
bool law_js_ok(const struct law_js *world, enum rill_err err, const char *what);
/* Whether a law holds; it cannot be checked when the server said that it has not got something yet. */
bool law_js_or_not_yet(const struct law_js *world, bool holds);

/* For `while (law_goes_on(&deadline_ns))`, with deadline_ns 0 before the first time: false when LAW_TIMEOUT_MS are
   over. */
bool law_goes_on(int64_t *deadline_ns);

/* Takes the next message and compares its payload. */
bool law_next_is(struct rill_sub *sub, const char *text);
