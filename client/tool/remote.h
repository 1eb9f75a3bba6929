// SPDX-License-Identifier: Apache-2.0
//
// The server that a command talks to, and as whom. In this order: what the command line says; the context that it names;
// RILL_URL, or else NATS_URL; the context that was selected; nats://127.0.0.1:4222. Credentials are never shown.
#pragma once

#include "show.h"

struct remote {
    const struct call *call;
    struct rill_conn *conn;
    struct rill_js *js;
    int64_t timeout_ms; // of one request
    json_t *context;    // or NULL
};

/* Connects. When it gives something other than TOOL_DONE the reason was told, and there is nothing to close. */
enum tool_exit remote_open(const struct call *call, struct remote *ret);
/* Sends what was published, and closes. NULL and a second time are harmless. */
void remote_close(struct remote *remote);
/* Closes after a flush: what was published has reached the server, or `code` becomes TOOL_FAILED with a line. */
enum tool_exit remote_finish(struct remote *remote, enum tool_exit code);

/* What most commands are: connects, does one thing, closes. */
typedef enum tool_exit remote_act(struct remote *remote);
enum tool_exit remote_with(struct call *call, remote_act *act);

/* Asks the API of streams: "STREAM.SNAPSHOT.ORDERS". `request` is taken over and may be NULL. *ret_answer is the
   caller's. An error in the answer is told and gives its exit code. */
enum tool_exit remote_ask(struct remote *remote, const char *subject, json_t *request, json_t **ret_answer);

/* The address of the monitoring pages: --monitor, RILL_MONITOR_URL, the context's, or port 8222 of the server's host.
   On the heap. */
char *remote_monitor_url(const struct call *call);

/* Asks on the terminal, unless --force was given. TOOL_DONE: go on. Where there is no terminal it tells that --force is
   needed. */
enum tool_exit remote_confirm(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// ---- contexts ----

/* NULL when there is none of that name, which is told, or the file cannot be read. The caller's. */
json_t *context_load(const struct call *call, const char *name);
/* The name of the selected one, on the heap; NULL: none. */
char *context_selected(void);
