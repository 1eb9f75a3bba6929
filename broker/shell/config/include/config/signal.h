// SPDX-License-Identifier: Apache-2.0
//
// `rilld --signal <command>[=<pid>|<pid file>]`: which signal to which processes. Sending is main's job.
#pragma once

#include "base/err.h"

#include <sys/types.h>

enum { RILL_SIGNAL_PIDS_MAX = 64 };

struct rill_signal_request {
    const char *command; // static: "reload"
    int signal;          // SIGHUP
    pid_t pids[RILL_SIGNAL_PIDS_MAX];
    size_t pid_count; // at least 1
};

/* Understands "reload", "reload=123", "reload=/run/rilld.pid" and "reload=/run/rilld*.pid". Without a
   process, the one running process named `process_name` other than this one is meant. Commands are stop
   (SIGKILL), quit (SIGINT), term (SIGTERM), reopen (SIGUSR1), ldm (SIGUSR2) and reload (SIGHUP), as in NATS.
   INVALID: an unknown command, not a pid, several processes run; NOT_FOUND: no such process or file. */
enum rill_err rill_signal_resolve(const char *text, const char *process_name,
                                  struct rill_signal_request *ret_request,
                                  struct rill_error_text *why) RILL_MUST_CHECK;
