// SPDX-License-Identifier: Apache-2.0
//
// What must not be left behind: the temporary folder and the server that runs. On SIGINT, SIGTERM and SIGHUP
// a thread kills the server, removes the folder and ends the program; if the program dies, the kernel kills
// the server.
#pragma once

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

struct guard {
    char folder[64];
    _Atomic pid_t server_pid; // 0 while none runs; written by the main thread
    atomic_bool ending;       // the watcher's next signal is guard_fini's
    pthread_mutex_t changing; // held while folders come and go; the watcher, once called, keeps it for good
    pthread_t watcher;
};

/* Makes the folder and starts the watcher. To be called before any other thread starts. Never moves
 * afterwards. */
enum rill_err guard_init(struct guard *guard) RILL_MUST_CHECK;
/* Ends the watcher and removes the folder. */
void guard_fini(struct guard *guard);

/* Removes a folder and everything in it. */
void guard_remove_folder(const char *folder);
