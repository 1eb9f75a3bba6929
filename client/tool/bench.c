// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "clock.h"
#include "progress.h"

#include <stdlib.h>

enum { SIZE_BYTES = 128, SIZE_BYTES_MAX = 64 * 1024 * 1024, DRAW_MS = 100 };

enum tool_exit bench_init(struct bench *bench, const struct call *call)
{
    const int64_t size = call_number(call, "size", SIZE_BYTES);
    *bench = (struct bench){.call = call, .subject = "rill.bench"};
    (void)pthread_mutex_init(&bench->lock, NULL);
    (void)pthread_cond_init(&bench->changed, NULL);
    if (call_number(call, "clients", 1) < 1 || call_number(call, "clients", 1) > BENCH_CLIENTS_MAX)
        return call_usage(call, "--clients cannot be '%s': give a number from 1 to %d",
                          call_text(call, "clients"), BENCH_CLIENTS_MAX);
    if (size < 0 || size > SIZE_BYTES_MAX)
        return call_usage(call, "--size cannot be '%s': give up to 64M", call_text(call, "size"));
    bench->payload_bytes = (size_t)size;
    bench->payload = rill_alloc_zero(1, bench->payload_bytes + 1);
    memset(bench->payload, 'x', bench->payload_bytes);
    interrupt_catch();
    return TOOL_DONE;
}

void bench_fini(struct bench *bench)
{
    (void)pthread_cond_destroy(&bench->changed);
    (void)pthread_mutex_destroy(&bench->lock);
    free(bench->payload);
}

unsigned bench_clients(const struct call *call)
{
    return (unsigned)call_number(call, "clients", 1);
}

uint64_t bench_share(uint64_t msgs, unsigned clients)
{
    return clients ? (msgs + clients - 1) / clients : 0;
}

// ---- in the clients' threads ----

bool bench_is_over(const struct bench_client *client)
{
    return atomic_load_explicit(&client->bench->over, memory_order_relaxed) || interrupt_seen();
}

void bench_did(struct bench_client *client, int64_t begun_ns)
{
    if (begun_ns)
        histogram_add(&client->latency, (uint64_t)(clock_mono_ns() - begun_ns));
    (void)atomic_fetch_add_explicit(&client->done, 1, memory_order_relaxed);
}

static void wait_for_others(struct bench *bench)
{
    (void)pthread_mutex_lock(&bench->lock);
    bench->ready++;
    (void)pthread_cond_broadcast(&bench->changed);
    while (!bench->open)
        (void)pthread_cond_wait(&bench->changed, &bench->lock);
    (void)pthread_mutex_unlock(&bench->lock);
}

static void *client_main(void *context)
{
    struct bench_client *client = context;
    client->err = client->role->prepare ? client->role->prepare(client) : RILL_OK;
    if (client->err)
        atomic_store(&client->bench->over, true);
    wait_for_others(client->bench);
    client->begun_ns = clock_mono_ns();
    if (!client->err && !bench_is_over(client))
        client->err = client->role->work(client);
    client->ended_ns = clock_mono_ns();
    if (client->err)
        atomic_store(&client->bench->over, true);
    return NULL;
}

// ---- the result ----

static json_t *role_row(const struct bench *bench, const struct bench_role *role,
                        const struct bench_client *clients, size_t count)
{
    int64_t begun_ns = INT64_MAX, ended_ns = 0;
    uint64_t done = 0;
    for (size_t i = 0; i < count; i++) {
        if (clients[i].role != role)
            continue;
        begun_ns = clients[i].begun_ns < begun_ns ? clients[i].begun_ns : begun_ns;
        ended_ns = clients[i].ended_ns > ended_ns ? clients[i].ended_ns : ended_ns;
        done += clients[i].done;
    }
    const double seconds = ended_ns > begun_ns ? (double)(ended_ns - begun_ns) / 1e9 : 1e-9;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "role", role->name, "clients",
                     (json_int_t)role->clients, "messages", (json_int_t)done, "duration_ns",
                     (json_int_t)(seconds * 1e9), "rate", (json_int_t)((double)done / seconds), "bytes_rate",
                     (json_int_t)((double)(done * bench->payload_bytes) / seconds));
}

static enum tool_exit print_result(const struct bench *bench, const char *title, json_t *rows,
                                   const struct histogram *latency)
{
    static const struct show_field columns[] = {
        {"role", "", SHOW_TEXT},
        {"clients", "Clients", SHOW_COUNT},
        {"messages", "Messages", SHOW_COUNT},
        {"duration_ns", "Time", SHOW_DURATION},
        {"rate", "Messages/s", SHOW_COUNT},
        {"bytes_rate", "Bytes/s", SHOW_BYTES},
        {0},
    };
    static const struct show_field quantiles[] = {
        {"min_ns", "shortest", SHOW_DURATION},
        {"p50_ns", "50 %", SHOW_DURATION},
        {"p90_ns", "90 %", SHOW_DURATION},
        {"p99_ns", "99 %", SHOW_DURATION},
        {"p999_ns", "99.9 %", SHOW_DURATION},
        {"max_ns", "longest", SHOW_DURATION},
        {0},
    };
    if (bench->call->json) {
        json_t *object = json_pack("{s:s, s:I, s:o}", "bench", title, "size",
                                   (json_int_t)bench->payload_bytes, "roles", rows);
        if (latency->count)
            (void)json_object_set_new(object, "latency", histogram_json(latency));
        show_line(object);
        return TOOL_DONE;
    }
    enum tool_exit code = show_table(bench->call, title, columns, rows, "");
    if (!code && latency->count) {
        (void)putchar('\n');
        code = show_card(bench->call, "Latency", quantiles, histogram_json(latency));
        (void)putchar('\n');
        histogram_print(latency, stdout);
    }
    return code;
}

static enum tool_exit report(const struct bench *bench, const char *title, const struct bench_client *clients,
                             size_t count)
{
    struct histogram *latency = rill_alloc_zero(1, sizeof *latency);
    json_t *rows = json_array();
    for (size_t i = 0; i < bench->roles_count; i++) {
        if (bench->roles[i].clients)
            (void)json_array_append_new(rows, role_row(bench, &bench->roles[i], clients, count));
    }
    for (size_t i = 0; i < count; i++)
        histogram_merge(latency, &clients[i].latency);
    const enum tool_exit code = print_result(bench, title, rows, latency);
    free(latency);
    return code;
}

// ---- a run ----

static enum tool_exit open_clients(struct bench *bench, struct bench_client *clients, size_t *ret_count)
{
    for (size_t r = 0; r < bench->roles_count; r++) {
        for (unsigned i = 0; i < bench->roles[r].clients; i++) {
            struct bench_client *client = &clients[*ret_count];
            client->bench = bench;
            client->role = &bench->roles[r];
            client->index = i;
            client->target = bench->roles[r].msgs;
            const enum tool_exit code = remote_open(bench->call, &client->remote);
            if (code)
                return code;
            (*ret_count)++;
        }
    }
    return TOOL_DONE;
}

static uint64_t sum_of(const struct bench_client *clients, size_t count, bool targets)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const bool once = !targets || !clients[i].role->shared || clients[i].index == 0;
        sum += targets ? (once ? clients[i].target : 0) : clients[i].done;
    }
    return sum;
}

/* Until all have ended. */
static void watch(struct bench_client *clients, size_t count, const char *title)
{
    struct progress progress;
    const uint64_t total = sum_of(clients, count, true);
    progress_begin(&progress, title, SHOW_COUNT, total);
    for (size_t i = 0; i < count; i++) {
        struct timespec until;
        do {
            progress_update(&progress, sum_of(clients, count, false));
            (void)clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += DRAW_MS * 1000000L;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
        } while (pthread_timedjoin_np(clients[i].thread, NULL, &until) != 0);
    }
    progress_update(&progress, sum_of(clients, count, false));
    progress_end(&progress);
}

/* Returns how many there are. */
static size_t start_threads(struct bench_client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&clients[i].thread, NULL, client_main, &clients[i]) != 0)
            return i;
    }
    return count;
}

static void open_gate(struct bench *bench, size_t count)
{
    (void)pthread_mutex_lock(&bench->lock);
    while (bench->ready < count)
        (void)pthread_cond_wait(&bench->changed, &bench->lock);
    bench->open = true;
    (void)pthread_cond_broadcast(&bench->changed);
    (void)pthread_mutex_unlock(&bench->lock);
}

static enum tool_exit run_clients(struct bench *bench, struct bench_client *clients, size_t count,
                                  const char *title)
{
    const size_t started = start_threads(clients, count);
    if (started < count)
        atomic_store(&bench->over, true);
    open_gate(bench, started);
    watch(clients, started, title);
    if (started < count)
        return call_fail(bench->call, TOOL_FAILED, "only %zu of %zu threads could be started", started,
                         count);
    for (size_t i = 0; i < count; i++) {
        if (clients[i].err)
            return call_error(bench->call, clients[i].err, NULL, clients[i].role->name);
    }
    return interrupt_seen() ? call_fail(bench->call, TOOL_FAILED, "interrupted") : TOOL_DONE;
}

enum tool_exit bench_run(struct bench *bench, const struct bench_role *roles, size_t count, const char *title)
{
    size_t all = 0, opened = 0;
    bench->roles = roles;
    bench->roles_count = count;
    bench->over = bench->open = false;
    bench->ready = 0;
    for (size_t i = 0; i < count; i++)
        all += roles[i].clients;
    RILL_ASSERT(count <= BENCH_ROLES_MAX && all > 0);
    struct bench_client *clients = rill_alloc_zero(all, sizeof *clients);
    enum tool_exit code = open_clients(bench, clients, &opened);
    if (!code)
        code = run_clients(bench, clients, opened, title);
    for (size_t i = 0; i < opened; i++)
        remote_close(&clients[i].remote);
    if (!code)
        code = report(bench, title, clients, opened);
    free(clients);
    return code;
}
