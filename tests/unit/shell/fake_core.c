// SPDX-License-Identifier: Apache-2.0
#include "fake_core.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAKE_BYTES_MAX = 64 * 1024 * 1024 };

static void append(struct rill_buf *buf, struct rill_bytes bytes)
{
    const enum rill_err err = rill_buf_append(buf, bytes);
    RILL_ASSERT(!err);
}

struct rill_core *fake_core_create(void)
{
    struct rill_core *core = rill_alloc_zero(1, sizeof *core);
    core->next_deadline_ns = RILL_NEVER_NS;
    return core;
}

void fake_core_destroy(struct rill_core *core)
{
    for (size_t i = 0; i < core->conn_count; i++) {
        rill_buf_fini(&core->conns[i].input);
        rill_buf_fini(&core->conns[i].output);
    }
    free(core);
}

void fake_conn_send(struct rill_conn *conn, struct rill_bytes bytes)
{
    append(&conn->output, bytes);
    conn->touched = true;
}

void fake_conn_finish(struct rill_conn *conn)
{
    conn->closing = conn->touched = true;
}

void fake_core_submit(struct rill_core *core, struct rill_job *job)
{
    job->next = core->jobs;
    core->jobs = job;
}

void rill_core_begin_turn(struct rill_core *core, struct rill_now now)
{
    core->turns++;
}

void rill_core_end_turn(struct rill_core *core)
{
}

struct rill_conn *rill_core_take_touched(struct rill_core *core)
{
    for (size_t i = 0; i < core->conn_count; i++) {
        struct rill_conn *conn = &core->conns[i];
        if (conn->touched && !conn->closed) {
            conn->touched = false;
            return conn;
        }
    }
    return NULL;
}

struct rill_job *rill_core_take_job(struct rill_core *core)
{
    struct rill_job *job = core->jobs;
    if (job)
        core->jobs = job->next;
    return job;
}

void rill_job_run(struct rill_job *job)
{
    job->run(job);
}

enum rill_job_lane rill_job_lane(const struct rill_job *job)
{
    return job->lane;
}

void rill_core_job_done(struct rill_core *core, struct rill_job *job)
{
    core->jobs_done++;
}

int64_t rill_core_next_deadline_ns(const struct rill_core *core)
{
    return core->next_deadline_ns;
}

struct rill_conn *rill_core_conn_open(struct rill_core *core, const struct rill_conn_origin *origin)
{
    RILL_ASSERT(core->conn_count < FAKE_CONNS_MAX);
    struct rill_conn *conn = &core->conns[core->conn_count++];
    *conn = (struct rill_conn){.core = core, .link = origin->link, .piece_bytes = 1000};
    rill_buf_init(&conn->input, FAKE_BYTES_MAX);
    rill_buf_init(&conn->output, FAKE_BYTES_MAX);
    return conn;
}

void rill_core_conn_bytes(struct rill_core *core, struct rill_conn *conn, struct rill_bytes bytes)
{
    RILL_ASSERT(!conn->closed && !conn->closing);
    append(&conn->input, bytes);
}

void rill_core_conn_closed(struct rill_core *core, struct rill_conn *conn, const char *reason)
{
    RILL_ASSERT(!conn->closed);
    conn->closed = true;
    (void)snprintf(conn->closed_reason, sizeof conn->closed_reason, "%s", reason);
}

size_t rill_conn_output(const struct rill_conn *conn, struct iovec *ret_iov, size_t iov_max)
{
    size_t count = 0;
    for (size_t at = 0; at < conn->output.len && count < iov_max; count++) {
        const size_t left = conn->output.len - at;
        ret_iov[count].iov_base = conn->output.data + at;
        ret_iov[count].iov_len = left < conn->piece_bytes ? left : conn->piece_bytes;
        at += ret_iov[count].iov_len;
    }
    return count;
}

void rill_core_conn_written(struct rill_core *core, struct rill_conn *conn, size_t bytes)
{
    rill_buf_drop(&conn->output, bytes);
}

bool rill_conn_wants_input(const struct rill_conn *conn)
{
    return !conn->input_paused;
}

bool rill_conn_is_closing(const struct rill_conn *conn)
{
    return conn->closing;
}

void *rill_conn_link(const struct rill_conn *conn)
{
    return conn->link;
}

enum rill_monitor_endpoint rill_monitor_endpoint_find(struct rill_bytes path)
{
    return rill_bytes_equal_cstr(path, "/varz") ? RILL_MONITOR_VARZ : RILL_MONITOR_COUNT;
}

void rill_core_monitor(struct rill_core *core, const struct rill_process_facts *facts,
                       enum rill_monitor_endpoint endpoint, struct rill_bytes query, struct rill_buf *body,
                       int *ret_http_status, const char **ret_content_type)
{
    append(body, endpoint == RILL_MONITOR_VARZ ? RILL_BYTES("varz?") : RILL_BYTES("index?"));
    append(body, query);
    *ret_http_status = 200;
    *ret_content_type = "text/plain";
}
