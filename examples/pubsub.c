// SPDX-License-Identifier: Apache-2.0
//
// Publish and subscribe: two subscribers with wildcards, three messages.
//
//     pubsub [URL]
//
// `*` stands for one token of a subject, `>` for all that follow. A message goes to everybody whose pattern matches, and
// to nobody later: who was not there has missed it.
#include <rill.h>

#include <stdio.h>
#include <string.h>

static int fail(const char *what, enum rill_err err)
{
    (void)fprintf(stderr, "pubsub: %s: %s\n", what, rill_error_string(err));
    return 1;
}

static void on_price(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)conn;
    (void)context;
    printf("%s heard %s: %s\n", rill_sub_subject(sub), rill_msg_subject(msg),
           (const char *)rill_msg_data(msg));
}

static enum rill_err publish_prices(struct rill_conn *conn)
{
    static const struct {
        const char *subject, *price;
    } prices[] = {{"prices.apples.eur", "2.40"}, {"prices.apples.usd", "2.70"}, {"prices.pears.eur", "3.10"}};
    enum rill_err err = RILL_OK;
    for (size_t i = 0; i < sizeof prices / sizeof prices[0] && !err; i++)
        err = rill_publish(conn, prices[i].subject, prices[i].price, strlen(prices[i].price));
    return err;
}

int main(int argc, char **argv)
{
    struct rill_conn *conn;
    struct rill_sub *euros, *apples;
    struct rill_error error;
    const char *url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    if (rill_connect_why(&conn, url, NULL, &error)) {
        (void)fprintf(stderr, "pubsub: %s\n", error.text);
        return 1;
    }
    int status = 0;
    enum rill_err err = rill_subscribe_callback(conn, "prices.*.eur", on_price, NULL, &euros);
    if (!err)
        err = rill_subscribe_callback(conn, "prices.apples.>", on_price, NULL, &apples);
    if (err)
        status = fail("subscribe", err);
    else if ((err = publish_prices(conn)))
        status = fail("publish", err);
    // Ends in order: the callbacks get what is on its way.
    if (!status && (err = rill_drain(conn, RILL_TIMEOUT_DEFAULT)))
        status = fail("drain", err);
    rill_destroy(conn);
    return status;
}
