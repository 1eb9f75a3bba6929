// SPDX-License-Identifier: Apache-2.0
//
// Reading a stream in order. The happy path is a continuous pull on an ephemeral consumer in memory. Its
// messages carry the consumer's own sequence; when one is missed, or the consumer is gone, or the link broke, the
// consumer is made anew behind the last message that was shown. So a reader sees each message once and in
// order, whatever happens underneath.
#include "pull.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "error.h"
#include "proto/message.h"

#include <stdio.h>
#include <stdlib.h>

#define INACTIVE_NS (300 * RILL_NS_PER_S) // the server forgets a reader that is gone so long

enum { EXPIRES_MS = 20000, HEARTBEAT_MS = 2500 };

struct rill_ordered {
    struct rill_js *js;
    char *stream;
    Rill__ConsumerConfig *config; // what the user asked for
    char consumer[RILL_INBOX_BYTES];
    struct rill_pull *pull; // NULL: to be made anew
    uint64_t stream_seq;    // of the last message shown; 0 before the first
    uint64_t consumer_seq;  // the next message must have the one behind it
    uint64_t pending;
};

/* What is asked of the server: the user's wishes, from where we are. The strings stay the user's. */
static Rill__ConsumerConfig config_now(const struct rill_ordered *ordered)
{
    Rill__ConsumerConfig config = *ordered->config;
    config.name = (char *)ordered->consumer;
    config.durable_name = NULL;
    config.ack_policy = RILL__ACK_POLICY__ACK_POLICY_NONE;
    config.has_inactive_threshold = true;
    config.inactive_threshold = INACTIVE_NS;
    config.has_mem_storage = config.mem_storage = true;
    config.num_replicas = 1;
    if (ordered->stream_seq) {
        config.deliver_policy = RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE;
        config.has_opt_start_seq = true;
        config.opt_start_seq = ordered->stream_seq + 1;
        config.opt_start_time = NULL;
    }
    return config;
}

static enum rill_err begin(struct rill_ordered *ordered, struct rill_error *error)
{
    Rill__ConsumerInfo *info;
    js_random_name(ordered->js, ordered->consumer);
    const Rill__ConsumerConfig config = config_now(ordered);
    enum rill_err err =
        rill_consumer_create(ordered->js, ordered->stream, &config,
                             RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, &info, error);
    if (err)
        return err;
    ordered->pending = info->num_pending + info->delivered->consumer_seq;
    ordered->consumer_seq = 0;
    rill_model_free(&info->base);
    const struct rill_pull_options options = {
        .struct_bytes = sizeof options, .expires_ms = EXPIRES_MS, .heartbeat_ms = HEARTBEAT_MS};
    err = pull_open(ordered->js, ordered->stream, ordered->consumer, &options, true, &ordered->pull);
    return err ? error_plain(error, err) : RILL_OK;
}

static void drop_pull(struct rill_ordered *ordered)
{
    rill_pull_close(ordered->pull);
    ordered->pull = NULL;
}

enum rill_err rill_ordered_open(struct rill_js *js, const char *stream, const Rill__ConsumerConfig *config,
                                struct rill_ordered **ret, struct rill_error *error)
{
    struct rill_ordered *ordered = rill_alloc_zero(1, sizeof *ordered);
    Rill__ConsumerConfig everything = RILL__CONSUMER_CONFIG__INIT;
    ordered->js = js;
    ordered->stream = rill_alloc_cstr(rill_bytes_from_cstr(stream));
    ordered->config = (Rill__ConsumerConfig *)rill_message_copy(config ? &config->base : &everything.base);
    const enum rill_err err = begin(ordered, error);
    if (err)
        rill_ordered_close(ordered);
    else
        *ret = ordered;
    return err;
}

/* Is this the one that follows? Then it is the last one shown. A consumer that was set back shows what was shown. */
static bool follows(struct rill_ordered *ordered, const struct rill_msg *msg)
{
    struct rill_msg_meta meta;
    if (rill_msg_meta(msg, &meta) || meta.consumer_seq != ordered->consumer_seq + 1 ||
        meta.stream_seq <= ordered->stream_seq)
        return false;
    ordered->consumer_seq = meta.consumer_seq;
    ordered->stream_seq = meta.stream_seq;
    return true;
}

/* These are over by themselves when there is a server again. */
static bool passes(enum rill_err err)
{
    return err == RILL_ERR_TIMEOUT || err == RILL_ERR_DISCONNECTED || err == RILL_ERR_NO_RESPONDERS ||
           err == RILL_ERR_AGAIN;
}

/* One try until the deadline: AGAIN when it has to be begun anew. */
static enum rill_err try_next(struct rill_ordered *ordered, int64_t deadline_ns, struct rill_msg **ret)
{
    struct rill_msg *msg = NULL;
    enum rill_err err = ordered->pull ? RILL_OK : begin(ordered, NULL);
    if (err)
        return passes(err) ? RILL_ERR_AGAIN : err;
    const int64_t left_ms = (deadline_ns - wait_now_ns()) / RILL_NS_PER_MS;
    err = rill_pull_next(ordered->pull, left_ms > 0 ? left_ms : 0, &msg);
    if (err == RILL_ERR_TIMEOUT || err == RILL_ERR_CLOSED)
        return err;
    if (!err && follows(ordered, msg)) {
        *ret = msg;
        return RILL_OK;
    }
    rill_msg_unref(msg);
    drop_pull(ordered);
    return RILL_ERR_AGAIN;
}

enum rill_err rill_ordered_next(struct rill_ordered *ordered, int64_t timeout_ms, struct rill_msg **ret)
{
    const int64_t deadline_ns = wait_deadline_ns(timeout_ms, ordered->js->timeout_ms);
    enum rill_err err;
    do
        err = try_next(ordered, deadline_ns, ret);
    while (err == RILL_ERR_AGAIN && wait_now_ns() < deadline_ns);
    return err == RILL_ERR_AGAIN ? RILL_ERR_TIMEOUT : err;
}

uint64_t rill_ordered_pending(const struct rill_ordered *ordered)
{
    return ordered->pending;
}

/* The consumer is taken back when that is quick; else the server forgets it by itself. */
void rill_ordered_close(struct rill_ordered *ordered)
{
    if (!ordered)
        return;
    const bool made = ordered->pull != NULL;
    drop_pull(ordered);
    if (made && rill_conn_state(ordered->js->conn) == RILL_STATE_CONNECTED)
        (void)!rill_consumer_delete(ordered->js, ordered->stream, ordered->consumer, NULL);
    rill_message_free(&ordered->config->base);
    free(ordered->stream);
    free(ordered);
}
