// SPDX-License-Identifier: Apache-2.0
//
// A broker inside the program: nothing to install, nothing to start.
//
//     embedded [FOLDER]
//
// For a device at the edge that keeps its own readings, or for a test. Each run adds a reading to the stream; in a folder
// the stream stays, without one it ends with the program. Other programs of the machine may connect to the URL meanwhile.
#include <rill-broker.h>
#include <rill.h>

#include <stdio.h>
#include <string.h>

static void on_log(void *context, enum rill_broker_level level, const char *line)
{
    (void)context;
    if (level <= RILL_BROKER_WARN)
        (void)fprintf(stderr, "broker: %s\n", line);
}

static enum rill_err keep_a_reading(struct rill_js *js, struct rill_error *error)
{
    Rill__StreamConfig stream = RILL__STREAM_CONFIG__INIT;
    struct rill_stored stored;
    stream.name = "READINGS";
    stream.subjects = (char *[]){"readings.>"};
    stream.n_subjects = 1;
    enum rill_err err = rill_stream_create(js, &stream, NULL, error); // the same again is no error
    const struct rill_publish reading = {.subject = "readings.roof", .data = "21.5", .data_bytes = 4};
    if (!err)
        err = rill_js_publish(js, &reading, NULL, &stored, error); // it is on the disk when this is back
    if (!err)
        printf("reading %d is kept\n", (int)stored.seq);
    return err;
}

static enum rill_err use(const char *url, struct rill_error *error)
{
    struct rill_conn *conn = NULL;
    struct rill_js *js = NULL;
    enum rill_err err = rill_connect_why(&conn, url, NULL, error);
    if (!err && !(err = rill_js_open(conn, NULL, &js)))
        err = keep_a_reading(js, error);
    rill_js_destroy(js);
    rill_destroy(conn);
    return err;
}

int main(int argc, char **argv)
{
    struct rill_broker *broker;
    struct rill_broker_error why;
    struct rill_error error = {.text = "out of memory"};
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    options.store_folder = argc > 1 ? argv[1] : NULL;
    options.log = on_log;
    if (!rill_broker_start(&broker, &options, &why)) {
        (void)fprintf(stderr, "embedded: %s\n", why.text);
        return 1;
    }
    const enum rill_err err = use(rill_broker_url(broker), &error);
    if (err)
        (void)fprintf(stderr, "embedded: %s\n", error.text);
    rill_broker_stop(broker); // writes what is left
    return err ? 1 : 0;
}
