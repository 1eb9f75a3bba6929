// SPDX-License-Identifier: Apache-2.0
//
// intake: publishes every order of a CSV file to the stream, and writes a receipt for each that the broker
// has acknowledged, that is, holds on disk.
//
//     intake URL ORDERS.csv RECEIPTS.csv [ORDERS_PER_SECOND]
//
// The happy path: orders go out without waiting, at most OUTBOX_WINDOW of them unacknowledged; each
// acknowledgement becomes a line "order_id,stream_sequence,stored|duplicate,at_ms". The failure modes: the
// connection breaks (then what was sent and not acknowledged may or may not be stored), or an acknowledgement
// is an error or does not come. The policy: whatever is not acknowledged is sent again. The order's id
// travels as Nats-Msg-Id, so an order that the broker has already is acknowledged once more, as a duplicate,
// and not stored twice.
#include "order.h"
#include "outbox.h"
#include "shop.h"
#include "wall_clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACK_WAIT_MS = 2000, SUBJECT_MAX_BYTES = 64, LINE_MAX_BYTES = 128 };

struct intake {
    struct order_book book;
    struct outbox outbox;
    jsCtx *js;
    int receipts; // descriptor
};

static void receipt_write(const struct intake *intake, const struct order *order, const jsPubAck *ack)
{
    char line[LINE_MAX_BYTES];
    const int len =
        snprintf(line, sizeof line, "%s,%llu,%s,%lld\n", order->id, (unsigned long long)ack->Sequence,
                 ack->Duplicate ? "duplicate" : "stored", (long long)wall_clock_ms());
    if (len >= (int)sizeof line || write(intake->receipts, line, (size_t)len) != len)
        fprintf(stderr, "intake: no receipt for order %s\n", order->id);
}

/* The receipt comes first: when the outbox knows the last order as acknowledged, this program ends. */
static void acknowledge(struct intake *intake, const struct order *order, const jsPubAck *ack)
{
    const size_t index = (size_t)(order - intake->book.orders);
    if (outbox_is_acknowledged(&intake->outbox, index))
        return;
    receipt_write(intake, order, ack);
    outbox_acknowledge(&intake->outbox, index);
}

/* Called by libnats with either the acknowledgement or the error of one message. All acknowledgements come on
   one thread, errors may come on another. */
static void on_ack(jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error, void *closure)
{
    (void)js;
    struct intake *intake = closure;
    const char *id = NULL;
    natsMsgHeader_Get(msg, "Nats-Msg-Id", &id);
    const struct order *order = order_book_find(&intake->book, id ? id : "");
    if (order && error)
        outbox_fail(&intake->outbox, (size_t)(order - intake->book.orders));
    else if (order)
        acknowledge(intake, order, ack);
    natsMsg_Destroy(msg);
}

static void on_reconnect(natsConnection *connection, void *closure)
{
    (void)connection;
    outbox_note_reconnect(&((struct intake *)closure)->outbox);
}

/* Makes libnats forget what it waits for, so that all of it is sent again. */
static void take_back(struct intake *intake)
{
    natsMsgList pending = {0};
    if (js_PublishAsyncGetPendingList(&pending, intake->js) == NATS_OK)
        natsMsgList_Destroy(&pending);
    outbox_take_back(&intake->outbox);
}

static natsStatus publish(struct intake *intake, const struct order *order)
{
    char subject[SUBJECT_MAX_BYTES];
    snprintf(subject, sizeof subject, "%s%s", SHOP_SUBJECT_PREFIX, order->country);
    char *body = order_to_json(order);
    if (!body)
        return NATS_NO_MEMORY;
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.MsgId = order->id;
    options.MaxWait = ACK_WAIT_MS;
    const natsStatus s = js_PublishAsync(intake->js, subject, body, (int)strlen(body), &options);
    free(body);
    return s;
}

static void intake_run(struct intake *intake)
{
    size_t index = 0;
    enum outbox_work work;
    while ((work = outbox_take(&intake->outbox, &index)) != OUTBOX_DONE) {
        if (work == OUTBOX_TAKE_BACK)
            take_back(intake);
        else if (publish(intake, &intake->book.orders[index]) != NATS_OK)
            outbox_fail(&intake->outbox, index);
    }
}

static natsStatus intake_open(struct intake *intake, natsConnection **ret_connection, const char *url)
{
    natsStatus s = shop_connect(ret_connection, url, "intake", on_reconnect, intake);
    if (s != NATS_OK)
        return s;
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.AckHandler = on_ack;
    options.PublishAsync.AckHandlerClosure = intake;
    s = natsConnection_JetStream(&intake->js, *ret_connection, &options);
    return s == NATS_OK ? shop_stream_ensure(intake->js) : s;
}

int main(int argc, char **argv)
{
    struct intake intake = {0};
    if (argc < 4 || argc > 5 || !order_book_load(&intake.book, argv[2])) {
        fprintf(stderr, "usage: intake URL ORDERS.csv RECEIPTS.csv [ORDERS_PER_SECOND]\n");
        return 2;
    }
    intake.receipts = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    natsConnection *connection = NULL;
    natsStatus s = intake.receipts >= 0 ? NATS_OK : NATS_SYS_ERROR;
    if (!outbox_init(&intake.outbox, intake.book.count, argc == 5 ? strtoll(argv[4], NULL, 10) : 0))
        s = NATS_NO_MEMORY;
    if (s == NATS_OK)
        s = intake_open(&intake, &connection, argv[1]);
    if (s == NATS_OK)
        intake_run(&intake);
    else
        fprintf(stderr, "intake: %s\n", natsStatus_GetText(s));
    jsCtx_Destroy(intake.js);
    natsConnection_Destroy(connection);
    nats_Close();
    outbox_fini(&intake.outbox);
    order_book_fini(&intake.book);
    return s == NATS_OK ? 0 : 1;
}
