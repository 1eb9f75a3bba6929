// SPDX-License-Identifier: Apache-2.0
//
// What one message costs inside the core, without sockets: reads of 256 KiB full of PUB commands are handed
// to the core, and its output is thrown away. For profiles (perf, callgrind) and for the floor below the
// numbers of rill-bench.
//
//     core_route [subscribers] [payload bytes] [millions of messages]
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { READ_BYTES = 256 * 1024, CONNS_MAX = 64 };

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void drain(struct rill_core *core)
{
    struct rill_conn *conn;
    while ((conn = rill_core_take_touched(core))) {
        struct iovec iov[64];
        size_t count;
        while ((count = rill_conn_output(conn, iov, 64))) {
            size_t bytes = 0;
            for (size_t i = 0; i < count; i++)
                bytes += iov[i].iov_len;
            rill_core_conn_written(core, conn, bytes);
        }
    }
}

static struct rill_conn *connect_with(struct rill_core *core, const char *text)
{
    const struct rill_conn_origin origin = {.kind = RILL_CONN_TCP, .address = "bench"};
    struct rill_conn *conn = rill_core_conn_open(core, &origin);
    rill_core_conn_bytes(core, conn,
                         rill_bytes_from_cstr("CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"));
    rill_core_conn_bytes(core, conn, rill_bytes_from_cstr(text));
    return conn;
}

static size_t fill(uint8_t *buffer, int payload_bytes)
{
    char command[2048];
    const int head = snprintf(command, sizeof command, "PUB orders.new %d\r\n", payload_bytes);
    memset(command + head, 'x', (size_t)payload_bytes);
    memcpy(command + head + payload_bytes, "\r\n", 2);
    const size_t bytes = (size_t)(head + payload_bytes + 2);
    size_t count = 0;
    while ((count + 1) * bytes <= READ_BYTES) {
        memcpy(buffer + count * bytes, command, bytes);
        count++;
    }
    return count;
}

int main(int argc, char **argv)
{
    const int subscribers = argc > 1 ? atoi(argv[1]) : 0;
    const int payload_bytes = argc > 2 ? atoi(argv[2]) : 16;
    const double messages_wanted = 1e6 * (argc > 3 ? atof(argv[3]) : 50);
    if (subscribers < 0 || subscribers >= CONNS_MAX || payload_bytes < 1 || payload_bytes > 1900)
        return 2;
    const struct rill_auth_config auth = {.timeout_ns = 2 * RILL_NS_PER_S};
    const struct rill_core_config config = {
        .server_id = "bench",
        .server_name = "bench",
        .host = "bench",
        .limits = {.payload_bytes_max = 1 << 20,
                   .control_line_bytes_max = 4096,
                   .pending_bytes_max = 64 << 20,
                   .connections_max = CONNS_MAX,
                   .ping_interval_ns = RILL_NEVER_NS / 2,
                   .ping_max = 2,
                   .write_deadline_ns = RILL_NS_PER_S},
        .auth = &auth,
        .seed = 1,
    };
    const struct rill_now now = {0};
    struct rill_core *core = rill_core_create(&config, now);
    rill_core_begin_turn(core, now);
    struct rill_conn *conns[CONNS_MAX];
    int conn_count = 0;
    for (; conn_count < subscribers; conn_count++)
        conns[conn_count] = connect_with(core, "SUB orders.* 1\r\n");
    struct rill_conn *publisher = conns[conn_count++] = connect_with(core, "PING\r\n");
    rill_core_end_turn(core);
    drain(core);

    static uint8_t buffer[READ_BYTES];
    const size_t per_read = fill(buffer, payload_bytes);
    const size_t read_bytes = per_read * ((size_t)snprintf(NULL, 0, "PUB orders.new %d\r\n", payload_bytes) +
                                          (size_t)payload_bytes + 2);
    const double start = seconds_now();
    double messages = 0;
    while (messages < messages_wanted) {
        rill_core_begin_turn(core, now);
        rill_core_conn_bytes(core, publisher, rill_bytes_of(buffer, read_bytes));
        rill_core_end_turn(core);
        drain(core);
        messages += (double)per_read;
    }
    const double seconds = seconds_now() - start;
    printf("%d subscribers, %d bytes: %.1f M messages/s, %.1f ns each\n", subscribers, payload_bytes,
           messages / seconds / 1e6, seconds * 1e9 / messages);

    while (conn_count)
        rill_core_conn_closed(core, conns[--conn_count], "done");
    rill_core_destroy(core);
    return 0;
}
