// SPDX-License-Identifier: Apache-2.0
//
// A durable worker: takes jobs off a stream, one at a time, and says of each whether it is done.
//
//     durable-worker [URL]
//
// The consumer `worker` remembers what was acknowledged, so this program may be killed and started again, or run several
// times at once. A job that was delivered and not acknowledged comes again: here the second one fails at first. To have
// something to do it puts three jobs into the stream itself and ends when they are done.
#include <rill.h>

#include <stdio.h>
#include <string.h>

enum { JOBS = 3, RETRY_MS = 100 };

static enum rill_err open_stream(struct rill_js *js, struct rill_error *error)
{
    Rill__StreamConfig stream = RILL__STREAM_CONFIG__INIT;
    stream.name = "JOBS";
    stream.subjects = (char *[]){"jobs.>"};
    stream.n_subjects = 1;
    stream.retention = RILL__RETENTION__RETENTION_WORKQUEUE; // what is done goes
    const enum rill_err err = rill_stream_create(js, &stream, NULL, error);
    if (err)
        return err;
    Rill__ConsumerConfig worker = RILL__CONSUMER_CONFIG__INIT;
    worker.durable_name = "worker";
    worker.ack_policy = RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    return rill_consumer_create(js, "JOBS", &worker, RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE,
                                NULL, error);
}

static enum rill_err put_jobs(struct rill_js *js, struct rill_error *error)
{
    enum rill_err err = RILL_OK;
    for (int i = 1; i <= JOBS && !err; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "job %d", i);
        const struct rill_publish job = {.subject = "jobs.new", .data = text, .data_bytes = strlen(text)};
        const struct rill_expect once = {.msg_id = text}; // published twice, it is stored once
        err = rill_js_publish(js, &job, &once, NULL, error);
    }
    return err;
}

/* True when the job is done. */
static bool work_on(const struct rill_msg *msg, const struct rill_msg_meta *meta)
{
    const bool done = meta->stream_seq != 2 || meta->delivered > 1;
    printf("%s, delivery %d: %s\n", (const char *)rill_msg_data(msg), (int)meta->delivered,
           done ? "done" : "failed");
    return done;
}

static enum rill_err work(struct rill_conn *conn, struct rill_js *js, struct rill_error *error)
{
    struct rill_pull *pull;
    enum rill_err err = rill_pull_open(js, "JOBS", "worker", NULL, &pull, error);
    for (int done = 0; !err && done < JOBS;) {
        struct rill_msg *msg;
        struct rill_msg_meta meta;
        if ((err = rill_pull_next(pull, RILL_TIMEOUT_DEFAULT, &msg)))
            break;
        if (!(err = rill_msg_meta(msg, &meta))) {
            const bool good = work_on(msg, &meta);
            err = good ? rill_ack_sync(conn, msg, RILL_TIMEOUT_DEFAULT) : rill_nak(conn, msg, RETRY_MS);
            done += good;
        }
        rill_msg_unref(msg);
    }
    if (err && !error->err) // only what a server refuses has words of its own
        (void)snprintf(error->text, sizeof error->text, "work: %s", rill_error_string(err));
    rill_pull_close(pull);
    return err;
}

int main(int argc, char **argv)
{
    struct rill_conn *conn = NULL;
    struct rill_js *js = NULL;
    struct rill_error error = {.text = "out of memory"};
    enum rill_err err = rill_connect_why(&conn, argc > 1 ? argv[1] : "nats://127.0.0.1:4222", NULL, &error);
    if (!err && !(err = rill_js_open(conn, NULL, &js)) && !(err = open_stream(js, &error)) &&
        !(err = put_jobs(js, &error)))
        err = work(conn, js, &error);
    if (err)
        (void)fprintf(stderr, "durable-worker: %s\n", error.text);
    rill_js_destroy(js);
    rill_destroy(conn);
    return err ? 1 : 0;
}
