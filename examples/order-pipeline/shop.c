// SPDX-License-Identifier: Apache-2.0
#include "shop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACK_WAIT_NS INT64_C(1000000000)

enum {
    PUBLISH_TIMEOUT_MS = 1000,
    DELIVERIES_MAX = 20,
    TRIES_MAX = 250,
    REST_NS = 20000000,
    FILTER_BYTES = 32
};

const struct shop_consumer shop_inventory = {"inventory", 2, {SHOP__KIND__PLACED, SHOP__KIND__PAID}};
const struct shop_consumer shop_payment = {"payment", 1, {SHOP__KIND__RESERVED}};
const struct shop_consumer shop_notifier = {"notifier", 2, {SHOP__KIND__SHIPPED, SHOP__KIND__REJECTED}};

void shop_rest(void)
{
    const struct timespec moment = {0, REST_NS};
    nanosleep(&moment, NULL);
}

// ---- connecting ----

bool shop_connect(struct rill_conn **ret_conn, struct rill_js **ret_js, const char *url, const char *name)
{
    struct rill_error error;
    struct rill_options options = RILL_OPTIONS;
    const struct rill_js_options js_options = {.struct_bytes = sizeof js_options,
                                               .timeout_ms = PUBLISH_TIMEOUT_MS};
    options.name = name;
    options.retry_first = true; // whoever is started while the broker is away waits for it
    options.reconnect_wait_ms = 10;
    options.reconnect_wait_max_ms = 100;
    options.reconnect_jitter_ms = 10;
    if (rill_connect_why(ret_conn, url, &options, &error)) {
        fprintf(stderr, "%s: %s\n", name, error.text);
        return false;
    }
    const enum rill_err err = rill_js_open(*ret_conn, &js_options, ret_js);
    if (err)
        fprintf(stderr, "%s: %s\n", name, rill_error_string(err));
    return !err;
}

void shop_disconnect(struct rill_conn *conn, struct rill_js *js)
{
    rill_js_destroy(js);
    rill_destroy(conn);
}

// ---- streams and consumers ----

/* A broker that has just started may be reading its streams, and one that was killed comes back. */
static bool goes_on(enum rill_err err, int *tries, const char *what, const struct rill_error *error)
{
    const bool passing = err == RILL_ERR_AGAIN || err == RILL_ERR_TIMEOUT || err == RILL_ERR_DISCONNECTED ||
                         err == RILL_ERR_NO_RESPONDERS;
    if (passing && ++*tries < TRIES_MAX) {
        shop_rest();
        return true;
    }
    if (err)
        fprintf(stderr, "%s: %s\n", what, error->text);
    return false;
}

static bool open_stream(struct rill_js *js, const char *name, const char *subject)
{
    Rill__StreamConfig stream = RILL__STREAM_CONFIG__INIT;
    struct rill_error error;
    enum rill_err err;
    int tries = 0;
    stream.name = (char *)name;
    stream.subjects = (char *[]){(char *)subject};
    stream.n_subjects = 1;
    do
        err = rill_stream_create(js, &stream, NULL, &error);
    while (goes_on(err, &tries, name, &error));
    return !err;
}

bool shop_open_streams(struct rill_js *js)
{
    return open_stream(js, SHOP_STREAM, "orders.>") && open_stream(js, SHOP_DEAD_STREAM, SHOP_DEAD_SUBJECT);
}

bool shop_open_consumer(struct rill_js *js, const struct shop_consumer *consumer)
{
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    Rill__ConsumerConfig__MetadataEntry in_order = RILL__CONSUMER_CONFIG__METADATA_ENTRY__INIT;
    Rill__ConsumerConfig__MetadataEntry given_up = RILL__CONSUMER_CONFIG__METADATA_ENTRY__INIT;
    char subjects[SHOP_KINDS_MAX][FILTER_BYTES];
    char *filters[SHOP_KINDS_MAX];
    struct rill_error error;
    enum rill_err err;
    int tries = 0;
    for (size_t i = 0; i < consumer->kind_count; i++) {
        filters[i] = subjects[i];
        snprintf(subjects[i], FILTER_BYTES, "orders.%s.>", event_kind_name(consumer->kinds[i]));
    }
    config.filter_subjects = filters;
    config.n_filter_subjects = consumer->kind_count;
    in_order.key = "rill.max_ack_pending_per_subject";
    in_order.value = "1";
    given_up.key = "rill.dead_letter_subject";
    given_up.value = SHOP_DEAD_SUBJECT;
    config.durable_name = (char *)consumer->name;
    config.ack_policy = RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    config.has_ack_wait = true;
    config.ack_wait = ACK_WAIT_NS;
    config.has_max_deliver = true;
    config.max_deliver = DELIVERIES_MAX;
    config.metadata = (Rill__ConsumerConfig__MetadataEntry *[]){&in_order, &given_up};
    config.n_metadata = 2;
    do
        err = rill_consumer_create(js, SHOP_STREAM, &config,
                                   RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, NULL, &error);
    while (goes_on(err, &tries, consumer->name, &error));
    return !err;
}

// ---- publishing ----

static void on_stored(struct rill_js *js, const struct rill_stored *stored, const struct rill_error *error,
                      void *context)
{
    struct shop_sent *sent = context;
    (void)js;
    *sent = (struct shop_sent){.err = error->err};
    if (!error->err) {
        sent->seq = stored->seq;
        sent->duplicate = stored->duplicate;
    }
}

void shop_publish(struct rill_js *js, const Shop__Event *event, struct shop_sent *sent)
{
    char subject[EVENT_SUBJECT_BYTES], id[EVENT_ID_BYTES];
    size_t bytes = 0;
    uint8_t *data = event_pack(event, &bytes);
    event_subject(event, subject);
    event_id(event, id);
    const struct rill_publish publish = {.subject = subject, .data = data, .data_bytes = bytes};
    const struct rill_expect once = {.msg_id = id};
    *sent = (struct shop_sent){.pending = true};
    const enum rill_err err =
        data ? rill_js_publish_async(js, &publish, &once, on_stored, sent) : RILL_ERR_NO_MEMORY;
    if (err) // then the callback does not come
        *sent = (struct shop_sent){.err = err};
    free(data);
}

void shop_wait(struct rill_js *js)
{
    while (rill_js_wait(js, RILL_TIMEOUT_DEFAULT, NULL) == RILL_ERR_TIMEOUT)
        ;
}

// ---- the end ----

static bool last_seq(struct rill_js *js, uint64_t *ret_seq)
{
    Rill__StreamInfo *info;
    if (rill_stream_info(js, SHOP_STREAM, NULL, &info, NULL))
        return false;
    *ret_seq = info->state->last_seq;
    rill_model_free(&info->base);
    return true;
}

static bool is_through(struct rill_js *js, const char *consumer)
{
    Rill__ConsumerInfo *info;
    if (rill_consumer_info(js, SHOP_STREAM, consumer, &info, NULL))
        return false;
    const bool through = !info->num_pending && !info->num_ack_pending;
    rill_model_free(&info->base);
    return through;
}

/* Each worker publishes before it acknowledges. So when nothing was published while we looked, and nobody had anything left
 * when we looked, it is the end. */
bool shop_is_settled(struct rill_js *js)
{
    uint64_t before, after;
    return last_seq(js, &before) && is_through(js, shop_inventory.name) &&
           is_through(js, shop_payment.name) && is_through(js, shop_notifier.name) && last_seq(js, &after) &&
           before == after;
}
