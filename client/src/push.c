// SPDX-License-Identifier: Apache-2.0
//
// Push consumers: a subscription to where they deliver. Flow control asks to be answered when what came before
// it was taken, so it goes through the queue; heartbeats end at the reader.
#include "js.h"

#include "base/alloc.h"
#include "error.h"
#include "proto/headers.h"

#include <stdlib.h>

static bool on_arrived(void *context, struct rill_msg *msg)
{
    struct rill_conn *conn = context;
    struct rill_bytes stalled;
    if (!msg->headers_bytes || rill_msg_status(msg) != 100 || msg->reply_bytes)
        return true;
    // A heartbeat; when the server waits for an answer to its flow control, this is where it wants it.
    if (rill_headers_find(msg_headers(msg), RILL_BYTES("Nats-Consumer-Stalled"), &stalled)) {
        char *subject = rill_alloc_cstr(stalled);
        (void)!rill_publish(conn, subject, NULL, 0); // the next heartbeat says it again
        free(subject);
    }
    rill_msg_unref(msg);
    return false;
}

static bool on_taken(void *context, struct rill_msg *msg)
{
    struct rill_conn *conn = context;
    if (!msg->headers_bytes || !msg->reply_bytes || rill_msg_status(msg) != 100)
        return true;
    (void)!rill_respond(conn, msg, NULL, 0);
    return false;
}

enum rill_err rill_push_subscribe(struct rill_js *js, const char *stream, const char *consumer,
                                  rill_msg_callback *callback, void *context, struct rill_sub **ret,
                                  struct rill_error *error)
{
    Rill__ConsumerInfo *info;
    enum rill_err err = rill_consumer_info(js, stream, consumer, &info, error);
    if (err)
        return err;
    const char *deliver = info->config->deliver_subject;
    const char *group = info->config->deliver_group;
    const struct rill_subscribe want = {.subject = deliver,
                                        .queue = group && group[0] ? group : NULL,
                                        .callback = callback,
                                        .context = context};
    const struct sub_hooks hooks = {.arrived = on_arrived, .taken = on_taken, .context = js->conn};
    if (!deliver || !deliver[0])
        err = error_set(error, RILL_ERR_UNSUPPORTED, "%s is a pull consumer", consumer);
    else if ((err = conn_subscribe(js->conn, &want, &hooks, ret)))
        (void)error_plain(error, err);
    rill_model_free(&info->base);
    return err;
}
