// SPDX-License-Identifier: Apache-2.0
//
// Benchmarks: clients, each a thread with a connection of its own, that do one thing again and again. All begin together;
// the main thread draws how far they have come. A role is what some of the clients do; what it did is a row of the result.
#pragma once

#include "histogram.h"
#include "remote.h"

#include <pthread.h>
#include <stdatomic.h>

enum { BENCH_ROLES_MAX = 2, BENCH_CLIENTS_MAX = 1024 };

struct bench_client;

struct bench_role {
    const char *name; // "publisher"
    unsigned clients;
    uint64_t msgs; // of each client, see bench_share(); 0 clients may have 0
    bool shared;   // `msgs` is of all of them together, taken as they come
    /* Before all begin: subscribes, for one. NULL: nothing. Of connections of its own the client is the owner. */
    enum rill_err (*prepare)(struct bench_client *client);
    /* The work: returns when client->target is done, or bench_is_over(). */
    enum rill_err (*work)(struct bench_client *client);
};

struct bench {
    // immutable while clients run
    const struct call *call;
    const char *subject;
    const char *stream;   // or NULL
    const char *consumer; // or NULL
    void *payload;
    size_t payload_bytes;
    uint32_t batch;
    const struct bench_role *roles;
    size_t roles_count;

    // shared
    atomic_bool over;
    atomic_uint_fast64_t taken[BENCH_ROLES_MAX]; // of roles that share

    // guarded by lock
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t ready; // clients that are prepared
    bool open;    // they may begin
};

struct bench_client {
    struct bench *bench;
    const struct bench_role *role;
    unsigned index; // among those of its role
    struct remote remote;
    struct rill_sub *sub; // what `prepare` has made
    uint64_t target;
    atomic_uint_fast64_t done; // read by the main thread
    struct histogram latency;
    enum rill_err err;
    int64_t begun_ns, ended_ns;
    pthread_t thread;
};

/* --msgs, --size, --clients as numbers. TOOL_USAGE when they make no sense. */
enum tool_exit bench_init(struct bench *bench, const struct call *call);
void bench_fini(struct bench *bench);

/* Lets the clients of the roles work, and prints what they did. */
enum tool_exit bench_run(struct bench *bench, const struct bench_role *roles, size_t count,
                         const char *title);
/* One more was done. With begun_ns, when that began, it counts as a latency. */
void bench_did(struct bench_client *client, int64_t begun_ns);
/* Somebody has failed, or Ctrl-C was pressed. */
bool bench_is_over(const struct bench_client *client);

/* --clients; what one of them does when all together do `msgs`. */
unsigned bench_clients(const struct call *call);
uint64_t bench_share(uint64_t msgs, unsigned clients);

// bench_core.c, bench_stream.c
enum tool_exit bench_run_pubsub(struct call *call);
enum tool_exit bench_run_request(struct call *call);
enum tool_exit bench_run_publish(struct call *call);
enum tool_exit bench_run_pull(struct call *call);
enum tool_exit bench_run_push(struct call *call);
enum tool_exit bench_run_kv(struct call *call);
