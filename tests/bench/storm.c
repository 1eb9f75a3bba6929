// SPDX-License-Identifier: Apache-2.0
//
// A redelivery storm: a consumer has the row's window of messages outstanding, nobody acknowledges any, and they all expire
// within a moment. How fast do they come again, from the first to the last? Each must come once, as its second delivery.
#include "base/alloc.h"
#include "lines.h"
#include "link.h"
#include "meter.h"
#include "row.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILL_MESSAGES = 2000, DELIVERED_PLACE = 4, SEQUENCE_PLACE = 5 };

struct storm {
    const struct row *row;
    struct link link;
    struct lines lines;
    uint8_t *deliveries; // of each sequence
    int64_t first_ns;    // when the first of this delivery came
};

static enum rill_err storm_fill(struct storm *storm, struct rill_error_text *why)
{
    struct link_message ack;
    enum rill_err err = RILL_OK;
    for (uint64_t filled = 0; !err && filled < storm->row->window; filled += FILL_MESSAGES) {
        err = lines_send(&storm->lines, &storm->link.wire, FILL_MESSAGES, why);
        for (int i = 0; !err && i < FILL_MESSAGES; i++)
            err = link_next(&storm->link, &ack, why);
    }
    return err;
}

static enum rill_err storm_open(struct storm *storm, struct task *task, struct rill_error_text *why)
{
    static const char consumer[] =
        "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"storm\",\"ack_policy\":\"explicit\","
        "\"ack_wait\":3000000000,\"max_ack_pending\":1000000}}";
    enum rill_err err = lines_init(&storm->lines, 1, "_ANSWER.0", storm->row->payload_bytes);
    if (!err)
        err = link_open(&storm->link, task->server.port, "_INBOX.0", why);
    if (!err)
        err = wire_send(&storm->link.wire, RILL_BYTES("SUB _ANSWER.0 2\r\n"), why);
    if (!err)
        err = link_make_stream(&storm->link, "_ANSWER.0", why);
    if (!err)
        err = storm_fill(storm, why);
    return err ? err
               : link_request(&storm->link, "$JS.API.CONSUMER.DURABLE.CREATE.BENCH.storm", "_ANSWER.0",
                              consumer, why);
}

/* One pull for all of them. */
static enum rill_err ask(struct storm *storm, struct rill_error_text *why)
{
    char body[64], line[192];
    const int body_len =
        snprintf(body, sizeof body, "{\"batch\":%u,\"expires\":9000000000}", storm->row->window);
    const int len = snprintf(
        line, sizeof line, "PUB $JS.API.CONSUMER.MSG.NEXT.BENCH.storm _INBOX.0 %d\r\n%s\r\n", body_len, body);
    return wire_send(&storm->link.wire, rill_bytes_of(line, (size_t)len), why);
}

/* Every message comes for the `time`-th time. */
static enum rill_err take_all(struct storm *storm, uint8_t time, struct rill_error_text *why)
{
    for (uint64_t taken = 0; taken < storm->row->window; taken++) {
        struct link_message message;
        const enum rill_err err = link_next(&storm->link, &message, why);
        if (err)
            return err;
        const uint64_t delivered = link_number_at(message.reply, DELIVERED_PLACE);
        const uint64_t sequence = link_number_at(message.reply, SEQUENCE_PLACE);
        if (!taken)
            storm->first_ns = meter_now_ns();
        if (!sequence || sequence > storm->row->window || delivered != time ||
            ++storm->deliveries[sequence] != time) {
            rill_error_text_set(why, "not delivery %u of a message: '" RILL_PRI "' " RILL_PRI, time,
                                RILL_ARG(message.reply), RILL_ARG(message.headers));
            return RILL_ERR_INVALID;
        }
    }
    return RILL_OK;
}

static enum rill_err storm_measure(struct storm *storm, struct task *task, struct figure *ret,
                                   struct rill_error_text *why)
{
    enum rill_err err = ask(storm, why);
    if (!err)
        err = take_all(storm, 1, why);
    if (!err)
        err = ask(storm, why);
    const struct meter start = meter_read(task->server.pid);
    if (!err)
        err = take_all(storm, 2, why);
    if (err)
        return err;
    const struct meter end = meter_read(task->server.pid);
    const struct meter spent = meter_between(start, end);
    const double messages = storm->row->window;
    *ret = (struct figure){
        .value = messages * (double)RILL_NS_PER_S / (double)(end.wall_ns - storm->first_ns),
        .server_cpu_ns_per_message = (double)spent.server_cpu_ns / messages,
        .generator_cpu = (double)spent.own_cpu_ns / (double)(end.wall_ns - storm->first_ns),
    };
    return RILL_OK;
}

enum rill_err storm_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct storm storm = {.row = task->row, .link.wire.fd = -1};
    storm.deliveries = rill_alloc_zero(task->row->window + 1, 1);
    enum rill_err err = storm_open(&storm, task, why);
    if (!err)
        err = storm_measure(&storm, task, ret, why);
    link_close(&storm.link);
    lines_fini(&storm.lines);
    free(storm.deliveries);
    return err;
}
