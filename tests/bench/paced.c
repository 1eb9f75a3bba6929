// SPDX-License-Identifier: Apache-2.0
//
// From a publish to its delivery: one connection publishes durable messages at a steady pace, each with the time at which it
// is written; a consumer pushes them to another connection. One thread serves both, so each time is that of one clock. What
// is late by the generator's own doing counts from when it was written, not from when it was due.
#include "base/alloc.h"
#include "link.h"
#include "meter.h"
#include "row.h"
#include "sample.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { LATENCIES_MAX = 1 << 20, DIGITS = 20, LINE_BYTES_MAX = 64 };

struct paced {
    const struct row *row;
    struct link publisher;
    struct link subscriber;
    char *line; // one message
    uint64_t sent;
    uint64_t received;
    double *us; // latencies
    size_t us_count;
};

static enum rill_err paced_open(struct paced *paced, struct task *task, struct rill_error_text *why)
{
    static const char consumer[] =
        "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"paced\",\"ack_policy\":\"none\","
        "\"deliver_subject\":\"_INBOX.0\"}}";
    enum rill_err err = link_open(&paced->publisher, task->server.port, "_ANSWER.0", why);
    if (!err)
        err = link_open(&paced->subscriber, task->server.port, "_INBOX.0", why);
    if (!err)
        err = link_make_stream(&paced->publisher, "_ANSWER.0", why);
    if (!err)
        err = link_request(&paced->publisher, "$JS.API.CONSUMER.DURABLE.CREATE.BENCH.paced", "_ANSWER.0",
                           consumer, why);
    return err;
}

static enum rill_err publish(struct paced *paced, struct rill_error_text *why)
{
    const unsigned bytes = paced->row->payload_bytes;
    const int head = snprintf(paced->line, LINE_BYTES_MAX, "PUB bench.s0 %u\r\n", bytes);
    char *payload = paced->line + head;
    memset(payload, 'x', bytes);
    (void)snprintf(payload, DIGITS + 1, "%0*" PRId64, DIGITS, meter_now_ns());
    payload[DIGITS] = 'x';
    memcpy(payload + bytes, "\r\n", 2);
    paced->sent++;
    return wire_send(&paced->publisher.wire, rill_bytes_of(paced->line, (size_t)head + bytes + 2), why);
}

static enum rill_err take(struct paced *paced, struct rill_error_text *why)
{
    enum rill_err err = link_receive(&paced->subscriber, why);
    const int64_t now_ns = meter_now_ns();
    while (!err) {
        struct link_message message;
        uint64_t sent_ns;
        err = link_take(&paced->subscriber, &message, why);
        if (err)
            break;
        if (message.payload.len != paced->row->payload_bytes ||
            !rill_bytes_to_u64(rill_bytes_of(message.payload.data, DIGITS), INT64_MAX, &sent_ns)) {
            rill_error_text_set(why, "not a message of ours: " RILL_PRI, RILL_ARG(message.payload));
            return RILL_ERR_INVALID;
        }
        paced->received++;
        if (paced->us_count < LATENCIES_MAX)
            paced->us[paced->us_count++] = (double)(now_ns - (int64_t)sent_ns) / (double)RILL_NS_PER_US;
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

/* Takes in what comes until then; 0: the next that comes. */
static enum rill_err wait_until(struct paced *paced, int64_t until_ns, struct rill_error_text *why)
{
    struct pollfd polled = {.fd = paced->subscriber.wire.fd, .events = POLLIN};
    for (;;) {
        const int64_t left_ns = until_ns - meter_now_ns();
        const struct timespec wait = {.tv_sec = until_ns ? 0 : WIRE_TIMEOUT_S,
                                      .tv_nsec = until_ns && left_ns > 0 ? (long)left_ns : 0};
        const int ready = ppoll(&polled, 1, &wait, NULL);
        if (ready <= 0 && !until_ns) {
            rill_error_text_set(why, "no delivery for %d s", WIRE_TIMEOUT_S);
            return RILL_ERR_TIMEOUT;
        }
        const enum rill_err err = ready > 0 ? take(paced, why) : RILL_OK;
        if (err || !until_ns || meter_now_ns() >= until_ns)
            return err;
    }
}

static enum rill_err paced_phase(struct paced *paced, double seconds, struct rill_error_text *why)
{
    const int64_t pace_ns = RILL_NS_PER_S / paced->row->pace;
    const int64_t start_ns = meter_now_ns();
    const int64_t end_ns = start_ns + (int64_t)(seconds * (double)RILL_NS_PER_S);
    enum rill_err err = RILL_OK;
    for (int64_t due_ns = start_ns; !err && due_ns < end_ns; due_ns += pace_ns) {
        err = wait_until(paced, due_ns, why);
        if (!err)
            err = publish(paced, why);
    }
    while (!err && paced->received < paced->sent)
        err = wait_until(paced, 0, why);
    return err;
}

static enum rill_err paced_measure(struct paced *paced, struct task *task, struct figure *ret,
                                   struct rill_error_text *why)
{
    enum rill_err err = paced_phase(paced, task->options->seconds / 4, why);
    const uint64_t before = paced->received;
    const struct meter start = meter_read(task->server.pid);
    paced->us_count = 0;
    if (!err)
        err = paced_phase(paced, task->options->seconds, why);
    if (err)
        return err;
    const struct meter spent = meter_between(start, meter_read(task->server.pid));
    sample_sort(paced->us, paced->us_count);
    *ret = (struct figure){
        .value = sample_percentile(paced->us, paced->us_count, paced->row->percentile),
        .server_cpu_ns_per_message = (double)spent.server_cpu_ns / (double)(paced->received - before),
        .generator_cpu = (double)spent.own_cpu_ns / (double)spent.wall_ns,
    };
    return RILL_OK;
}

enum rill_err paced_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct paced paced = {.row = task->row, .publisher.wire.fd = -1, .subscriber.wire.fd = -1};
    paced.us = rill_alloc_zero(LATENCIES_MAX, sizeof paced.us[0]);
    paced.line = rill_alloc_zero(LINE_BYTES_MAX + task->row->payload_bytes, 1);
    enum rill_err err = paced_open(&paced, task, why);
    if (!err)
        err = paced_measure(&paced, task, ret, why);
    link_close(&paced.publisher);
    link_close(&paced.subscriber);
    free(paced.line);
    free(paced.us);
    return err;
}
