// SPDX-License-Identifier: Apache-2.0
//
// Consumers of a stream that was filled in front: pulled from in batches of a row's window, the next one asked for when half of
// one has come, or pushing; one or several, of all messages or of some, each acknowledged or not, as the row says. Every
// message is looked at: of each consumer their stream sequences must come one after the other.
#include "row.h"

#include "link.h"
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILL_WINDOW = 4000, OUT_BYTES_MAX = 64 << 20, CONSUMERS_MAX = 16, SUBJECTS = 100 };

struct pull {
    const struct row *row;
    struct link link;
    struct rill_buf out;
    uint64_t filled;
    uint64_t wanted;   // of each consumer
    uint64_t received; // of all
    unsigned consumers;
    unsigned answers_due; // to the making of those that push
    struct {
        uint64_t received;
        uint64_t asked;
        uint64_t sequence; // last one
    } each[CONSUMERS_MAX];
};

static unsigned subjects_of(const struct row *row)
{
    return row->subjects ? row->subjects : SUBJECTS;
}

static enum rill_err fill_some(struct pull *pull, const char *payload, uint64_t count,
                               struct rill_error_text *why)
{
    struct link_message ack;
    pull->out.len = 0;
    enum rill_err err = RILL_OK;
    for (uint64_t i = 0; !err && i < count; i++)
        err = rill_buf_appendf(&pull->out, "PUB bench.s%u _ANSWER.0 %u\r\n%s\r\n",
                               (unsigned)((pull->filled + i) % subjects_of(pull->row)),
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

static enum rill_err make_consumer(struct pull *pull, unsigned number, struct rill_error_text *why)
{
    const struct row *row = pull->row;
    char config[512];
    char subject[64];
    (void)snprintf(config, sizeof config,
                   "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"%u\",\"ack_policy\":\"%s\","
                   "\"deliver_policy\":\"%s\"%s%s%s}}",
                   number, row->acknowledged ? "explicit" : "none",
                   row->last_of_each ? "last_per_subject" : "all",
                   row->acknowledged ? ",\"max_ack_pending\":10000" : "",
                   row->pushed ? ",\"deliver_subject\":\"_INBOX.0\"" : "",
                   row->filtered       ? ",\"filter_subject\":\"bench.s0\""
                   : row->last_of_each ? ",\"filter_subject\":\"bench.>\""
                                       : "");
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DURABLE.CREATE.BENCH.%u", number);
    if (!row->pushed)
        return link_request(&pull->link, subject, "_ANSWER.0", config, why);
    // Its first messages may come before the answer, which is looked at when it comes.
    char line[1024];
    const int len =
        snprintf(line, sizeof line, "PUB %s _ANSWER.0 %zu\r\n%s\r\n", subject, strlen(config), config);
    pull->answers_due++;
    return wire_send(&pull->link.wire, rill_bytes_of(line, (size_t)len), why);
}

static enum rill_err pull_open(struct pull *pull, struct task *task, struct rill_error_text *why)
{
    const struct row *row = task->row;
    const uint64_t times = row->fill_times ? row->fill_times : 1;
    enum rill_err err = link_open(&pull->link, task->server.port, "_INBOX.0", why);
    if (!err)
        err = wire_send(&pull->link.wire, RILL_BYTES("SUB _ANSWER.0 2\r\n"), why);
    if (!err)
        err = link_make_stream(&pull->link, "_ANSWER.0", why);
    if (!err)
        err = fill(pull, task->options->pulled * times, why);
    pull->consumers = row->consumers ? row->consumers : 1;
    pull->wanted = pull->filled;
    if (row->filtered)
        pull->wanted = (pull->filled + subjects_of(row) - 1) / subjects_of(row);
    else if (row->last_of_each && pull->filled > subjects_of(row))
        pull->wanted = subjects_of(row);
    return err;
}

static enum rill_err make_consumers(struct pull *pull, struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    for (unsigned i = 0; !err && i < pull->consumers; i++)
        err = make_consumer(pull, i, why);
    return err;
}

/* What one batch's requests and acknowledgements are collected in is sent at once. */
static enum rill_err ask(struct pull *pull, unsigned number)
{
    char body[64];
    const int len = snprintf(body, sizeof body, "{\"batch\":%u,\"expires\":5000000000}", pull->row->window);
    pull->each[number].asked += pull->row->window;
    return rill_buf_appendf(&pull->out, "PUB $JS.API.CONSUMER.MSG.NEXT.BENCH.%u _INBOX.0 %d\r\n%s\r\n",
                            number, len, body);
}

static bool is_next(const struct pull *pull, unsigned number, uint64_t sequence)
{
    const uint64_t last = pull->each[number].sequence;
    return pull->row->filtered || pull->row->last_of_each ? sequence > last : sequence == last + 1;
}

static enum rill_err take_one(struct pull *pull, const struct link_message *message,
                              struct rill_error_text *why)
{
    const unsigned number = (unsigned)link_number_at(message->reply, 3) % CONSUMERS_MAX;
    const uint64_t sequence = link_number_at(message->reply, 5);
    if (rill_bytes_equal(message->subject, RILL_BYTES("_ANSWER.0")) &&
        !memmem(message->payload.data, message->payload.len, "\"error\"", 7)) {
        pull->answers_due--;
        return RILL_OK;
    }
    if (!is_next(pull, number, sequence)) {
        rill_error_text_set(why, "not the next message: '" RILL_PRI "' " RILL_PRI, RILL_ARG(message->reply),
                            RILL_ARG(message->headers));
        return RILL_ERR_INVALID;
    }
    pull->received++;
    pull->each[number].received++;
    pull->each[number].sequence = sequence;
    return pull->row->acknowledged
               ? rill_buf_appendf(&pull->out, "PUB " RILL_PRI " 4\r\n+ACK\r\n", RILL_ARG(message->reply))
               : RILL_OK;
}

static enum rill_err ask_more(struct pull *pull)
{
    enum rill_err err = RILL_OK;
    for (unsigned i = 0; !pull->row->pushed && !err && i < pull->consumers; i++) {
        while (!err && pull->each[i].asked - pull->each[i].received <= pull->row->window / 2 &&
               pull->each[i].asked < pull->wanted)
            err = ask(pull, i);
    }
    return err;
}

static enum rill_err pull_turn(struct pull *pull, struct rill_error_text *why)
{
    struct link_message message;
    enum rill_err err = RILL_OK;
    while (!err && !(err = link_take(&pull->link, &message, why)))
        err = take_one(pull, &message, why);
    if (err == RILL_ERR_NOT_FOUND)
        err = RILL_OK;
    if (!err)
        err = ask_more(pull);
    if (!err && pull->out.len)
        err = wire_send(&pull->link.wire, rill_buf_bytes(&pull->out), why);
    pull->out.len = 0;
    return err;
}

static enum rill_err consume(struct pull *pull, uint64_t count, struct rill_error_text *why)
{
    enum rill_err err = pull_turn(pull, why);
    while (!err && (pull->received < count || (pull->answers_due && !pull->row->first_only))) {
        err = link_receive(&pull->link, why);
        if (!err)
            err = pull_turn(pull, why);
    }
    // Where more messages are on their way nothing else is to come.
    return err || pull->row->first_only ? err : wire_flush(&pull->link.wire, why);
}

static struct figure figure_of(const struct pull *pull, const struct meter *spent)
{
    const double messages = (double)pull->received;
    const double rate = messages * (double)RILL_NS_PER_S / (double)spent->wall_ns;
    return (struct figure){
        .value = pull->row->first_only ? (double)spent->wall_ns / (double)RILL_NS_PER_MS : rate,
        .server_cpu_ns_per_message = (double)spent->server_cpu_ns / messages,
        .generator_cpu = (double)spent->own_cpu_ns / (double)spent->wall_ns,
    };
}

enum rill_err pull_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct pull pull = {.row = task->row};
    rill_buf_init(&pull.out, OUT_BYTES_MAX);
    enum rill_err err = pull_open(&pull, task, why);
    // Making a consumer is a part of what is measured where it begins to deliver, or to look, by being made.
    const bool from_making = task->row->pushed || task->row->first_only;
    if (!err && !from_making)
        err = make_consumers(&pull, why);
    const struct meter start = meter_read(task->server.pid);
    pull.out.len = 0;
    if (!err && from_making)
        err = make_consumers(&pull, why);
    if (!err)
        err = consume(&pull, task->row->first_only ? 1 : pull.wanted * pull.consumers, why);
    const struct meter spent = meter_between(start, meter_read(task->server.pid));
    if (!err)
        *ret = figure_of(&pull, &spent);
    link_close(&pull.link);
    rill_buf_fini(&pull.out);
    return err;
}
