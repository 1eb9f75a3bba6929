// SPDX-License-Identifier: Apache-2.0
//
// A core without a broker in it, for tests of the shell: what links bring is kept, what tests say is sent.
#pragma once

#include "base/buf.h"
#include "core/core.h"
#include "core/monitor.h"

enum { FAKE_CONNS_MAX = 64 };

struct rill_conn {
    struct rill_core *core;
    void *link;
    struct rill_buf input;
    struct rill_buf output;
    size_t piece_bytes; // the output is given in pieces of this size
    bool input_paused;
    bool closing;
    bool touched;
    bool closed; // the link is gone
    char closed_reason[64];
};

struct rill_job {
    void (*run)(struct rill_job *job);
    enum rill_job_lane lane;
    struct rill_job *next;
};

struct rill_core {
    struct rill_conn conns[FAKE_CONNS_MAX]; // in the order of opening; never reused
    size_t conn_count;
    struct rill_job *jobs; // waiting
    size_t jobs_done;
    size_t turns;
    int64_t next_deadline_ns;
};

struct rill_core *fake_core_create(void);
void fake_core_destroy(struct rill_core *core);
/* As if the core had this to send. */
void fake_conn_send(struct rill_conn *conn, struct rill_bytes bytes);
void fake_conn_finish(struct rill_conn *conn);
void fake_core_submit(struct rill_core *core, struct rill_job *job);
