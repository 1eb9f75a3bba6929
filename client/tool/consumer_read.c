// SPDX-License-Identifier: Apache-2.0
#include "clock.h"
#include "consumer.h"
#include "message.h"

#include <inttypes.h>

enum { FETCH_MAX = 100, FETCH_WAIT_MS = 1000 };

/* What is said to the server about a message that was printed; `sync`: and wait until an acknowledgement is on disk, and all
   before it with it. */
static enum rill_err answer(const struct remote *remote, struct rill_msg *msg, bool sync)
{
    const struct call *call = remote->call;
    if (call_has(call, "no-ack"))
        return RILL_OK;
    if (call_has(call, "nak"))
        return rill_nak(remote->conn, msg, 0);
    if (call_has(call, "term"))
        return rill_term(remote->conn, msg, NULL);
    return sync ? rill_ack_sync(remote->conn, msg, remote->timeout_ms) : rill_ack(remote->conn, msg);
}

/* Acknowledged is only what has left this process. */
static enum tool_exit show_and_answer(const struct remote *remote, struct rill_msg *msg, uint64_t number,
                                      bool sync)
{
    message_print(remote->call, msg, number, call_has(remote->call, "raw"));
    if (fflush(stdout) != 0)
        return TOOL_FAILED; // main says it
    const enum rill_err err = answer(remote, msg, sync);
    // A consumer that wants no acknowledgements is no mistake.
    return err && err != RILL_ERR_INVALID ? call_error(remote->call, err, NULL, "acknowledge") : TOOL_DONE;
}

static enum tool_exit show_all(const struct remote *remote, struct rill_msg *const *msgs, size_t count,
                               uint64_t shown)
{
    enum tool_exit code = TOOL_DONE;
    for (size_t i = 0; i < count; i++) {
        if (!code)
            code = show_and_answer(remote, msgs[i], shown + i + 1, i + 1 == count);
        rill_msg_unref(msgs[i]);
    }
    return code;
}

static enum tool_exit next(struct remote *remote, const char *stream, const char *consumer)
{
    const struct call *call = remote->call;
    const uint64_t wanted = (uint64_t)call_number(call, "count", 1);
    enum tool_exit code = TOOL_DONE;
    uint64_t shown = 0;
    size_t count = 1;
    while (!code && count && shown < wanted && !interrupt_seen()) {
        struct rill_msg *msgs[FETCH_MAX];
        struct rill_error error = {0};
        const struct rill_fetch fetch = {.msgs_max = wanted - shown < FETCH_MAX ? wanted - shown : FETCH_MAX,
                                         .expires_ms = call_ms(call, "wait", FETCH_WAIT_MS)};
        const enum rill_err err = rill_fetch(remote->js, stream, consumer, &fetch, msgs, &count, &error);
        if (err)
            return call_error(call, err, &error, consumer);
        code = show_all(remote, msgs, count, shown);
        shown += count;
    }
    if (code || shown == wanted)
        return code;
    return shown ? call_fail(call, TOOL_NOTHING, "%" PRIu64 " of %" PRIu64 " messages were there", shown,
                             wanted)
                 : call_fail(call, TOOL_NOTHING, "there is no message for %s now", consumer);
}

static enum tool_exit check_answers(const struct call *call)
{
    if (call_has(call, "no-ack") + call_has(call, "nak") + call_has(call, "term") > 1)
        return call_usage(call, "--no-ack, --nak and --term exclude each other: give one of them");
    interrupt_catch();
    return TOOL_DONE;
}

enum tool_exit consumer_run_next(struct call *call)
{
    const enum tool_exit code = check_answers(call);
    return code ? code : consumer_with(call, next);
}

// ---- sub ----

static enum tool_exit show_until_end(const struct remote *remote, message_source *source, void *from)
{
    const struct call *call = remote->call;
    const uint64_t wanted = (uint64_t)call_number(call, "count", INT64_MAX);
    for (uint64_t shown = 0; shown < wanted && !interrupt_seen();) {
        struct rill_msg *msg = NULL;
        const enum rill_err err = message_wait(source, from, call_ms(call, "wait", -1), &msg);
        if (err == RILL_ERR_TIMEOUT)
            return TOOL_DONE;
        if (err)
            return call_error(call, err, NULL, call_text(call, "consumer"));
        const enum tool_exit code = show_and_answer(remote, msg, ++shown, false);
        rill_msg_unref(msg);
        if (code)
            return code;
    }
    return TOOL_DONE;
}

static enum rill_err next_of_pull(void *from, int64_t timeout_ms, struct rill_msg **ret)
{
    return rill_pull_next(from, timeout_ms, ret);
}

static enum tool_exit sub_pull(struct remote *remote, const char *stream, const char *consumer)
{
    const struct call *call = remote->call;
    const int64_t count = call_number(call, "count", FETCH_MAX);
    struct rill_pull_options options = RILL_PULL_OPTIONS;
    // Not more than will be shown: what is taken and not shown comes again only after the ack wait.
    options.prefetch_msgs = (uint32_t)(count > 0 && count < FETCH_MAX ? count : FETCH_MAX);
    struct rill_pull *pull = NULL;
    struct rill_error error = {0};
    const enum rill_err err = rill_pull_open(remote->js, stream, consumer, &options, &pull, &error);
    if (err)
        return call_error(call, err, &error, consumer);
    const enum tool_exit code = show_until_end(remote, next_of_pull, pull);
    rill_pull_close(pull);
    return code;
}

static enum tool_exit sub_push(struct remote *remote, const char *stream, const char *consumer)
{
    struct rill_sub *sub = NULL;
    struct rill_error error = {0};
    const enum rill_err err = rill_push_subscribe(remote->js, stream, consumer, NULL, NULL, &sub, &error);
    if (err)
        return call_error(remote->call, err, &error, consumer);
    const enum tool_exit code = show_until_end(remote, message_of_sub, sub);
    rill_unsubscribe(sub);
    return code;
}

static enum tool_exit sub(struct remote *remote, const char *stream, const char *consumer)
{
    struct rill_error error = {0};
    Rill__ConsumerInfo *info = NULL;
    const enum rill_err err = rill_consumer_info(remote->js, stream, consumer, &info, &error);
    if (err)
        return call_error(remote->call, err, &error, consumer);
    const bool pushes = info->config && info->config->deliver_subject && *info->config->deliver_subject;
    rill_model_free(&info->base);
    return pushes ? sub_push(remote, stream, consumer) : sub_pull(remote, stream, consumer);
}

enum tool_exit consumer_run_sub(struct call *call)
{
    const enum tool_exit code = check_answers(call);
    return code ? code : consumer_with(call, sub);
}
