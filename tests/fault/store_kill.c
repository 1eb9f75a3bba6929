// SPDX-License-Identifier: Apache-2.0
//
// Real processes on a real disk: a writer is killed with SIGKILL at a random place of its life, again and again, and
// whoever opens the store next finds exactly what the writer had been told is committed, perhaps with the commit
// that was in flight. The story lies in memory that writer and test share. RILL_SEEDS=n runs so many cycles.
#include "base/assert.h"
#include "seed.h"
#include "store_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CYCLES = 200, STEPS_MAX = 150, WAIT_S_MAX = 60, EXIT_WRONG = 3 };

TestSuite(store_kill, .timeout = 280);

struct shared {
    struct story story;
    _Atomic uint64_t steps; // of the writer, since it began
};

static enum rill_err open_or_create(struct story *story, const struct rill_store_options *options,
                                    struct rill_store **ret_store)
{
    const enum rill_err err = story_reopen(story, options, ret_store, NULL);
    return err == RILL_ERR_NOT_FOUND && !story->committed ? story_create_store(story, options, ret_store)
                                                          : err;
}

/* In the child: lives until it is killed. */
static _Noreturn void writer_live(struct shared *shared, const char *folder)
{
    struct rill_store *store;
    const struct rill_store_options options = story_options(&shared->story, rill_disk_real(), folder);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (open_or_create(&shared->story, &options, &store))
        _exit(EXIT_WRONG);
    while (story_step(&shared->story, store) == RILL_OK)
        shared->steps++;
    _exit(EXIT_WRONG);
}

static int64_t seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Kills the writer when it has made that many steps. Returns how it ended. */
static int kill_after(struct shared *shared, pid_t writer, uint64_t steps)
{
    const int64_t until_s = seconds_now() + WAIT_S_MAX;
    int status = 0;
    while (shared->steps < steps && seconds_now() < until_s) {
        if (waitpid(writer, &status, WNOHANG) == writer)
            return status;
        (void)sched_yield();
    }
    cr_assert(shared->steps >= steps, "the writer got stuck");
    (void)kill(writer, SIGKILL);
    cr_assert(eq(int, waitpid(writer, &status, 0), writer));
    return status;
}

static void begin_anew(struct shared *shared, const char *folder, uint64_t seed)
{
    struct rill_error_text why;
    const enum rill_err err = rill_store_delete(rill_disk_real(), folder, &why);
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND, "%s", why.text);
    story_init(&shared->story, seed);
}

/* Acknowledged equals recovered: the next writer's open compares, and so does the last one here. */
Test(store_kill, what_was_committed_when_the_writer_was_killed_is_recovered)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char parent[] = "/tmp/rill-store-kill-XXXXXX", folder[64];
    cr_assert(shared != MAP_FAILED && mkdtemp(parent));
    (void)snprintf(folder, sizeof folder, "%s/$G/ORDERS", parent);
    const struct seed_range cycles = seed_range(CYCLES);
    struct rill_random random = {cycles.first};
    uint64_t committed = 0;
    begin_anew(shared, folder, cycles.first);
    for (uint64_t cycle = cycles.first; cycle <= cycles.last; cycle++) {
        if (shared->story.count > STORY_RECORDS_MAX - 2 * STEPS_MAX)
            begin_anew(shared, folder, cycle);
        shared->steps = 0;
        const uint64_t steps = 1 + rill_random_below(&random, STEPS_MAX);
        const pid_t writer = fork();
        if (writer == 0)
            writer_live(shared, folder);
        const int status = kill_after(shared, writer, steps);
        const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        cr_assert(killed, "cycle %lu: the writer ended by itself: %d", (unsigned long)cycle, status);
        shared->story.job = shared->story.background = NULL; // the writer's
        committed += shared->story.committed;
    }
    cr_assert(committed > cycles.last - cycles.first, "nothing was ever committed");
    struct rill_store *store;
    const struct rill_store_options options = story_options(&shared->story, rill_disk_real(), folder);
    cr_assert(eq(int, open_or_create(&shared->story, &options, &store), RILL_OK));
    rill_store_close(store);
    begin_anew(shared, folder, 1);
    (void)rmdir(folder); // the folders above it
    char account[64];
    (void)snprintf(account, sizeof account, "%s/$G", parent);
    (void)rmdir(account);
    cr_assert(eq(int, rmdir(parent), 0));
    (void)munmap(shared, sizeof *shared);
}
