// SPDX-License-Identifier: Apache-2.0
//
// What a consumer costs that nobody uses: durable ones of one stream that holds a message for each of some subjects, made
// and left alone. The message blocks of the stream are in memory before the first is made.
#include "row.h"

#include "link.h"

#include <stdio.h>

enum { SUBJECTS = 1000, WINDOW = 100, OUT_BYTES_MAX = 1 << 20 };

struct idle {
    const struct row *row;
    struct link link;
    struct rill_buf out;
};

static enum rill_err add_message(struct idle *idle, unsigned number)
{
    return rill_buf_appendf(&idle->out, "PUB bench.s%u _ANSWER 0\r\n\r\n", number);
}

static enum rill_err add_consumer(struct idle *idle, unsigned number)
{
    char filter[64] = "";
    char body[256];
    if (idle->row->filtered)
        (void)snprintf(filter, sizeof filter, ",\"filter_subject\":\"bench.s%u\"", number % SUBJECTS);
    const int len = snprintf(body, sizeof body,
                             "{\"stream_name\":\"BENCH\",\"config\":{\"durable_name\":\"worker-%u\","
                             "\"ack_policy\":\"explicit\"%s}}",
                             number, filter);
    return rill_buf_appendf(&idle->out,
                            "PUB $JS.API.CONSUMER.DURABLE.CREATE.BENCH.worker-%u _ANSWER %d\r\n%s\r\n",
                            number, len, body);
}

static enum rill_err take_answer(struct idle *idle, struct rill_error_text *why)
{
    struct link_message answer;
    const enum rill_err err = link_next(&idle->link, &answer, why);
    if (err || !memmem(answer.payload.data, answer.payload.len, "\"error\"", 7))
        return err;
    rill_error_text_set(why, "it is answered: " RILL_PRI, RILL_ARG(answer.payload));
    return RILL_ERR_INVALID;
}

/* `count` requests, some at a time. */
static enum rill_err ask(struct idle *idle, unsigned count,
                         enum rill_err (*add)(struct idle *idle, unsigned number),
                         struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    for (unsigned done = 0; !err && done < count;) {
        unsigned sent = done;
        idle->out.len = 0;
        for (; !err && sent < count && sent - done < WINDOW; sent++)
            err = add(idle, sent);
        if (!err)
            err = wire_send(&idle->link.wire, rill_buf_bytes(&idle->out), why);
        for (; !err && done < sent; done++)
            err = take_answer(idle, why);
    }
    return err;
}

enum rill_err idle_consumers_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct idle idle = {.row = task->row};
    const unsigned wanted = task->options->consumers;
    rill_buf_init(&idle.out, OUT_BYTES_MAX);
    enum rill_err err = link_open(&idle.link, task->server.port, "_ANSWER", why);
    if (!err)
        err = link_make_stream(&idle.link, "_ANSWER", why);
    if (!err)
        err = ask(&idle, SUBJECTS, add_message, why);
    const uint64_t before = err ? 0 : server_settled_memory_bytes(&task->server);
    if (!err)
        err = ask(&idle, wanted, add_consumer, why);
    const uint64_t after = err ? 0 : server_settled_memory_bytes(&task->server);
    if (!err)
        *ret = (struct figure){.value = ((double)after - (double)before) / 1024 / wanted};
    link_close(&idle.link);
    rill_buf_fini(&idle.out);
    return err;
}
