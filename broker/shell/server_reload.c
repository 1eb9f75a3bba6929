// SPDX-License-Identifier: Apache-2.0
#include "notify.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

static void log_change(void *context, const char *key, const char *old_value, const char *new_value,
                       bool reloadable)
{
    const struct server *server = context;
    if (reloadable)
        rill_log(&server->loop.log, RILL_LOG_INFO, "Reloaded: %s = %s (was %s)", key, new_value, old_value);
    else
        rill_log(&server->loop.log, RILL_LOG_WARN, "Not reloaded: %s = %s needs a restart, %s stays in force",
                 key, new_value, old_value);
}

static void reload_log(struct server *server, const struct rill_options *loaded)
{
    struct rill_error_text why;
    const struct logger_config config = server_logger_config(loaded);
    if (logger_configure(&server->logger, &config, &why))
        rill_log(&server->loop.log, RILL_LOG_ERROR, "Not reloaded: %s", why.text);
    server->loop.log = logger_sink(&server->logger);
}

/* The new options are in force once everybody who pointed into the old ones was given the new. */
static void put_in_force(struct server *server, struct rill_options *loaded)
{
    struct rill_options old = server->reloaded;
    server->reloaded = *loaded;
    server->in_force = &server->reloaded;
    reload_log(server, server->in_force);
    const struct rill_core_config config = server_core_config(server, server->in_force);
    rill_core_reload(server->loop.core, &config);
    server->config_load_wall_ns = server->loop.poller.now.wall_ns;
    rill_options_fini(&old);
}

static void notify_reloading(const struct server *server, const char *socket_path)
{
    char state[80];
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)(server->loop.poller.now.mono_ns / RILL_NS_PER_US));
    (void)notify_send(socket_path, state);
}

void server_reload(struct server *server)
{
    struct rill_options loaded = {0};
    struct rill_error_text why;
    const char *socket_path = getenv("NOTIFY_SOCKET");
    notify_reloading(server, socket_path);
    if (rill_options_load(server->argc, server->argv, &loaded, &why)) {
        rill_log(&server->loop.log, RILL_LOG_ERROR, "Failed to reload server configuration: %s", why.text);
    } else {
        const struct rill_options_visitor visitor = {log_change, server};
        (void)rill_options_diff(server->in_force, &loaded, &visitor);
        rill_options_keep_fixed(&loaded, server->in_force);
        put_in_force(server, &loaded);
        rill_log(&server->loop.log, RILL_LOG_INFO, "Reloaded server configuration");
    }
    (void)notify_send(socket_path, "READY=1");
}
