// SPDX-License-Identifier: Apache-2.0
#include "config/signal.h"

#include "config_support.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

TestSuite(config_signal);

#define NOBODY "rill-no-such" // a name that no process has

static const struct {
    const char *text;
    int signal;
} commands[] = {
    {"stop=7", SIGKILL},   {"quit=7", SIGINT}, {"term=7", SIGTERM},
    {"reopen=7", SIGUSR1}, {"ldm=7", SIGUSR2}, {"reload=7", SIGHUP},
};

// The commands are those of NATS.
Test(config_signal, commands_stand_for_signals)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct rill_signal_request request;
        struct rill_error_text why;
        cr_assert(eq(int, (int)rill_signal_resolve(commands[i].text, NOBODY, &request, &why), (int)RILL_OK));
        cr_expect(eq(int, request.signal, commands[i].signal), "%s", commands[i].text);
        cr_expect(eq(sz, request.pid_count, 1));
        cr_expect(eq(int, (int)request.pids[0], 7));
    }
}

// A process may be named by a file that holds its number, or by a pattern for such files.
Test(config_signal, processes_are_found_through_pid_files)
{
    struct rill_signal_request request;
    struct rill_error_text why;
    char text[128];
    struct config_folder folder = config_folder_create();
    config_folder_write(&folder, "a.pid", "123\n");
    config_folder_write(&folder, "b.pid", "456");
    (void)snprintf(text, sizeof text, "reload=%s/a.pid", folder.path);
    cr_assert(eq(int, (int)rill_signal_resolve(text, NOBODY, &request, &why), (int)RILL_OK), "%s", why.text);
    cr_expect(eq(int, (int)request.pids[0], 123));
    (void)snprintf(text, sizeof text, "reload=%s/*.pid", folder.path);
    cr_assert(eq(int, (int)rill_signal_resolve(text, NOBODY, &request, &why), (int)RILL_OK), "%s", why.text);
    cr_expect(eq(sz, request.pid_count, 2));
    cr_expect(eq(int, (int)request.pids[1], 456));
    config_folder_write(&folder, "a.pid", "12x3");
    cr_expect(eq(int, (int)rill_signal_resolve(text, NOBODY, &request, &why), (int)RILL_ERR_INVALID));
    config_folder_remove(&folder);
}

static const struct {
    const char *text;
    enum rill_err err;
    const char *why;
} refused[] = {
    {"foo", RILL_ERR_INVALID, "unknown signal \"foo\": use stop, quit, term, reopen, ldm or reload"},
    {"reload", RILL_ERR_NOT_FOUND, "no " NOBODY " is running"},
    {"reload=", RILL_ERR_NOT_FOUND, "no " NOBODY " is running"},
    {"reload=/nowhere/x", RILL_ERR_NOT_FOUND, "/nowhere/x: neither a process id nor a file that holds one"},
    {"reload=0", RILL_ERR_NOT_FOUND, "0: neither a process id nor a file that holds one"},
    {"reload=-1", RILL_ERR_NOT_FOUND, "-1: neither a process id nor a file that holds one"},
};

// Nothing is signalled by guessing: 0 and -1 would mean many processes.
Test(config_signal, unclear_targets_are_refused)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct rill_signal_request request;
        struct rill_error_text why;
        const enum rill_err err = rill_signal_resolve(refused[i].text, NOBODY, &request, &why);
        cr_expect(eq(int, (int)err, (int)refused[i].err), "%s", refused[i].text);
        cr_expect(eq(str, why.text, (char *)refused[i].why));
    }
}
