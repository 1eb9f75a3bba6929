// SPDX-License-Identifier: Apache-2.0
#include "law.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_FD = 3, ANSWER_FD = 4 };

static const char *skipped_because;

int law_run(const struct law_case *cases, size_t case_count)
{
    size_t failed_count = 0;
    printf("1..%zu\n", case_count);
    for (size_t i = 0; i < case_count; i++) {
        skipped_because = NULL;
        const bool holds = cases[i].holds();
        failed_count += holds ? 0 : 1;
        printf("%s %zu - %s%s%s\n", holds ? "ok" : "not ok", i + 1, cases[i].name,
               skipped_because ? " # SKIP " : "", skipped_because ? skipped_because : "");
        (void)fflush(stdout);
    }
    return failed_count ? 1 : 0;
}

bool law_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("# ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    return false;
}

bool law_skip(const char *why)
{
    skipped_because = why;
    return true;
}

bool law_ok(enum rill_err err, const char *what)
{
    return !err || law_fail("%s: %s", what, rill_error_string(err));
}

bool law_err_is(enum rill_err err, enum rill_err expected, const char *what)
{
    return err == expected ||
           law_fail("%s: %s, not %s", what, rill_error_string(err), rill_error_string(expected));
}

bool law_text_is(const struct rill_msg *msg, const char *text)
{
    const size_t bytes = rill_msg_data_bytes(msg);
    return (bytes == strlen(text) && memcmp(rill_msg_data(msg), text, bytes) == 0) ||
           law_fail("expected \"%s\", got \"%.*s\"", text, (int)bytes, (const char *)rill_msg_data(msg));
}

const char *law_url(void)
{
    const char *websocket = getenv("RILL_WS_URL");
    return websocket ? websocket : getenv("RILL_URL");
}

struct rill_conn *law_connect_with(struct rill_options options)
{
    struct rill_conn *conn = NULL;
    struct rill_error error;
    options.struct_bytes = sizeof options;
    options.timeout_ms = LAW_TIMEOUT_MS;
    options.reconnect_wait_ms = 10;
    options.reconnect_wait_max_ms = 50;
    options.reconnect_jitter_ms = 10;
    if (rill_connect_why(&conn, law_url(), &options, &error))
        (void)law_fail("connect to %s: %s", law_url(), error.text);
    return conn;
}

struct rill_conn *law_connect(void)
{
    return law_connect_with((struct rill_options)RILL_OPTIONS);
}

bool law_js_open(struct law_js *world)
{
    *world = (struct law_js){.conn = law_connect()};
    return world->conn && law_ok(rill_js_open(world->conn, NULL, &world->js), "open");
}

void law_js_close(struct law_js *world)
{
    rill_js_destroy(world->js);
    rill_destroy(world->conn);
}

bool law_js_ok(const struct law_js *world, enum rill_err err, const char *what)
{
    return !err || law_fail("%s: %s (%u)", what, world->error.text, world->error.err_code);
}

bool law_js_or_not_yet(const struct law_js *world, bool holds)
{
    if (!holds && strstr(world->error.text, "not implemented yet"))
        return law_skip("this server has not all that it takes yet");
    return holds;
}

static bool server_is_told(const char *command)
{
    char answer[16];
    const ssize_t bytes = (ssize_t)strlen(command);
    if (write(COMMAND_FD, command, (size_t)bytes) != bytes)
        return law_fail("nobody to restart the server");
    return read(ANSWER_FD, answer, sizeof(answer)) > 0 || law_fail("the server was not restarted");
}

bool law_restart_server(void)
{
    return server_is_told("restart\n");
}

bool law_kill_server(void)
{
    return server_is_told("kill\n");
}

bool law_goes_on(int64_t *deadline_ns)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (!*deadline_ns)
        *deadline_ns = now_ns + LAW_TIMEOUT_MS * INT64_C(1000000);
    return now_ns < *deadline_ns;
}

bool law_next_is(struct rill_sub *sub, const char *text)
{
    struct rill_msg *msg = NULL;
    if (!law_ok(rill_next_msg(sub, LAW_TIMEOUT_MS, &msg), "next message"))
        return false;
    const bool same = law_text_is(msg, text);
    rill_msg_unref(msg);
    return same;
}
