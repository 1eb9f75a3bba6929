// SPDX-License-Identifier: Apache-2.0
//
// Durable publishes. Each publisher keeps a window of messages in flight: it publishes so many, and one more for
// each acknowledgement that comes. One thread serves all publishers. Every acknowledgement is looked at: it must be
// one, and the sequences of a publisher must grow.
#include "row.h"

#include "base/alloc.h"
#include "link.h"
#include "meter.h"
#include "sample.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { PUBLISHERS_MAX = 16, LATENCIES_MAX = 1 << 20, OUT_BYTES_MAX = 64 << 20 };

struct publisher {
    struct link link;
    uint64_t sent;
    uint64_t acked;
    uint64_t last_sequence;
    int64_t *sent_ns; // of each message in flight: a ring of the window's size
};

struct durable {
    const struct row *row;
    struct publisher publishers[PUBLISHERS_MAX];
    unsigned count;
    unsigned window;
    char *payload;
    struct rill_buf out;
    double *us; // latencies
    size_t us_count;
};

static enum rill_err publish(struct durable *durable, struct publisher *publisher, uint64_t count,
                             struct rill_error_text *why)
{
    const int64_t now_ns = meter_now_ns();
    durable->out.len = 0;
    for (uint64_t i = 0; i < count; i++) {
        const unsigned subject =
            (unsigned)(publisher->sent % (durable->row->subjects ? durable->row->subjects : 1));
        const enum rill_err err = rill_buf_appendf(&durable->out, "PUB bench.s%u _INBOX.%u %u\r\n%s\r\n",
                                                   subject, (unsigned)(publisher - durable->publishers),
                                                   durable->row->payload_bytes, durable->payload);
        if (err)
            return err;
        publisher->sent_ns[publisher->sent++ % durable->window] = now_ns;
    }
    return wire_send(&publisher->link.wire, rill_buf_bytes(&durable->out), why);
}

/* {"stream":"BENCH","seq":17} and what else a server may add. */
static bool sequence_of(struct rill_bytes payload, uint64_t *ret)
{
    const char *at = memmem(payload.data, payload.len, "\"seq\":", 6);
    if (!at || memmem(payload.data, payload.len, "\"error\"", 7))
        return false;
    *ret = strtoull(at + 6, NULL, 10); // ends at a comma or a brace
    return *ret > 0;
}

static enum rill_err acked(struct durable *durable, struct publisher *publisher,
                           const struct link_message *ack, int64_t now_ns, struct rill_error_text *why)
{
    uint64_t sequence = 0;
    if (!sequence_of(ack->payload, &sequence) || sequence <= publisher->last_sequence) {
        rill_error_text_set(why, "not the next acknowledgement: " RILL_PRI, RILL_ARG(ack->payload));
        return RILL_ERR_INVALID;
    }
    publisher->last_sequence = sequence;
    const int64_t sent_ns = publisher->sent_ns[publisher->acked++ % durable->window];
    if (durable->us_count < LATENCIES_MAX)
        durable->us[durable->us_count++] = (double)(now_ns - sent_ns) / (double)RILL_NS_PER_US;
    return RILL_OK;
}

/* Takes in what has come. */
static enum rill_err collect(struct durable *durable, struct publisher *publisher,
                             struct rill_error_text *why)
{
    enum rill_err err = link_receive(&publisher->link, why);
    const int64_t now_ns = meter_now_ns();
    while (!err) {
        struct link_message ack;
        err = link_take(&publisher->link, &ack, why);
        if (!err)
            err = acked(durable, publisher, &ack, now_ns, why);
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static uint64_t acked_count(const struct durable *durable)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < durable->count; i++)
        sum += durable->publishers[i].acked;
    return sum;
}

/* One look at all connections; the acknowledged are replaced by new ones while it is not too late. */
static enum rill_err durable_turn(struct durable *durable, bool refill, struct rill_error_text *why)
{
    struct pollfd polled[PUBLISHERS_MAX];
    for (unsigned i = 0; i < durable->count; i++)
        polled[i] = (struct pollfd){.fd = durable->publishers[i].link.wire.fd, .events = POLLIN};
    if (durable->count > 1 && poll(polled, durable->count, WIRE_TIMEOUT_S * 1000) <= 0) {
        rill_error_text_set(why, "no acknowledgement for %d s", WIRE_TIMEOUT_S);
        return RILL_ERR_TIMEOUT;
    }
    for (unsigned i = 0; i < durable->count; i++) {
        struct publisher *publisher = &durable->publishers[i];
        if (durable->count > 1 && !polled[i].revents)
            continue;
        enum rill_err err = collect(durable, publisher, why);
        const uint64_t free = durable->window - (publisher->sent - publisher->acked);
        if (!err && refill && free)
            err = publish(durable, publisher, free, why);
        if (err)
            return err;
    }
    return RILL_OK;
}

static enum rill_err durable_phase(struct durable *durable, double seconds, struct rill_error_text *why)
{
    const int64_t until_ns = meter_now_ns() + (int64_t)(seconds * (double)RILL_NS_PER_S);
    enum rill_err err = RILL_OK;
    uint64_t sent = 0;
    for (unsigned i = 0; !err && i < durable->count; i++)
        err = publish(durable, &durable->publishers[i], durable->window, why);
    while (!err && meter_now_ns() < until_ns)
        err = durable_turn(durable, true, why);
    for (unsigned i = 0; i < durable->count; i++)
        sent += durable->publishers[i].sent;
    while (!err && acked_count(durable) < sent) {
        // A publisher with nothing in flight must not be waited for.
        err =
            durable->count == 1 || acked_count(durable) < sent ? durable_turn(durable, false, why) : RILL_OK;
    }
    return err;
}

static enum rill_err durable_measure(struct durable *durable, struct task *task, struct figure *ret,
                                     struct rill_error_text *why)
{
    enum rill_err err = durable_phase(durable, task->options->seconds / 4, why);
    if (err)
        return err;
    const uint64_t before = acked_count(durable);
    durable->us_count = 0;
    const struct meter start = meter_read(task->server.pid);
    err = durable_phase(durable, task->options->seconds, why);
    if (err)
        return err;
    const struct meter spent = meter_between(start, meter_read(task->server.pid));
    const double messages = (double)(acked_count(durable) - before);
    sample_sort(durable->us, durable->us_count);
    *ret = (struct figure){
        .value = task->row->percentile > 0
                     ? sample_percentile(durable->us, durable->us_count, task->row->percentile)
                     : messages * (double)RILL_NS_PER_S / (double)spent.wall_ns,
        .server_cpu_ns_per_message = (double)spent.server_cpu_ns / messages,
        .generator_cpu = (double)spent.own_cpu_ns / (double)spent.wall_ns,
    };
    return RILL_OK;
}

static enum rill_err durable_open(struct durable *durable, struct task *task, struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    for (; !err && durable->count < (task->row->publishers ? task->row->publishers : 1); durable->count++) {
        struct publisher *publisher = &durable->publishers[durable->count];
        char inbox[32];
        (void)snprintf(inbox, sizeof inbox, "_INBOX.%u", durable->count);
        publisher->sent_ns = rill_alloc_zero(durable->window, sizeof publisher->sent_ns[0]);
        err = link_open(&publisher->link, task->server.port, inbox, why);
        if (!err && durable->count == 0)
            err = link_make_stream(&publisher->link, inbox, why);
    }
    return err;
}

enum rill_err durable_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct durable durable = {.row = task->row, .window = task->row->window};
    durable.us = rill_alloc_zero(LATENCIES_MAX, sizeof durable.us[0]);
    durable.payload = rill_alloc_zero(task->row->payload_bytes + 1, 1);
    memset(durable.payload, 'x', task->row->payload_bytes);
    rill_buf_init(&durable.out, OUT_BYTES_MAX);
    enum rill_err err = durable_open(&durable, task, why);
    if (!err)
        err = durable_measure(&durable, task, ret, why);
    for (unsigned i = 0; i < durable.count; i++) {
        link_close(&durable.publishers[i].link);
        free(durable.publishers[i].sent_ns);
    }
    rill_buf_fini(&durable.out);
    free(durable.payload);
    free(durable.us);
    return err;
}
