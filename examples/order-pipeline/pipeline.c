// SPDX-License-Identifier: Apache-2.0
//
// pipeline: the whole story in one run. Starts a broker, the intake and two workers; kills one worker with
// SIGKILL while it works and starts it again; kills the broker with SIGKILL while orders come in and starts
// it again on the same port and store; waits until nothing is left to deliver; has the ledger prove the
// outcome.
//
//     pipeline BROKER ORDERS.csv
//
// BROKER is rilld, or another program with NATS' flags. Exits with 0 only when the proof holds and the kills
// fell into the middle. The kills come when the files of the run show enough progress, not after a time.
// Whatever happens, no process and no file of the run stays behind.
#include "broker.h"
#include "order.h"
#include "process.h"
#include "progress.h"
#include "scratch.h"
#include "shop.h"
#include "wall_clock.h"

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ORDERS_PER_SECOND "1000"
#define WORK_US_PER_ORDER "2200"
#define KILL_WORKER_AFTER 300 // orders done
#define KILL_BROKER_AFTER 600 // acknowledgements
#define RUN_DEADLINE_MS   INT64_C(60000)
#define TICK_NS           2000000
#define PATH_BYTES        512

enum { WORKERS = 2 };

struct pipeline {
    const char *orders_path;
    size_t orders;
    char programs[PATH_MAX];       // the folder of intake, worker and ledger
    char folder[SCRATCH_PATH_MAX]; // of this run
    char receipts_path[PATH_BYTES];
    char ledger_path[PATH_BYTES];
    struct progress receipts;
    struct progress done;
    struct broker broker;
    struct process intake;
    struct process workers[WORKERS];
    bool worker_killed;
    bool broker_killed;
    bool interrupted;
    int64_t deadline_ms;
    sigset_t stop_signals; // blocked; taken while waiting
    natsConnection *connection;
    jsCtx *js;
};

static const char *const worker_names[WORKERS] = {"worker-1", "worker-2"};

/* Passes a moment; false when the run is to be given up: a signal, or the deadline. */
static bool tick(struct pipeline *p)
{
    const struct timespec moment = {0, TICK_NS};
    p->interrupted = p->interrupted || sigtimedwait(&p->stop_signals, NULL, &moment) > 0;
    if (p->interrupted)
        return false;
    if (wall_clock_ms() < p->deadline_ms)
        return true;
    fprintf(stderr, "pipeline: not done in time: %zu of %zu orders acknowledged, %zu done\n",
            p->receipts.lines, p->orders, p->done.lines);
    return false;
}

/* Nobody ends by himself, but the intake when it has finished. */
static bool all_are_well(struct pipeline *p)
{
    struct process *const all[] = {&p->broker.process, &p->workers[0], &p->workers[1], &p->intake};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const bool never_started = !all[i]->name;
        if (never_started || process_is_running(all[i]))
            continue;
        if (all[i] == &p->intake && process_succeeded(all[i]))
            continue;
        fprintf(stderr, "pipeline: %s has ended by itself (wait status %d)\n", all[i]->name, all[i]->status);
        return false;
    }
    return true;
}

enum answer { NOT_YET, YES, GIVE_UP };

static bool wait_until(struct pipeline *p, enum answer (*question)(struct pipeline *))
{
    for (;;) {
        const enum answer answer = question(p);
        if (answer != NOT_YET)
            return answer == YES;
        if (!all_are_well(p) || !tick(p))
            return false;
    }
}

static void log_path(const struct pipeline *p, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s.log", p->folder, name);
}

/* argv[0] is the name of one of the example's own programs. */
static bool start_own(const struct pipeline *p, struct process *process, const char *name, const char **argv)
{
    char program[PATH_MAX + 16];
    char log[PATH_BYTES];
    snprintf(program, sizeof program, "%s/%s", p->programs, argv[0]);
    log_path(p, name, log);
    argv[0] = program;
    process->name = name;
    return process_start(process, (char *const *)argv, log);
}

static bool start_intake(struct pipeline *p)
{
    const char *argv[] = {"intake", p->broker.url, p->orders_path, p->receipts_path, ORDERS_PER_SECOND, NULL};
    return start_own(p, &p->intake, "intake", argv);
}

static bool start_worker(struct pipeline *p, size_t i)
{
    const char *argv[] = {"worker", p->broker.url, worker_names[i], p->ledger_path, WORK_US_PER_ORDER, NULL};
    return start_own(p, &p->workers[i], worker_names[i], argv);
}

static enum answer broker_listens(struct pipeline *p)
{
    return broker_is_listening(&p->broker) ? YES : NOT_YET;
}

static bool start_broker(struct pipeline *p)
{
    char log[PATH_BYTES];
    log_path(p, "broker", log);
    return broker_start(&p->broker, log) && wait_until(p, broker_listens);
}

/* A kill that comes when there is nothing left to disturb proves nothing. */
static bool in_the_middle(const struct pipeline *p, const char *what, size_t count)
{
    if (count < p->orders)
        return true;
    fprintf(stderr, "pipeline: the kill of the %s came too late, all orders were through\n", what);
    return false;
}

static bool kill_worker(struct pipeline *p)
{
    process_kill(&p->workers[0]);
    const size_t done = progress_lines(&p->done);
    p->worker_killed = true;
    printf("  kill -9 worker-1  after %zu orders done; started again\n", done);
    return in_the_middle(p, "worker", done) && start_worker(p, 0);
}

static bool kill_broker(struct pipeline *p)
{
    const int64_t killed_ms = wall_clock_ms();
    process_kill(&p->broker.process);
    const size_t acknowledged = progress_lines(&p->receipts);
    p->broker_killed = true;
    if (!in_the_middle(p, "broker", acknowledged) || !start_broker(p))
        return false;
    printf("  kill -9 broker    after %zu acknowledgements; listening again on port %d within %lld ms\n",
           acknowledged, p->broker.port, (long long)(wall_clock_ms() - killed_ms));
    return true;
}

/* Watches the orders go through, and kills on the way; yes when the intake has an acknowledgement for each.
 */
static enum answer every_order_is_in(struct pipeline *p)
{
    const size_t acknowledged = progress_lines(&p->receipts);
    if (!p->worker_killed && progress_lines(&p->done) >= KILL_WORKER_AFTER && !kill_worker(p))
        return GIVE_UP;
    if (!p->broker_killed && acknowledged >= KILL_BROKER_AFTER && !kill_broker(p))
        return GIVE_UP;
    const bool killed = p->worker_killed && p->broker_killed;
    return killed && !p->intake.pid ? YES : NOT_YET;
}

/* What was delivered and not acknowledged comes again, and might be done twice: so the end is when nothing is
 * left. */
static enum answer nothing_is_left(struct pipeline *p)
{
    bool settled = false;
    return shop_is_settled(p->js, &settled) == NATS_OK && settled ? YES : NOT_YET;
}

static bool wait_until_settled(struct pipeline *p)
{
    natsStatus s = shop_connect(&p->connection, p->broker.url, "pipeline", NULL, NULL);
    if (s == NATS_OK)
        s = natsConnection_JetStream(&p->js, p->connection, NULL);
    if (s != NATS_OK)
        fprintf(stderr, "pipeline: %s\n", natsStatus_GetText(s));
    return s == NATS_OK && wait_until(p, nothing_is_left);
}

static bool wait_for_end(struct pipeline *p, struct process *process)
{
    process_ask_to_stop(process);
    while (process_is_running(process))
        if (!tick(p))
            return false;
    return true;
}

/* A worker says with its status whether all went well. Of a broker it is asked only that it ends when told
   to, and not by a crash: what nats-server answers SIGTERM with differs from release to release. */
static bool stop_all(struct pipeline *p)
{
    if (!wait_for_end(p, &p->workers[0]) || !wait_for_end(p, &p->workers[1]) ||
        !wait_for_end(p, &p->broker.process))
        return false;
    const bool well = process_succeeded(&p->workers[0]) && process_succeeded(&p->workers[1]) &&
                      process_exited(&p->broker.process);
    if (!well)
        fprintf(stderr, "pipeline: a worker or the broker did not end well\n");
    return well;
}

/* The ledger program prints to where this one does. */
static bool prove(struct pipeline *p)
{
    char program[PATH_MAX + 16];
    snprintf(program, sizeof program, "%s/ledger", p->programs);
    const char *argv[] = {program, p->orders_path, p->receipts_path, p->ledger_path, NULL};
    struct process ledger = {.name = "ledger"};
    if (!process_start(&ledger, (char *const *)argv, NULL))
        return false;
    while (process_is_running(&ledger) && tick(p))
        ;
    process_kill(&ledger);
    return process_succeeded(&ledger);
}

static bool run(struct pipeline *p)
{
    if (!start_broker(p))
        return false;
    printf("\n  order pipeline: %zu orders, 1 intake, %d workers, broker %s\n", p->orders, WORKERS,
           p->broker.program);
    return start_worker(p, 0) && start_worker(p, 1) && start_intake(p) && wait_until(p, every_order_is_in) &&
           wait_until_settled(p) && stop_all(p) && prove(p);
}

static bool orders_count(struct pipeline *p)
{
    struct order_book book;
    if (!order_book_load(&book, p->orders_path))
        return false;
    p->orders = book.count;
    order_book_fini(&book);
    if (p->orders <= KILL_BROKER_AFTER)
        fprintf(stderr, "pipeline: too few orders for a kill in the middle\n");
    return p->orders > KILL_BROKER_AFTER;
}

static bool prepare(struct pipeline *p)
{
    const ssize_t len = readlink("/proc/self/exe", p->programs, sizeof p->programs - 1);
    if (len <= 0 || !orders_count(p) || !scratch_create(p->folder))
        return false;
    p->programs[len] = '\0';
    dirname(p->programs);
    snprintf(p->receipts_path, sizeof p->receipts_path, "%s/receipts.csv", p->folder);
    snprintf(p->ledger_path, sizeof p->ledger_path, "%s/ledger.csv", p->folder);
    p->receipts = (struct progress){.path = p->receipts_path, .mark = ","};
    p->done = (struct progress){.path = p->ledger_path, .mark = ",done,"};
    p->broker.folder = p->folder;
    p->deadline_ms = wall_clock_ms() + RUN_DEADLINE_MS;
    sigemptyset(&p->stop_signals);
    sigaddset(&p->stop_signals, SIGINT);
    sigaddset(&p->stop_signals, SIGTERM);
    sigaddset(&p->stop_signals, SIGHUP);
    return sigprocmask(SIG_BLOCK, &p->stop_signals, NULL) == 0;
}

static void clean_up(struct pipeline *p)
{
    jsCtx_Destroy(p->js);
    natsConnection_Destroy(p->connection);
    nats_Close();
    process_kill(&p->intake);
    process_kill(&p->workers[0]);
    process_kill(&p->workers[1]);
    process_kill(&p->broker.process);
    scratch_remove(p->folder);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: pipeline BROKER ORDERS.csv\n");
        return 2;
    }
    static struct pipeline p;
    p.broker.program = argv[1];
    p.orders_path = argv[2];
    if (!prepare(&p))
        return 2;
    const bool proved = run(&p);
    if (p.interrupted)
        fprintf(stderr, "pipeline: interrupted\n");
    else if (!proved)
        scratch_print_logs(p.folder);
    clean_up(&p);
    return proved ? 0 : 1;
}
