// SPDX-License-Identifier: Apache-2.0
//
// A child process. It dies with its parent, even when that is killed. One thread, the one that started it.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct process {
    const char *name; // for messages; the caller's
    pid_t pid;        // 0 while it does not run
    int status;       // as waitpid() gives it, once it has run
};

/* Starts argv[0] with its output appended to the file `log_path`; NULL leaves the output where the parent's
 * goes. */
bool process_start(struct process *process, char *const *argv, const char *log_path);

/* Does it run? Collects its status when it has ended. */
bool process_is_running(struct process *process);
/* Has it run, and ended by itself, not by a signal? */
bool process_exited(const struct process *process);
/* ... and that with 0? */
bool process_succeeded(const struct process *process);

/* Asks it to end (SIGTERM); does not wait. */
void process_ask_to_stop(const struct process *process);
/* kill -9, and waits until it is gone. Harmless when it does not run. */
void process_kill(struct process *process);
