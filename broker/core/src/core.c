// SPDX-License-Identifier: Apache-2.0
#include "core/core.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "conn.h"
#include "conn_connect.h"
#include "core_state.h"
#include "jetstream.h"
#include "user_info.h"

#include <stdlib.h>

// ---- life ----

static void accounts_init(struct rill_core *core)
{
    static const char *const names[ACCOUNT_COUNT] = {"$G", "$SYS"};
    for (int i = 0; i < ACCOUNT_COUNT; i++) {
        core->accounts[i].name = names[i];
        core->accounts[i].interest = interest_create(rill_random_next(&core->random));
    }
}

struct account *core_account(struct rill_core *core, const char *name)
{
    for (int i = 0; i < ACCOUNT_COUNT; i++) {
        if (strcmp(core->accounts[i].name, name) == 0)
            return &core->accounts[i];
    }
    RILL_UNREACHABLE(); // the configuration knows these two only
}

static void take_config(struct rill_core *core, const struct rill_core_config *config)
{
    RILL_ASSERT(config->auth && config->limits.payload_bytes_max && config->limits.connections_max);
    core->limits = config->limits;
    core->auth = config->auth;
    core->headers_disabled = config->headers_disabled;
    core->traced_bytes_max = config->traced_bytes_max;
    core->system_traced = config->system_traced;
    core->tags = config->tags;
    core->tag_count = config->tag_count;
    core->producer_stall_disabled = config->producer_stall_disabled;
    core->log = config->log;
    free(core->host);
    core->host = rill_alloc_cstr(rill_bytes_from_cstr(config->host));
    core->port = config->port;
    closed_conns_set_max(&core->closed, config->closed_conns_max);
    for (int i = 0; i < ACCOUNT_COUNT; i++)
        interest_use_cache(core->accounts[i].interest, !config->match_cache_disabled);
}

struct rill_core *rill_core_create(const struct rill_core_config *config, struct rill_now now)
{
    struct rill_core *core = rill_alloc_zero(1, sizeof *core);
    core->now = now;
    core->random.state = config->seed;
    core->sid_seed = rill_random_next(&core->random);
    accounts_init(core);
    take_config(core, config);
    core->server_id = rill_alloc_cstr(rill_bytes_from_cstr(config->server_id));
    core->server_name = rill_alloc_cstr(rill_bytes_from_cstr(config->server_name));
    core->lame_duck_due.kind = DEADLINE_LAME_DUCK;
    user_info_start(core);
    if (config->jetstream.enabled)
        core->jetstream = jetstream_create(core, &config->jetstream);
    return core;
}

static bool any_job(const struct rill_core *core)
{
    for (int i = 0; i < RILL_LANE_COUNT; i++) {
        if (core->jobs[i].first || core->jobs[i].out)
            return true;
    }
    return false;
}

void rill_core_destroy(struct rill_core *core)
{
    if (!core)
        return;
    RILL_ASSERT(!core->conns && !any_job(core));
    jetstream_destroy(core->jetstream);
    user_info_stop(core);
    for (int i = 0; i < ACCOUNT_COUNT; i++)
        interest_destroy(core->accounts[i].interest);
    closed_conns_fini(&core->closed);
    outq_pool_fini(&core->outq_pool);
    rill_deadline_cancel(&core->deadlines, &core->lame_duck_due);
    rill_deadlines_fini(&core->deadlines);
    free(core->server_id);
    free(core->server_name);
    free(core->host);
    free(core);
}

void rill_core_reload(struct rill_core *core, const struct rill_core_config *config)
{
    const struct rill_auth_config *old_auth = core->auth;
    const size_t old_payload_bytes_max = core->limits.payload_bytes_max;
    char *old_host = rill_alloc_cstr(rill_bytes_from_cstr(core->host));
    const uint16_t old_port = core->port;
    take_config(core, config);
    const bool info_changed = strcmp(old_host, core->host) != 0 || old_port != core->port ||
                              old_payload_bytes_max != core->limits.payload_bytes_max;
    free(old_host);
    struct conn *next;
    for (struct conn *conn = core->conns; conn; conn = next) {
        next = conn->next;
        conn_reauthorize(conn, old_auth);
        if (info_changed && conn->connect_received && conn->protocol >= 1)
            conn_send_info(conn, false);
    }
}

// ---- one turn ----

/* Closes the oldest of those that are still served. One that is closing already may take its time to read. */
static void lame_duck_due(struct rill_core *core)
{
    struct conn *conn = core->conns;
    while (conn && conn->state == CONN_CLOSING)
        conn = conn->next;
    if (!conn)
        return;
    conn_close(conn, "Server Shutdown", RILL_BYTES(""));
    rill_deadline_set(&core->deadlines, &core->lame_duck_due, core->now.mono_ns + core->lame_duck_step_ns);
}

static void deadline_fire(struct rill_core *core, struct rill_deadline *due)
{
#define CONN_OF(member) ((struct conn *)((char *)due - offsetof(struct conn, member)))
    switch (due->kind) {
    case DEADLINE_CONN_PING:
        conn_ping_due(CONN_OF(ping_due));
        return;
    case DEADLINE_CONN_WRITE:
        conn_write_due(CONN_OF(write_due));
        return;
    case DEADLINE_CONN_STALL:
        conn_stall_due(CONN_OF(stall_due));
        return;
    case DEADLINE_LAME_DUCK:
        lame_duck_due(core);
        return;
    default:
        jetstream_deadline(core->jetstream, due);
        return;
    }
#undef CONN_OF
}

static void sweep(struct rill_core *core)
{
    for (int i = 0; i < ACCOUNT_COUNT; i++)
        interest_sweep(core->accounts[i].interest);
}

void rill_core_begin_turn(struct rill_core *core, struct rill_now now)
{
    RILL_ASSERT(now.mono_ns >= core->now.mono_ns);
    core->now = now;
    struct rill_deadline *due;
    while ((due = rill_deadlines_take_due(&core->deadlines, now.mono_ns)))
        deadline_fire(core, due);
    // Those that have work left again are put behind, for the next turn.
    struct conn *conn = core->resuming;
    core->resuming = NULL;
    while (conn) {
        struct conn *next = conn->resume_next;
        conn->resuming = false;
        if (conn->state != CONN_CLOSING)
            conn_resume(conn);
        conn = next;
    }
    if (core->jetstream)
        jetstream_begin_turn(core->jetstream);
}

void rill_core_end_turn(struct rill_core *core)
{
    if (core->jetstream)
        jetstream_end_turn(core->jetstream);
    sweep(core);
}

int64_t rill_core_next_deadline_ns(const struct rill_core *core)
{
    if (core->resuming || core->touched)
        return 0;
    if (core->jetstream && jetstream_has_work(core->jetstream))
        return 0;
    return rill_deadlines_next_ns(&core->deadlines);
}

// ---- jobs ----

/* So many of a lane are given out at a time: enough for the shell's threads, and room is left for the others. */
static const uint32_t lane_jobs_max[RILL_LANE_COUNT] = {
    [RILL_LANE_DISK] = UINT32_MAX,
    [RILL_LANE_LONG] = 16,
    [RILL_LANE_RECOVERY] = 4,
};

void core_submit(struct rill_core *core, struct rill_job *job)
{
    RILL_ASSERT(job->run && job->finish && !job->next && job->lane < RILL_LANE_COUNT);
    struct job_queue *queue = &core->jobs[job->lane];
    if (queue->last)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
}

static struct rill_job *queue_take(struct job_queue *queue)
{
    struct rill_job *job = queue->first;
    if (!job)
        return NULL;
    queue->first = job->next;
    if (!queue->first)
        queue->last = NULL;
    job->next = NULL;
    return job;
}

struct rill_job *rill_core_take_job(struct rill_core *core)
{
    for (int i = 0; i < RILL_LANE_COUNT; i++) {
        struct job_queue *queue = &core->jobs[i];
        struct rill_job *job = queue->out < lane_jobs_max[i] ? queue_take(queue) : NULL;
        if (!job)
            continue;
        queue->out++;
        return job;
    }
    return NULL;
}

void core_cancel(struct rill_core *core, enum rill_job_lane lane)
{
    struct rill_job *job;
    while ((job = queue_take(&core->jobs[lane]))) {
        job->cancelled = true;
        job->finish(core, job);
    }
}

uint32_t core_jobs_out(const struct rill_core *core)
{
    uint32_t count = 0;
    for (int i = 0; i < RILL_LANE_COUNT; i++)
        count += core->jobs[i].out;
    return count;
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
    struct job_queue *queue = &core->jobs[job->lane];
    RILL_ASSERT(queue->out > 0);
    queue->out--;
    job->finish(core, job);
}

// ---- the end ----

void rill_core_lame_duck(struct rill_core *core, int64_t grace_ns, int64_t duration_ns)
{
    if (core->lame_duck)
        return;
    core->lame_duck = true;
    for (struct conn *conn = core->conns; conn; conn = conn->next) {
        if (conn->connect_received && conn->protocol >= 1 && conn->state == CONN_ACTIVE)
            conn_send_info(conn, false);
    }
    core->lame_duck_step_ns = core->conn_count ? duration_ns / core->conn_count : duration_ns;
    rill_deadline_set(&core->deadlines, &core->lame_duck_due, core->now.mono_ns + grace_ns);
}

void rill_core_stop(struct rill_core *core)
{
    core->stopping = true;
    if (core->jetstream)
        jetstream_stop(core->jetstream);
    for (struct conn *conn = core->conns; conn; conn = conn->next)
        conn_close(conn, "Server Shutdown", RILL_BYTES(""));
}

enum rill_core_recovery rill_core_recovery(const struct rill_core *core)
{
    return core->jetstream ? jetstream_recovery(core->jetstream) : RILL_CORE_RECOVERED;
}

bool rill_core_is_idle(const struct rill_core *core)
{
    return !core->conns && !any_job(core) && (!core->jetstream || jetstream_is_idle(core->jetstream));
}
