// SPDX-License-Identifier: Apache-2.0
//
// intake: publishes every order of a CSV file, and writes a receipt for each that the broker has acknowledged, that is, holds
// on disk.
//
//     intake URL ORDERS.csv RECEIPTS.csv [ORDERS_PER_SECOND]
//
// The happy path: of the orders that wait the first ones go out together, at most one of each customer; each acknowledgement
// becomes a line "order_id,stream_sequence,stored|duplicate,at_ms". The failure modes: the connection breaks (then what was
// sent and not acknowledged may or may not be stored), or an acknowledgement is an error or does not come. The policy:
// what is not acknowledged goes on waiting, and the customer's later orders behind it. The event's id travels as
// Nats-Msg-Id, so one that the broker has already is acknowledged once more, as a duplicate, and not stored twice.
#include "shop.h"
#include "wall_clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64, LINE_MAX_BYTES = 128 };

struct intake {
    struct order_book book;
    struct rill_js *js;
    bool *done;         // by place in the book
    size_t first;       // that is not done
    int64_t per_second; // how many orders come in; 0: all are there at once
    int64_t started_ms;
    int receipts; // descriptor
};

static void write_receipt(const struct intake *intake, const struct order *order,
                          const struct shop_sent *sent)
{
    char line[LINE_MAX_BYTES];
    const int len = snprintf(line, sizeof line, "%s,%llu,%s,%lld\n", order->id, (unsigned long long)sent->seq,
                             sent->duplicate ? "duplicate" : "stored", (long long)wall_clock_ms());
    if (len >= (int)sizeof line || write(intake->receipts, line, (size_t)len) != len)
        fprintf(stderr, "intake: no receipt for order %s\n", order->id);
}

/* How many have come in by now. */
static size_t count_here(const struct intake *intake)
{
    const int64_t count = (wall_clock_ms() - intake->started_ms) * intake->per_second / 1000;
    return !intake->per_second || (size_t)count > intake->book.count ? intake->book.count : (size_t)count;
}

static bool has_order_of(const struct intake *intake, const size_t *batch, size_t count, const char *customer)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(intake->book.orders[batch[i]].customer, customer) == 0)
            return true;
    return false;
}

static size_t choose_batch(const struct intake *intake, size_t ret_batch[BATCH])
{
    const size_t here = count_here(intake);
    size_t count = 0;
    for (size_t i = intake->first; i < here && count < BATCH; i++)
        if (!intake->done[i] && !has_order_of(intake, ret_batch, count, intake->book.orders[i].customer))
            ret_batch[count++] = i;
    return count;
}

static void publish(struct intake *intake, const struct order *order, struct shop_sent *sent)
{
    Shop__Event event = SHOP__EVENT__INIT;
    Shop__Order placed = event_order(order);
    event.kind = SHOP__KIND__PLACED;
    event.order = &placed;
    event.by = "intake";
    event.at_ms = wall_clock_ms();
    shop_publish(intake->js, &event, sent);
}

/* True when all of it went well. */
static bool publish_batch(struct intake *intake, const size_t *batch, size_t count)
{
    struct shop_sent sent[BATCH];
    bool well = true;
    for (size_t i = 0; i < count; i++)
        publish(intake, &intake->book.orders[batch[i]], &sent[i]);
    shop_wait(intake->js);
    for (size_t i = 0; i < count; i++) {
        well = well && !sent[i].err;
        if (sent[i].err)
            continue;
        write_receipt(intake, &intake->book.orders[batch[i]], &sent[i]);
        intake->done[batch[i]] = true;
    }
    return well;
}

static void intake_run(struct intake *intake)
{
    size_t batch[BATCH];
    while (intake->first < intake->book.count) {
        const size_t count = choose_batch(intake, batch);
        if (!count || !publish_batch(intake, batch, count))
            shop_rest();
        while (intake->first < intake->book.count && intake->done[intake->first])
            intake->first++;
    }
}

int main(int argc, char **argv)
{
    struct intake intake = {.per_second = argc == 5 ? strtoll(argv[4], NULL, 10) : 0};
    if (argc < 4 || argc > 5 || !order_book_load(&intake.book, argv[2])) {
        fprintf(stderr, "usage: intake URL ORDERS.csv RECEIPTS.csv [ORDERS_PER_SECOND]\n");
        return 2;
    }
    struct rill_conn *conn = NULL;
    intake.receipts = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    intake.done = calloc(intake.book.count + 1, sizeof *intake.done);
    intake.started_ms = wall_clock_ms();
    const bool open = intake.receipts >= 0 && intake.done &&
                      shop_connect(&conn, &intake.js, argv[1], "intake") && shop_open_streams(intake.js);
    if (open)
        intake_run(&intake);
    shop_disconnect(conn, intake.js);
    free(intake.done);
    order_book_fini(&intake.book);
    return open ? 0 : 1;
}
