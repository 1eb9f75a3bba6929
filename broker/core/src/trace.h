// SPDX-License-Identifier: Apache-2.0
//
// The protocol in the log, line by line, as nats-server -V shows it: `<<- [PUB orders.new 5]` came in, `->> [...]` went
// out. Secrets of CONNECT are not shown. Loop thread only.
#pragma once

#include "conn.h"
#include "core_state.h"
#include "route.h"

/* Is this connection's traffic shown? Asked before anything is formatted. */
static inline bool conn_is_traced(const struct conn *conn)
{
    const struct rill_core *core = conn->core;
    return __builtin_expect(core->log.level_max >= RILL_LOG_TRACE, 0) &&
           (core->system_traced || conn->account != &core->accounts[ACCOUNT_SYSTEM]);
}

void trace_command(const struct conn *conn, const struct rill_command *command);
/* A line without a payload; its CR LF is not shown. */
void trace_line(const struct conn *conn, struct rill_bytes line);
void trace_delivery(const struct conn *conn, const struct message *message, struct rill_bytes sid);
