// SPDX-License-Identifier: Apache-2.0
#include "guard.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int entry_remove(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)remove(path);
    return 0;
}

void guard_remove_folder(const char *folder)
{
    (void)nftw(folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static sigset_t ending_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

static void *guard_watch(void *context)
{
    struct guard *guard = context;
    const sigset_t set = ending_signals();
    int signal_number = 0;
    (void)sigwait(&set, &signal_number);
    if (atomic_load(&guard->ending))
        return NULL;
    (void)pthread_mutex_lock(&guard->changing);
    const pid_t pid = atomic_load(&guard->server_pid);
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    guard_remove_folder(guard->folder);
    _exit(128 + signal_number);
}

enum rill_err guard_init(struct guard *guard)
{
    const char *parent = getenv("TMPDIR");
    const int length =
        snprintf(guard->folder, sizeof guard->folder, "%s/rill-bench-XXXXXX", parent ? parent : "/tmp");
    if (length >= (int)sizeof guard->folder)
        return RILL_ERR_LIMIT;
    if (!mkdtemp(guard->folder))
        return rill_err_from_errno(errno);
    atomic_init(&guard->server_pid, 0);
    atomic_init(&guard->ending, false);
    (void)pthread_mutex_init(&guard->changing, NULL);
    const sigset_t set = ending_signals();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    const int failed = pthread_create(&guard->watcher, NULL, guard_watch, guard);
    if (failed)
        guard_remove_folder(guard->folder);
    return rill_err_from_errno(failed);
}

void guard_fini(struct guard *guard)
{
    atomic_store(&guard->ending, true);
    (void)pthread_kill(guard->watcher, SIGTERM);
    (void)pthread_join(guard->watcher, NULL);
    (void)pthread_mutex_destroy(&guard->changing);
    guard_remove_folder(guard->folder);
}
