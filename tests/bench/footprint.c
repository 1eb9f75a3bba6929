// SPDX-License-Identifier: Apache-2.0
//
// What a server costs while nothing happens: its memory, and the time until it is there.
#include "row.h"

#include "base/alloc.h"
#include "meter.h"
#include "sample.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { START_S_MAX = 10, RETRY_US = 50 };

enum rill_err idle_memory_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    const uint64_t bytes = server_settled_memory_bytes(&task->server);
    if (bytes == 0) {
        rill_error_text_set(why, "its memory cannot be read");
        return RILL_ERR_IO;
    }
    *ret = (struct figure){.value = (double)bytes / (1024 * 1024)};
    return RILL_OK;
}

static enum rill_err join_and_keep(uint16_t port, int *ret_fd, struct rill_error_text *why)
{
    struct wire wire;
    const enum rill_err err = wire_join(&wire, port, why);
    if (!err)
        *ret_fd = wire.fd;
    return err;
}

enum rill_err idle_connections_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    const unsigned wanted = task->options->connections;
    int *fds = rill_alloc_zero(wanted, sizeof fds[0]);
    const uint64_t before = server_settled_memory_bytes(&task->server);
    unsigned count = 0;
    enum rill_err err = RILL_OK;
    while (!err && count < wanted) {
        err = join_and_keep(task->server.port, &fds[count], why);
        count += !err;
    }
    const uint64_t after = err ? 0 : server_settled_memory_bytes(&task->server);
    if (err)
        rill_error_text_wrap(why, "connection %u of %u", count + 1, wanted);
    else
        *ret = (struct figure){.value = ((double)after - (double)before) / 1024 / wanted};
    for (unsigned i = 0; i < count; i++)
        (void)close(fds[i]);
    free(fds);
    return err;
}

/* A port that was free a moment ago. The server's own choice would be known too late for this measurement. */
static enum rill_err port_choose(uint16_t *ret_port, struct rill_error_text *why)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool chosen = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                        getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    const enum rill_err err = chosen ? RILL_OK : rill_err_from_errno(errno);
    if (err)
        rill_error_text_set(why, "choose a port: %m");
    else
        *ret_port = ntohs(address.sin_port);
    if (fd >= 0)
        (void)close(fd);
    return err;
}

static enum rill_err start_once(struct task *task, double *ret_ms, struct rill_error_text *why)
{
    uint16_t port = 0;
    enum rill_err err = port_choose(&port, why);
    const int64_t start_ns = meter_now_ns();
    if (!err)
        err = server_spawn(&task->server, task->program, task->guard, port, task->row->durable, why);
    if (err)
        return err;
    struct wire wire = {.fd = -1};
    while ((err = wire_open(&wire, port, why)) == RILL_ERR_CLOSED &&
           meter_now_ns() - start_ns < START_S_MAX * RILL_NS_PER_S)
        (void)usleep(RETRY_US);
    if (!err)
        *ret_ms = (double)(meter_now_ns() - start_ns) / (double)RILL_NS_PER_MS;
    wire_close(&wire);
    server_stop(&task->server);
    return err;
}

enum rill_err start_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    const unsigned count = task->options->starts;
    double *ms = rill_alloc_zero(count, sizeof ms[0]);
    enum rill_err err = RILL_OK;
    for (unsigned i = 0; i < count && !err; i++)
        err = start_once(task, &ms[i], why);
    if (!err)
        *ret = (struct figure){.value = sample_summarise(ms, count).median};
    free(ms);
    return err;
}
