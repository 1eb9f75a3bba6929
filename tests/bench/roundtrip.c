// SPDX-License-Identifier: Apache-2.0
//
// A requester and a responder, two connections, one thread: it writes the request, waits for it at the
// responder, writes the reply, waits for that at the requester. So there is one thread to wake at each step,
// as there is in two services, and nothing else of ours in between. Every byte of both is compared.
#include "durable.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "meter.h"
#include "sample.h"
#include "wire.h"

#include <stdlib.h>

enum { TRIPS_MAX = 1 << 22, LINE_BYTES_MAX = 1 << 20 };

struct roundtrip {
    struct wire requester;
    struct wire responder;
    struct rill_buf request, request_seen, reply, reply_seen;
    double *us; // of each trip
    size_t trips;
};

static enum rill_err line_make(struct rill_buf *buf, const char *head, unsigned payload_bytes)
{
    rill_buf_init(buf, LINE_BYTES_MAX);
    return rill_buf_appendf(buf, "%s %u\r\n%0*d\r\n", head, payload_bytes, (int)payload_bytes, 7);
}

static enum rill_err lines_make(struct roundtrip *roundtrip, unsigned payload_bytes)
{
    enum rill_err err = line_make(&roundtrip->request, "PUB trip.ask _INBOX.trip", payload_bytes);
    if (!err)
        err = line_make(&roundtrip->request_seen, "MSG trip.ask 1 _INBOX.trip", payload_bytes);
    if (!err)
        err = line_make(&roundtrip->reply, "PUB _INBOX.trip", payload_bytes);
    return err ? err : line_make(&roundtrip->reply_seen, "MSG _INBOX.trip 1", payload_bytes);
}

static enum rill_err roundtrip_once(struct roundtrip *roundtrip, struct rill_error_text *why)
{
    enum rill_err err = wire_send(&roundtrip->requester, rill_buf_bytes(&roundtrip->request), why);
    if (!err)
        err = wire_expect(&roundtrip->responder, rill_buf_bytes(&roundtrip->request_seen), why);
    if (!err)
        err = wire_send(&roundtrip->responder, rill_buf_bytes(&roundtrip->reply), why);
    return err ? err : wire_expect(&roundtrip->requester, rill_buf_bytes(&roundtrip->reply_seen), why);
}

static enum rill_err roundtrip_phase(struct roundtrip *roundtrip, double seconds, struct rill_error_text *why)
{
    roundtrip->trips = 0;
    int64_t before_ns = meter_now_ns();
    const int64_t until_ns = before_ns + (int64_t)(seconds * (double)RILL_NS_PER_S);
    while (before_ns < until_ns && roundtrip->trips < TRIPS_MAX) {
        const enum rill_err err = roundtrip_once(roundtrip, why);
        if (err)
            return err;
        const int64_t after_ns = meter_now_ns();
        roundtrip->us[roundtrip->trips++] = (double)(after_ns - before_ns) / (double)RILL_NS_PER_US;
        before_ns = after_ns;
    }
    return RILL_OK;
}

static enum rill_err roundtrip_open(struct roundtrip *roundtrip, struct task *task,
                                    struct rill_error_text *why)
{
    enum rill_err err = lines_make(roundtrip, task->row->payload_bytes);
    if (err)
        rill_error_text_set(why, "make the messages: %s", rill_err_text(err));
    if (!err)
        err = wire_join(&roundtrip->requester, task->server.port, why);
    if (!err)
        err = wire_join(&roundtrip->responder, task->server.port, why);
    if (!err)
        err = wire_subscribe(&roundtrip->requester, "_INBOX.trip", why);
    return err ? err : wire_subscribe(&roundtrip->responder, "trip.ask", why);
}

static enum rill_err roundtrip_measure(struct roundtrip *roundtrip, struct task *task, struct figure *ret,
                                       struct rill_error_text *why)
{
    enum rill_err err = roundtrip_phase(roundtrip, task->options->seconds / 4, why);
    if (err)
        return err;
    const struct meter start = meter_read(task->server.pid);
    err = roundtrip_phase(roundtrip, task->options->seconds, why);
    if (err)
        return err;
    const struct meter spent = meter_between(start, meter_read(task->server.pid));
    sample_sort(roundtrip->us, roundtrip->trips);
    *ret = (struct figure){
        .value = sample_percentile(roundtrip->us, roundtrip->trips, task->row->percentile),
        .server_cpu_ns_per_message = (double)spent.server_cpu_ns / (2 * (double)roundtrip->trips),
        .generator_cpu = (double)spent.own_cpu_ns / (double)spent.wall_ns,
    };
    return RILL_OK;
}

/* Idle first, then beside the load. */
static enum rill_err roundtrip_compare(struct roundtrip *roundtrip, struct task *task, struct figure *ret,
                                       struct rill_error_text *why)
{
    pid_t load;
    struct figure idle;
    enum rill_err err = roundtrip_measure(roundtrip, task, &idle, why);
    if (!err)
        err = durable_load_begin(task, &load, why);
    if (err)
        return err;
    err = roundtrip_measure(roundtrip, task, ret, why);
    durable_load_end(load);
    ret->value /= idle.value;
    return err;
}

static enum rill_err run(struct task *task, struct figure *ret, struct rill_error_text *why,
                         enum rill_err (*measure)(struct roundtrip *, struct task *, struct figure *,
                                                  struct rill_error_text *))
{
    struct roundtrip roundtrip = {.requester.fd = -1, .responder.fd = -1};
    roundtrip.us = rill_alloc_zero(TRIPS_MAX, sizeof roundtrip.us[0]);
    enum rill_err err = roundtrip_open(&roundtrip, task, why);
    if (!err)
        err = measure(&roundtrip, task, ret, why);
    wire_close(&roundtrip.requester);
    wire_close(&roundtrip.responder);
    rill_buf_fini(&roundtrip.request);
    rill_buf_fini(&roundtrip.request_seen);
    rill_buf_fini(&roundtrip.reply);
    rill_buf_fini(&roundtrip.reply_seen);
    free(roundtrip.us);
    return err;
}

enum rill_err roundtrip_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    return run(task, ret, why, roundtrip_measure);
}

enum rill_err roundtrip_beside_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    return run(task, ret, why, roundtrip_compare);
}
