// SPDX-License-Identifier: Apache-2.0
//
// pipeline: the whole story in one run. Starts a broker, the intake, two processes each for inventory and payment, and a
// notifier; kills one of the inventory with SIGKILL while it works and starts it again; kills the broker with SIGKILL while
// orders come in and starts it again on the same port and store; waits until nothing is left to deliver; has the ledger
// prove the outcome.
//
//     pipeline RILLD ORDERS.csv
//
// Exits with 0 only when the proof holds and the kills fell into the middle. The kills come when the files of the run show enough progress, not after a time.
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
#define KILL_WORKER_AFTER 200 // customers told
#define KILL_BROKER_AFTER 600 // acknowledgements
#define RUN_DEADLINE_MS   INT64_C(60000)
#define TICK_NS           2000000
#define PATH_BYTES        512

enum { WORKERS = 5 };

struct pipeline {
    const char *orders_path;
    size_t orders;
    char programs[PATH_MAX];       // the folder of the shop's programs
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
    struct rill_conn *conn;
    struct rill_js *js;
};

/* The first one is killed. */
static const struct {
    const char *program, *name;
} workers[WORKERS] = {{"inventory", "inventory-1"},
                      {"inventory", "inventory-2"},
                      {"payment", "payment-1"},
                      {"payment", "payment-2"},
                      {"notifier", "notifier"}};

/* Passes a moment; false when the run is to be given up: a signal, or the deadline. */
static bool tick(struct pipeline *p)
{
    const struct timespec moment = {0, TICK_NS};
    p->interrupted = p->interrupted || sigtimedwait(&p->stop_signals, NULL, &moment) > 0;
    if (p->interrupted)
        return false;
    if (wall_clock_ms() < p->deadline_ms)
        return true;
    fprintf(stderr, "pipeline: not done in time: %zu of %zu orders acknowledged, %zu customers told\n",
            p->receipts.lines, p->orders, p->done.lines);
    return false;
}

static bool is_well(struct process *process, bool may_succeed)
{
    const bool never_started = !process->name;
    if (never_started || process_is_running(process) || (may_succeed && process_succeeded(process)))
        return true;
    fprintf(stderr, "pipeline: %s has ended by itself (wait status %d)\n", process->name, process->status);
    return false;
}

/* Nobody ends by himself, but the intake when it has finished. */
static bool all_are_well(struct pipeline *p)
{
    bool well = is_well(&p->broker.process, false) && is_well(&p->intake, true);
    for (size_t i = 0; i < WORKERS; i++)
        well = well && is_well(&p->workers[i], false);
    return well;
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
    const bool tells = i == WORKERS - 1;
    const char *argv[] = {workers[i].program, p->broker.url, workers[i].name, tells ? p->ledger_path : NULL,
                          NULL};
    return start_own(p, &p->workers[i], workers[i].name, argv);
}

static bool start_workers(struct pipeline *p)
{
    bool started = true;
    for (size_t i = 0; i < WORKERS && started; i++)
        started = start_worker(p, i);
    return started;
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
    printf("  kill -9 %s  after %zu customers were told; started again\n", workers[0].name, done);
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
    printf("  kill -9 broker       after %zu acknowledgements; listening again on port %d within %lld ms\n",
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
    return shop_is_settled(p->js) ? YES : NOT_YET;
}

static bool wait_until_settled(struct pipeline *p)
{
    return shop_connect(&p->conn, &p->js, p->broker.url, "pipeline") && wait_until(p, nothing_is_left);
}

static bool wait_for_end(struct pipeline *p, struct process *process)
{
    process_ask_to_stop(process);
    while (process_is_running(process))
        if (!tick(p))
            return false;
    return true;
}

/* Each says with its status whether all went well. */
static bool stop(struct pipeline *p, struct process *process)
{
    if (wait_for_end(p, process) && process_succeeded(process))
        return true;
    fprintf(stderr, "pipeline: %s did not end well\n", process->name);
    return false;
}

static bool stop_workers(struct pipeline *p)
{
    bool well = true;
    for (size_t i = 0; i < WORKERS; i++)
        well = stop(p, &p->workers[i]) && well;
    return well;
}

/* The ledger program prints to where this one does. */
static bool prove(struct pipeline *p)
{
    char program[PATH_MAX + 16];
    snprintf(program, sizeof program, "%s/ledger", p->programs);
    const char *argv[] = {program, p->broker.url, p->orders_path, p->receipts_path, p->ledger_path, NULL};
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
    return start_workers(p) && start_intake(p) && wait_until(p, every_order_is_in) && wait_until_settled(p) &&
           stop_workers(p) && prove(p) && stop(p, &p->broker.process);
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
    shop_disconnect(p->conn, p->js);
    process_kill(&p->intake);
    for (size_t i = 0; i < WORKERS; i++)
        process_kill(&p->workers[i]);
    process_kill(&p->broker.process);
    scratch_remove(p->folder);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: pipeline RILLD ORDERS.csv\n");
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
