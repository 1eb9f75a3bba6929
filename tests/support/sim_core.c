// SPDX-License-Identifier: Apache-2.0
#include "sim_core.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/decimal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A settled core does nothing; one that goes on for so long never will. */
enum { SETTLE_TURNS_MAX = 200 * 1000, BUFFER_MAX = 256 << 20 };

static const struct rill_limits default_limits = {
    .payload_bytes_max = 1 << 20,
    .control_line_bytes_max = 4096,
    .pending_bytes_max = 64 << 20,
    .connections_max = 65536,
    .ping_interval_ns = 120 * RILL_NS_PER_S,
    .ping_max = 2,
    .write_deadline_ns = 10 * RILL_NS_PER_S,
};

static void write_log(void *context, enum rill_log_level level, const char *line)
{
    struct sim_core *sim = context;
    sim->log_lines += sim->log_wanted && strstr(line, sim->log_wanted);
    if (sim->log_to_stderr)
        (void)fprintf(stderr, "[%12.6f] [%s] %s\n", (double)sim->now.mono_ns / 1e9, rill_log_level_tag(level),
                      line);
}

void sim_core_start(struct sim_core *sim, const struct sim_options *options)
{
    *sim = (struct sim_core){
        .now = options->now,
        .random.state = options->seed,
        .calm = options->calm,
        .log_to_stderr = options->log_to_stderr,
        .no_auth.timeout_ns = 2 * RILL_NS_PER_S,
    };
    if (!sim->now.wall_ns)
        sim->now =
            (struct rill_now){.mono_ns = RILL_NS_PER_S, .wall_ns = INT64_C(1780000000) * RILL_NS_PER_S};
    const struct rill_core_config config = {
        .server_id = "NSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIMSIM0",
        .server_name = "sim",
        .host = "0.0.0.0",
        .port = 4222,
        .closed_conns_max = 10000,
        .limits = options->limits ? *options->limits : default_limits,
        .auth = options->auth ? options->auth : &sim->no_auth,
        .jetstream = {.enabled = options->disk != NULL,
                      .disk = options->disk,
                      .segment_bytes = options->segment_bytes,
                      .cache_bytes_max = options->cache_bytes_max,
                      .index_log_bytes = options->index_log_bytes,
                      .limits = options->jetstream_limits,
                      .domain = options->jetstream_domain,
                      .free_bytes = options->jetstream_free_bytes,
                      .lenient = options->jetstream_lenient,
                      .sync_interval_ns = options->jetstream_sync_ns,
                      .store_dir = options->store_dir ? options->store_dir : "store"},
        .log = {.write = write_log, .context = sim, .level_max = RILL_LOG_DEBUG},
        .seed = rill_random_next(&sim->random),
    };
    sim->core = rill_core_create(&config, sim->now);
}

void sim_core_start_again(struct sim_core *sim, struct rill_disk *disk, uint64_t seed)
{
    const struct sim_options options = {
        .seed = seed,
        .disk = disk,
        .segment_bytes = 8 * 1024,
        .cache_bytes_max = 512,
        .now = sim->now,
        .log_to_stderr = getenv("RILL_SIM_LOG") != NULL,
    };
    sim_core_start(sim, &options);
}

void sim_core_reload(struct sim_core *sim, const struct rill_limits *limits,
                     const struct rill_auth_config *auth)
{
    const struct rill_core_config config = {
        .host = "0.0.0.0",
        .port = 4222,
        .closed_conns_max = 10000,
        .limits = limits ? *limits : default_limits,
        .auth = auth ? auth : &sim->no_auth,
        .log = {.write = write_log, .context = sim, .level_max = RILL_LOG_DEBUG},
    };
    rill_core_begin_turn(sim->core, sim->now);
    rill_core_reload(sim->core, &config);
    rill_core_end_turn(sim->core);
}

// ---- jobs ----

static bool take_jobs(struct sim_core *sim)
{
    bool any = false;
    struct rill_job *job;
    while (sim->job_count < SIM_JOBS_MAX && (job = rill_core_take_job(sim->core))) {
        sim->jobs[sim->job_count] = job;
        sim->jobs_run[sim->job_count++] = false;
        sim->jobs_total++;
        any = true;
    }
    return any;
}

static void run_job(struct sim_core *sim, uint32_t index)
{
    if (sim->jobs_run[index])
        return;
    if (sim->before_job)
        sim->before_job(sim->before_job_context);
    rill_job_run(sim->jobs[index]);
    sim->jobs_run[index] = true;
}

static void bring_back(struct sim_core *sim, uint32_t index)
{
    struct rill_job *job = sim->jobs[index];
    sim->job_count--;
    sim->jobs[index] = sim->jobs[sim->job_count];
    sim->jobs_run[index] = sim->jobs_run[sim->job_count];
    rill_core_job_done(sim->core, job);
}

static bool work_in_order(struct sim_core *sim)
{
    bool any = false;
    for (uint32_t i = 0; i < sim->job_count;) {
        if (sim->keeps_long_jobs && rill_job_lane(sim->jobs[i]) == RILL_LANE_LONG) {
            i++;
            continue;
        }
        run_job(sim, i);
        bring_back(sim, i);
        any = true;
    }
    return any;
}

/* Some run, some come back; with luck none. Inside a turn. */
static bool work_on_jobs(struct sim_core *sim)
{
    const bool any = sim->job_count > 0;
    if (sim->calm)
        return work_in_order(sim);
    for (uint32_t i = 0; i < sim->job_count; i++) {
        if (rill_random_chance(&sim->random, 1, 2))
            run_job(sim, rill_random_below(&sim->random, sim->job_count));
    }
    for (uint32_t i = sim->job_count; i-- > 0;) {
        const uint32_t index = rill_random_below(&sim->random, sim->job_count);
        if (sim->jobs_run[index] && rill_random_chance(&sim->random, 1, 2))
            bring_back(sim, index);
    }
    return any;
}

// ---- clients ----

struct sim_client *sim_client_open(struct sim_core *sim, sim_client_fn *on_command, void *context)
{
    struct sim_client *client = rill_alloc_zero(1, sizeof *client);
    client->sim = sim;
    client->on_command = on_command;
    client->context = context;
    rill_buf_init(&client->to_send, BUFFER_MAX);
    rill_buf_init(&client->received, BUFFER_MAX);
    const struct rill_conn_origin origin = {
        .kind = RILL_CONN_TCP, .address = "127.0.0.1", .port = 1, .link = client};
    rill_core_begin_turn(sim->core, sim->now);
    client->conn = rill_core_conn_open(sim->core, &origin);
    rill_core_end_turn(sim->core);
    client->next = sim->clients;
    sim->clients = client;
    return client;
}

void sim_client_send(struct sim_client *client, struct rill_bytes bytes)
{
    if (!client->conn || client->closing)
        return;
    RILL_ASSERT(rill_buf_append(&client->to_send, bytes) == RILL_OK);
}

void sim_client_sendf(struct sim_client *client, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    RILL_ASSERT(len >= 0 && (size_t)len < sizeof text);
    sim_client_send(client, rill_bytes_of(text, (size_t)len));
}

void sim_client_publish(struct sim_client *client, const char *subject, const char *reply,
                        const char *headers, struct rill_bytes payload)
{
    const size_t header_bytes = headers ? strlen(headers) : 0;
    const char *blank = reply && reply[0] ? " " : "";
    if (header_bytes)
        sim_client_sendf(client, "HPUB %s%s%s %zu %zu\r\n%s", subject, blank, reply ? reply : "",
                         header_bytes, header_bytes + payload.len, headers);
    else
        sim_client_sendf(client, "PUB %s%s%s %zu\r\n", subject, blank, reply ? reply : "", payload.len);
    sim_client_send(client, payload);
    sim_client_send(client, RILL_BYTES("\r\n"));
}

void sim_client_close(struct sim_client *client)
{
    client->closing = true;
}

bool sim_client_is_closed(const struct sim_client *client)
{
    return !client->conn || client->closing;
}

static void client_free(struct sim_client *client)
{
    rill_buf_fini(&client->to_send);
    rill_buf_fini(&client->received);
    free(client);
}

static void link_closed(struct sim_client *client, const char *reason)
{
    struct rill_conn *conn = client->conn;
    client->conn = NULL;
    rill_core_conn_closed(client->sim->core, conn, reason);
}

static void parse_received(struct sim_client *client)
{
    const struct rill_parse_limits limits = {
        .side = RILL_SIDE_CLIENT, .control_line_bytes_max = 65536, .payload_bytes_max = BUFFER_MAX};
    struct rill_command command;
    size_t used = 0;
    while (used < client->received.len) {
        const struct rill_bytes rest = rill_bytes_from(rill_buf_bytes(&client->received), used);
        const enum rill_parse_status status = rill_parse(&limits, rest, &command);
        if (status == RILL_PARSE_MORE)
            break;
        RILL_ASSERT(status == RILL_PARSE_DONE); // the broker sends nothing else
        if (command.op == RILL_OP_PING)
            sim_client_send(client, RILL_BYTES("PONG\r\n"));
        client->on_command(client->context, client, &command);
        used += command.bytes;
    }
    rill_buf_drop(&client->received, used);
}

static size_t random_part(struct sim_core *sim, size_t bytes)
{
    if (sim->calm || bytes <= 1 || rill_random_chance(&sim->random, 1, 2))
        return bytes;
    const size_t bound = rill_random_chance(&sim->random, 1, 4) ? 16 : bytes;
    return 1 + rill_random_below(&sim->random, (uint32_t)(bound < bytes ? bound : bytes));
}

/* Gives the broker a part of what the client sent. Inside a turn. */
static bool feed(struct sim_client *client)
{
    struct sim_core *sim = client->sim;
    if (!client->conn)
        return false;
    if (client->closing) {
        link_closed(client, "Client Closed");
        return true;
    }
    if (!client->to_send.len || rill_conn_is_closing(client->conn) || !rill_conn_wants_input(client->conn))
        return false;
    const size_t part = random_part(sim, client->to_send.len);
    // A copy of its own, so that a sanitizer sees who looks behind its end.
    uint8_t *copy = malloc(part);
    RILL_ASSERT(copy);
    memcpy(copy, client->to_send.data, part);
    rill_core_conn_bytes(sim->core, client->conn, rill_bytes_of(copy, part));
    free(copy);
    rill_buf_drop(&client->to_send, part);
    return true;
}

static size_t slow_part(struct sim_client *client, size_t bytes)
{
    const int64_t now_ns = client->sim->now.mono_ns;
    if (!bytes || client->read_mono_ns == now_ns)
        return 0;
    client->read_mono_ns = now_ns;
    return 1;
}

/* Takes a part of the output; closes when the broker wants that. Outside a turn, as the shell does. */
static bool drain(struct sim_client *client)
{
    if (!client->conn || client->reads_nothing)
        return false;
    struct iovec parts[8];
    const size_t count = rill_conn_output(client->conn, parts, 8);
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].iov_len;
    size_t left = client->reads_slowly ? slow_part(client, total) : random_part(client->sim, total);
    const size_t taken = left;
    for (size_t i = 0; i < count && left; i++) {
        const size_t part = left < parts[i].iov_len ? left : parts[i].iov_len;
        RILL_ASSERT(rill_buf_append(&client->received, rill_bytes_of(parts[i].iov_base, part)) == RILL_OK);
        left -= part;
    }
    if (taken)
        rill_core_conn_written(client->sim->core, client->conn, taken);
    parse_received(client);
    return taken > 0;
}

// ---- turning the crank ----

bool sim_core_turn(struct sim_core *sim)
{
    sim->turns++;
    bool any = rill_core_next_deadline_ns(sim->core) <= sim->now.mono_ns;
    rill_core_begin_turn(sim->core, sim->now);
    any |= work_on_jobs(sim);
    for (struct sim_client *client = sim->clients; client; client = client->next)
        any |= feed(client);
    rill_core_end_turn(sim->core);
    while (rill_core_take_touched(sim->core))
        any = true;
    for (struct sim_client *client = sim->clients; client; client = client->next) {
        any |= drain(client);
        if (client->conn && rill_conn_is_closing(client->conn)) {
            struct iovec part;
            if (client->reads_nothing || rill_conn_output(client->conn, &part, 1) == 0) {
                link_closed(client, "closed by the broker");
                any = true;
            }
        }
    }
    any |= take_jobs(sim);
    return any;
}

void sim_core_settle(struct sim_core *sim)
{
    for (uint32_t i = 0; i < SETTLE_TURNS_MAX; i++) {
        if (!sim_core_turn(sim))
            return;
    }
    RILL_ASSERT(!"the core never comes to rest");
}

void sim_core_advance(struct sim_core *sim, int64_t ns)
{
    const int64_t end_ns = sim->now.mono_ns + ns;
    sim_core_settle(sim);
    while (sim->now.mono_ns < end_ns) {
        const int64_t next_ns = rill_core_next_deadline_ns(sim->core);
        const int64_t to_ns = next_ns < end_ns ? next_ns : end_ns;
        const int64_t step_ns = to_ns > sim->now.mono_ns ? to_ns - sim->now.mono_ns : 0;
        sim->now.mono_ns += step_ns;
        sim->now.wall_ns += step_ns;
        sim_core_settle(sim);
    }
}

// ---- the end ----

static void free_clients(struct sim_core *sim)
{
    struct sim_client *next;
    for (struct sim_client *client = sim->clients; client; client = next) {
        next = client->next;
        client_free(client);
    }
    sim->clients = NULL;
}

static void run_down(struct sim_core *sim)
{
    rill_core_begin_turn(sim->core, sim->now);
    rill_core_stop(sim->core);
    rill_core_end_turn(sim->core);
    for (uint32_t i = 0; !rill_core_is_idle(sim->core) || sim->job_count; i++) {
        RILL_ASSERT(i < SETTLE_TURNS_MAX); // the core never becomes idle
        (void)sim_core_turn(sim);
    }
    rill_core_destroy(sim->core);
    sim->core = NULL;
    free_clients(sim);
}

void sim_core_stop(struct sim_core *sim)
{
    for (struct sim_client *client = sim->clients; client; client = client->next)
        client->reads_nothing = client->reads_slowly = false;
    run_down(sim);
}

void sim_core_crash(struct sim_core *sim)
{
    // What was written and not read died on the way.
    for (struct sim_client *client = sim->clients; client; client = client->next)
        client->reads_nothing = client->closing = true;
    run_down(sim);
}
