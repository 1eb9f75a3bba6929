// SPDX-License-Identifier: Apache-2.0
//
// What a core consists of. Included by the parts of the core only.
#pragma once

#include "account.h"
#include "base/deadline.h"
#include "base/random.h"
#include "closed_conns.h"
#include "conn.h"
#include "core/core.h"
#include "job.h"
#include "outq.h"

struct jetstream;

/* What a deadline is embedded in. */
enum deadline_kind {
    DEADLINE_CONN_PING,
    DEADLINE_CONN_WRITE,
    DEADLINE_CONN_STALL,
    DEADLINE_LAME_DUCK,
    DEADLINE_JETSTREAM, // first of those that jetstream_deadline handles
};

struct rill_core {
    // configuration
    struct rill_limits limits;
    const struct rill_auth_config *auth; // borrowed
    char *server_id;
    char *server_name;
    char *host;
    uint16_t port;
    bool headers_disabled;
    size_t traced_bytes_max;
    bool system_traced;
    const char *const *tags;
    size_t tag_count;
    bool producer_stall_disabled;
    struct rill_log_sink log;

    // the present
    struct rill_now now;
    struct rill_random random;
    struct rill_deadlines deadlines;
    bool stopping;

    // lame duck: clients were told to go, and are closed one by one
    bool lame_duck;
    struct rill_deadline lame_duck_due;
    int64_t lame_duck_step_ns;

    // connections
    struct conn *conns;
    uint32_t conn_count;
    uint64_t conn_id_last;
    struct conn *touched;
    struct conn *resuming;
    struct sub *subs_by_sid; // uthash over (connection id, sid)
    uint64_t sid_seed;       // of its hashes, unpredictable to peers
    struct outq_pool outq_pool;
    uint64_t turn_deliveries; // since the connection that is being served got its turn

    struct account accounts[ACCOUNT_COUNT];
    struct sub *user_info_subs[ACCOUNT_COUNT];
    struct jetstream *jetstream; // NULL when not enabled

    // passwords to be hashed
    struct verify_job *verify_line; // those that wait; each has its connection
    uint32_t verify_jobs_out;

    // jobs for the shell
    struct job_queue jobs[RILL_LANE_COUNT];

    // totals
    struct closed_conns closed;
    uint64_t conns_total;
    uint64_t slow_consumers;
    uint64_t stale_conns;
    uint64_t stalled_publishers;
    uint64_t auth_errors;
    uint64_t protocol_errors;
};

/* The account of this name, which the configuration has checked. */
struct account *core_account(struct rill_core *core, const char *name);
