// SPDX-License-Identifier: Apache-2.0
//
// A broker without a machine: a core with virtual time, links in memory and jobs that run and come back in an order
// that the seed decides. A test opens clients, lets them send text of the wire protocol, and turns the crank; what
// the broker sends back is parsed with proto/parser.h and handed to the client's function, command by command.
//
//      struct sim_core sim;
//      sim_core_start(&sim, &(struct sim_options){.seed = seed});
//      struct sim_client *client = sim_client_open(&sim, on_command, &state);
//      sim_client_sendf(client, "CONNECT {}\r\nSUB greet 1\r\nPUB greet 2\r\nhi\r\n");
//      sim_core_settle(&sim);                  // until nothing more happens at this time
//      sim_core_advance(&sim, 5 * RILL_NS_PER_S);
//      sim_core_stop(&sim);
//
// One turn gives each link a random part of what was sent to it (at times one byte), brings random jobs back in a
// random order, and takes a random part of each connection's output. With `calm` set everything goes whole and in
// order. Everything is decided by the seed: the same seed and the same test give the same run.
#pragma once

#include "base/random.h"
#include "core/core.h"
#include "proto/parser.h"

enum { SIM_JOBS_MAX = 256 };

struct sim_client;

/* One command from the broker: INFO, MSG, HMSG, PING, PONG, +OK, -ERR. Views live during the call. The function may
   send and close; PING is answered by the harness itself. */
typedef void sim_client_fn(void *context, struct sim_client *client, const struct rill_command *command);

struct sim_options {
    uint64_t seed;
    bool calm;                           // no random splits and orders
    struct rill_now now;                 // zero: some time in 2026
    const struct rill_limits *limits;    // NULL: the defaults of the shell
    const struct rill_auth_config *auth; // NULL: everybody may do everything
    struct rill_disk *disk;              // NULL: no JetStream
    const char *store_dir;               // "store" when NULL
    uint64_t segment_bytes;              // 0: the store's default; so the next
    uint64_t cache_bytes_max;
    uint64_t index_log_bytes;
    struct rill_jetstream_limits jetstream_limits;
    const char *jetstream_domain;
    int64_t jetstream_free_bytes;
    bool jetstream_lenient;
    int64_t jetstream_sync_ns; // 0: always
    bool log_to_stderr;
};

struct sim_core {
    struct rill_core *core;
    struct rill_now now;
    struct rill_random random;
    bool calm;
    bool log_to_stderr;
    uint64_t turns;

    struct sim_client *clients;

    // jobs taken from the core: waiting to run, or run and waiting to come back
    struct rill_job *jobs[SIM_JOBS_MAX];
    bool jobs_run[SIM_JOBS_MAX];
    uint32_t job_count;
    uint64_t jobs_total;
    /* Called in front of each job that is run, on the caller's wish; may be NULL. */
    void (*before_job)(void *context);
    void *before_job_context;

    bool keeps_long_jobs;   // when it is calm: jobs of that lane neither run nor come back
    const char *log_wanted; // lines of the log with this in them are counted; may be NULL
    uint32_t log_lines;

    struct rill_auth_config no_auth;
};

struct sim_client {
    struct sim_core *sim;
    struct rill_conn *conn;   // NULL once the broker's side is gone
    struct rill_buf to_send;  // bytes that the broker has not been given
    struct rill_buf received; // an incomplete command
    sim_client_fn *on_command;
    void *context;
    bool reads_nothing; // output stays with the broker: a slow consumer
    bool reads_slowly;  // takes a single byte per instant of virtual time
    int64_t read_mono_ns;
    bool closing;
    struct sim_client *next;
};

void sim_core_start(struct sim_core *sim, const struct sim_options *options);
/* Another life on the same disk, at the time of the last: with small segments and hardly a cache, so that a short one meets
   all of the store. RILL_SIM_LOG in the environment shows what it logs. */
void sim_core_start_again(struct sim_core *sim, struct rill_disk *disk, uint64_t seed);
/* As SIGHUP: other limits and users; NULL leaves the defaults. The old ones are not looked at any more afterwards. */
void sim_core_reload(struct sim_core *sim, const struct rill_limits *limits,
                     const struct rill_auth_config *auth);
/* One turn of the loop. Returns whether anything happened. */
bool sim_core_turn(struct sim_core *sim);
/* Turns until nothing happens any more without time going on. Asserts that this comes to pass. */
void sim_core_settle(struct sim_core *sim);
/* Lets time pass, stopping at each deadline on the way, and settles at each. */
void sim_core_advance(struct sim_core *sim, int64_t ns);
/* Graceful: stop, turns until idle, destroy. Clients are freed. */
void sim_core_stop(struct sim_core *sim);
/* The process ends here and now: clients hear nothing more, jobs that have not run never do anything (the disk must
   refuse everything from now on, so that taking the core apart leaves no trace), memory is freed. */
void sim_core_crash(struct sim_core *sim);

/* Connects; the broker's INFO comes first. The client lives until the core stops or crashes. */
struct sim_client *sim_client_open(struct sim_core *sim, sim_client_fn *on_command, void *context);
void sim_client_send(struct sim_client *client, struct rill_bytes bytes);
void sim_client_sendf(struct sim_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "PUB subject reply size" and the payload; an empty reply is left out. With headers an HPUB. */
void sim_client_publish(struct sim_client *client, const char *subject, const char *reply,
                        const char *headers, struct rill_bytes payload);
/* The link breaks at the client's end. */
void sim_client_close(struct sim_client *client);
/* The broker has closed it, or the client. */
bool sim_client_is_closed(const struct sim_client *client);
