// SPDX-License-Identifier: Apache-2.0
//
// A push consumer: the server sends the messages of a stream, from the first on, to a callback.
//
//     push-consumer [URL]
//
// The server sends ahead, at most max_ack_pending messages that were not acknowledged; who cannot follow should rather pull
// (durable-worker.c). Heartbeats and flow control are answered by the library.
#include <rill.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { READINGS = 5 };

/* What the callback and main share. */
struct log {
    pthread_mutex_t lock;
    pthread_cond_t complete;
    int count;
    enum rill_err err; // the first one
};

static void on_reading(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    struct log *log = context;
    (void)sub;
    printf("%s: %s\n", rill_msg_subject(msg), (const char *)rill_msg_data(msg));
    const enum rill_err err = rill_ack(conn, msg);
    (void)pthread_mutex_lock(&log->lock);
    log->err = log->err ? log->err : err;
    if (++log->count == READINGS || err)
        (void)pthread_cond_signal(&log->complete);
    (void)pthread_mutex_unlock(&log->lock);
}

static enum rill_err open_stream(struct rill_js *js, const char *inbox, struct rill_error *error)
{
    Rill__StreamConfig stream = RILL__STREAM_CONFIG__INIT;
    stream.name = "READINGS";
    stream.subjects = (char *[]){"readings.*"};
    stream.n_subjects = 1;
    stream.storage = RILL__STORAGE__STORAGE_MEMORY;
    const enum rill_err err = rill_stream_create(js, &stream, NULL, error);
    if (err)
        return err;
    Rill__ConsumerConfig consumer = RILL__CONSUMER_CONFIG__INIT;
    consumer.durable_name = "log";
    consumer.deliver_subject = (char *)inbox; // this makes it push
    consumer.ack_policy = RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    return rill_consumer_create(js, "READINGS", &consumer,
                                RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, NULL, error);
}

static enum rill_err publish_readings(struct rill_js *js, struct rill_error *error)
{
    enum rill_err err = RILL_OK;
    for (int i = 0; i < READINGS && !err; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%d degrees", 20 + i);
        const struct rill_publish reading = {
            .subject = i % 2 ? "readings.cellar" : "readings.roof", .data = text, .data_bytes = strlen(text)};
        err = rill_js_publish(js, &reading, NULL, NULL, error);
    }
    return err;
}

int main(int argc, char **argv)
{
    struct log log = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, RILL_OK};
    struct rill_conn *conn = NULL;
    struct rill_js *js = NULL;
    struct rill_sub *sub;
    struct rill_error error = {.text = "out of memory"};
    char inbox[RILL_INBOX_BYTES];
    enum rill_err err = rill_connect_why(&conn, argc > 1 ? argv[1] : "nats://127.0.0.1:4222", NULL, &error);
    if (!err && !(err = rill_js_open(conn, NULL, &js))) {
        rill_inbox(conn, inbox);
        if (!(err = open_stream(js, inbox, &error)) && !(err = publish_readings(js, &error)))
            err = rill_push_subscribe(js, "READINGS", "log", on_reading, &log, &sub, &error);
    }
    (void)pthread_mutex_lock(&log.lock);
    while (!err && !(err = log.err) && log.count < READINGS)
        (void)pthread_cond_wait(&log.complete, &log.lock);
    (void)pthread_mutex_unlock(&log.lock);
    if (err)
        (void)fprintf(stderr, "push-consumer: %s\n", log.err ? rill_error_string(err) : error.text);
    rill_js_destroy(js);
    rill_destroy(conn);
    return err ? 1 : 0;
}
