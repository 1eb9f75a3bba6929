// SPDX-License-Identifier: Apache-2.0
//
// A pull consumer: batches of a row's window, the next one asked for when half of one has come, each message
// acknowledged or not, as the row says. The stream is filled in front; every message is looked at: their stream
// sequences must come one after the other.
#include "row.h"

#include "link.h"
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILL_WINDOW = 4000, OUT_BYTES_MAX = 64 << 20 };

struct pull {
    const struct row *row;
    struct link link;
    struct rill_buf out;
    uint64_t filled;
    uint64_t received;
    uint64_t asked;
};

static enum rill_err fill_some(struct pull *pull, const char *payload, uint64_t count,
                               struct rill_error_text *why)
{
    struct link_message ack;
    pull->out.len = 0;
    enum rill_err err = RILL_OK;
    for (uint64_t i = 0; !err && i < count; i++)
        err = rill_buf_appendf(&pull->out, "PUB bench.s%u _INBOX.0 %u\r\n%s\r\n", (unsigned)(i % 100),
                               pull->row->payload_bytes, payload);
    if (!err)
        err = wire_send(&pull->link.wire, rill_buf_bytes(&pull->out), why);
    for (uint64_t i = 0; !err && i < count; i++)
        err = link_next(&pull->link, &ack, why);
    pull->filled += count;
    return err;
}

static enum rill_err fill(struct pull *pull, uint64_t count, struct rill_error_text *why)
{
    char *payload = malloc(pull->row->payload_bytes + 1);
    memset(payload, 'x', pull->row->payload_bytes);
    payload[pull->row->payload_bytes] = '\0';
    enum rill_err err = RILL_OK;
    while (!err && pull->filled < count)
        err = fill_some(pull, payload, FILL_WINDOW, why);
    free(payload);
    return err;
}

static enum rill_err pull_open(struct pull *pull, struct task *task, struct rill_error_text *why)
{
    char config[256];
    enum rill_err err = link_open(&pull->link, task->server.port, "_INBOX.0", why);
    if (!err)
        err = link_make_stream(&pull->link, "_INBOX.0", why);
    if (!err)
        err = fill(pull, task->options->pulled, why);
    (void)snprintf(config, sizeof config,
                   "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"w\",\"ack_policy\":\"%s\","
                   "\"deliver_policy\":\"all\",\"max_ack_pending\":10000}}",
                   pull->row->acknowledged ? "explicit" : "none");
    return err ? err
               : link_request(&pull->link, "$JS.API.CONSUMER.DURABLE.CREATE.BENCH.w", "_INBOX.0", config,
                              why);
}

/* What one batch's requests and acknowledgements are collected in is sent at once. */
static enum rill_err ask(struct pull *pull, struct rill_error_text *why)
{
    char body[64];
    (void)why;
    const int len = snprintf(body, sizeof body, "{\"batch\":%u,\"expires\":5000000000}", pull->row->window);
    pull->asked += pull->row->window;
    return rill_buf_appendf(&pull->out, "PUB $JS.API.CONSUMER.MSG.NEXT.BENCH.w _INBOX.0 %d\r\n%s\r\n", len,
                            body);
}

/* $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>... */
static uint64_t stream_sequence(struct rill_bytes reply)
{
    unsigned dots = 0;
    for (size_t i = 0; i < reply.len; i++) {
        if (reply.data[i] == '.' && ++dots == 5)
            return strtoull((const char *)reply.data + i + 1, NULL, 10);
    }
    return 0;
}

static enum rill_err take_one(struct pull *pull, const struct link_message *message,
                              struct rill_error_text *why)
{
    if (stream_sequence(message->reply) != pull->received + 1) {
        rill_error_text_set(why, "not the next message: '" RILL_PRI "' " RILL_PRI, RILL_ARG(message->reply),
                            RILL_ARG(message->headers));
        return RILL_ERR_INVALID;
    }
    pull->received++;
    return pull->row->acknowledged
               ? rill_buf_appendf(&pull->out, "PUB " RILL_PRI " 4\r\n+ACK\r\n", RILL_ARG(message->reply))
               : RILL_OK;
}

static enum rill_err pull_turn(struct pull *pull, struct rill_error_text *why)
{
    struct link_message message;
    enum rill_err err = RILL_OK;
    while (!err && !(err = link_take(&pull->link, &message, why)))
        err = take_one(pull, &message, why);
    if (err == RILL_ERR_NOT_FOUND)
        err = RILL_OK;
    while (!err && pull->asked - pull->received <= pull->row->window / 2 && pull->asked < pull->filled)
        err = ask(pull, why);
    if (!err && pull->out.len)
        err = wire_send(&pull->link.wire, rill_buf_bytes(&pull->out), why);
    pull->out.len = 0;
    return err;
}

enum rill_err pull_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct pull pull = {.row = task->row};
    rill_buf_init(&pull.out, OUT_BYTES_MAX);
    enum rill_err err = pull_open(&pull, task, why);
    const struct meter start = meter_read(task->server.pid);
    pull.out.len = 0;
    if (!err)
        err = pull_turn(&pull, why);
    while (!err && pull.received < pull.filled) {
        err = link_receive(&pull.link, why);
        if (!err)
            err = pull_turn(&pull, why);
    }
    if (!err)
        err = wire_flush(&pull.link.wire, why);
    const struct meter spent = meter_between(start, meter_read(task->server.pid));
    const double messages = (double)pull.received;
    if (!err)
        *ret = (struct figure){
            .value = messages * (double)RILL_NS_PER_S / (double)spent.wall_ns,
            .server_cpu_ns_per_message = (double)spent.server_cpu_ns / messages,
            .generator_cpu = (double)spent.own_cpu_ns / (double)spent.wall_ns,
        };
    link_close(&pull.link);
    rill_buf_fini(&pull.out);
    return err;
}
