// SPDX-License-Identifier: Apache-2.0
//
// One thread writes whole blocks of messages, blocking; another one reads all subscribers. Time runs from the
// first write to the last byte at the last subscriber, or, when there is none, to the PONG for a PING behind
// the last message. A short first run that does not count warms up caches, buffers and congestion windows.
#include "row.h"

#include "meter.h"
#include "receiver.h"

struct flow {
    struct load load;
    struct receiver receiver;
    struct wire publisher;
    uint64_t blocks_sent; // on this connection, warm-up included
};

static enum rill_err flow_publish(struct flow *flow, int64_t until_ns, struct rill_error_text *why)
{
    do {
        const enum rill_err err = wire_send(&flow->publisher, rill_buf_bytes(&flow->load.pubs), why);
        if (err)
            return err;
        flow->blocks_sent++;
    } while (meter_now_ns() < until_ns);
    return RILL_OK;
}

static enum rill_err flow_deliver(struct flow *flow, int64_t until_ns, int64_t *ret_end_ns,
                                  struct rill_error_text *why)
{
    enum rill_err err = receiver_start(&flow->receiver, why);
    if (err)
        return err;
    struct rill_error_text receiver_why;
    err = flow_publish(flow, until_ns, why);
    const enum rill_err receiver_err =
        receiver_finish(&flow->receiver, flow->blocks_sent, ret_end_ns, &receiver_why);
    // A publisher that got stuck is most often what a broken subscriber leads to.
    if (receiver_err)
        *why = receiver_why;
    return receiver_err ? receiver_err : err;
}

static enum rill_err flow_phase(struct flow *flow, double seconds, int64_t *ret_end_ns,
                                struct rill_error_text *why)
{
    const int64_t until_ns = meter_now_ns() + (int64_t)(seconds * (double)RILL_NS_PER_S);
    if (flow->receiver.count)
        return flow_deliver(flow, until_ns, ret_end_ns, why);
    enum rill_err err = flow_publish(flow, until_ns, why);
    if (!err)
        err = wire_flush(&flow->publisher, why);
    if (!err)
        *ret_end_ns = meter_now_ns();
    return err;
}

static enum rill_err flow_measure(struct flow *flow, struct task *task, struct figure *ret,
                                  struct rill_error_text *why)
{
    int64_t end_ns = 0;
    enum rill_err err = flow_phase(flow, task->options->seconds / 4, &end_ns, why);
    if (err)
        return err;
    const uint64_t blocks_before = flow->blocks_sent;
    const struct meter start = meter_read(task->server.pid);
    err = flow_phase(flow, task->options->seconds, &end_ns, why);
    if (err)
        return err;
    const struct meter spent = meter_between(start, meter_read(task->server.pid));
    const unsigned copies = task->row->subscribers ? task->row->subscribers : 1;
    const double messages = (double)((flow->blocks_sent - blocks_before) * flow->load.messages * copies);
    *ret = (struct figure){
        .value = messages * (double)RILL_NS_PER_S / (double)(end_ns - start.wall_ns),
        .server_cpu_ns_per_message = (double)spent.server_cpu_ns / messages,
        .generator_cpu = (double)spent.own_cpu_ns / (double)spent.wall_ns,
    };
    return receiver_check_silence(&flow->receiver, why);
}

enum rill_err flow_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct flow flow = {.publisher.fd = -1};
    enum rill_err err = load_init(&flow.load, task->options->subjects, task->row->payload_bytes);
    if (err) {
        rill_error_text_set(why, "make the messages: %s", rill_err_text(err));
        load_fini(&flow.load);
        return err;
    }
    err = receiver_open(&flow.receiver, task->row->subscribers, &flow.load, task->server.port, why);
    if (!err)
        err = wire_join(&flow.publisher, task->server.port, why);
    if (!err)
        err = flow_measure(&flow, task, ret, why);
    wire_close(&flow.publisher);
    receiver_close(&flow.receiver);
    load_fini(&flow.load);
    return err;
}
