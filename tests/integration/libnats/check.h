// SPDX-License-Identifier: Apache-2.0
//
// What the tests with Debian's libnats share: TAP output, connecting to the server that with_server.py
// started, and asking it for a restart. One thread; a law that fails is reported and the program goes on with
// the next.
#pragma once

#include <nats/nats.h>
#include <stdbool.h>

#define CHECK_TIMEOUT_MS 10000

/* A law: true when it holds. It says why not with check_fail. */
typedef bool check_law(void);

struct check_case {
    const char *name;
    check_law *law;
};

/* Runs all laws, prints TAP, and gives the exit status. */
int check_run(const struct check_case *cases, size_t case_count);

/* Prints the reason as a diagnostic line and returns false. */
bool check_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True when the status is NATS_OK, else says what could not be done. */
bool check_ok(natsStatus status, const char *what);

/* Whether the payload is this text. */
bool check_payload(natsMsg *message, const char *text);

/* A connection with default options and quick reconnects; NULL after saying why. To be destroyed by the
 * caller. */
natsConnection *check_connect(void);

/* Ends the server gracefully and starts it on the same port; false when that could not be asked for. */
bool check_restart_server(void);
/* The same, with SIGKILL. */
bool check_kill_server(void);
