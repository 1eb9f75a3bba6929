// SPDX-License-Identifier: Apache-2.0
//
// rilld: reads the command line and does what it says.
#include "server.h"
#include "signals.h"

#include "config/signal.h"
#include "tool.h"

#include "base/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Each thread of its own arena would cost memory that nobody uses: the workers allocate next to nothing. */
enum { MALLOC_ARENAS_MAX = 2 };

static int fail(const char *what)
{
    (void)fprintf(stderr, "rilld: %s\n", what);
    return 1;
}

static int send_signals(const struct rill_options *options, const char *program)
{
    struct rill_signal_request request;
    struct rill_error_text why;
    const char *slash = strrchr(program, '/');
    if (rill_signal_resolve(options->signal_command, slash ? slash + 1 : program, &request, &why))
        return fail(why.text);
    int status = 0;
    for (size_t i = 0; i < request.pid_count; i++) {
        if (kill(request.pids[i], request.signal) == 0)
            continue;
        rill_error_text_set(&why, "signal %s to %d: %s", request.command, (int)request.pids[i],
                            strerror(errno));
        status = fail(why.text);
    }
    return status;
}

static int run(int argc, char *const argv[], struct rill_options *options)
{
    (void)mallopt(M_ARENA_MAX, MALLOC_ARENAS_MAX);
    (void)process_raise_descriptor_limit();
    signals_block();
    struct server *server = rill_alloc_zero(1, sizeof *server);
    const int status = server_start(server, argc, argv, options) ? 1 : server_run(server);
    if (status && server->loop.core && !rill_core_is_idle(server->loop.core))
        _exit(status); // a disk worker hangs; waiting for it is what the deadline was to prevent
    server_destroy(server);
    free(server);
    return status;
}

static int act(int argc, char *const argv[], struct rill_options *options)
{
    switch (options->action) {
    case RILL_OPTIONS_CHECK:
        rill_options_print_valid(stderr, options);
        return 0;
    case RILL_OPTIONS_HELP:
        rill_options_print_help(stdout);
        return 0;
    case RILL_OPTIONS_VERSION:
        rill_options_print_version(stdout);
        return 0;
    case RILL_OPTIONS_SIGNAL:
        return send_signals(options, argv[0]);
    case RILL_OPTIONS_RUN:
        break;
    }
    return run(argc, argv, options);
}

int main(int argc, char *argv[])
{
    if (argc > 1 && strcmp(argv[1], "store") == 0)
        return rill_store_tool_run(argc - 1, argv + 1, stdout, stderr);
    struct rill_options options;
    struct rill_error_text why;
    if (rill_options_load(argc, argv, &options, &why))
        return fail(why.text);
    const bool runs = options.action == RILL_OPTIONS_RUN; // then the server owns them
    const int status = act(argc, argv, &options);
    if (!runs)
        rill_options_fini(&options);
    return status;
}
