// SPDX-License-Identifier: Apache-2.0
//
// intake: publishes every order of a CSV file to the stream, and writes a receipt for each that the broker
// has acknowledged, that is, holds on disk.
//
//     intake URL ORDERS.csv RECEIPTS.csv [ORDERS_PER_SECOND]
//
// The happy path: orders go out without waiting, at most WINDOW of them unacknowledged; each acknowledgement
// becomes a line "order_id,stream_sequence,stored|duplicate,at_ms". The failure modes: the connection breaks
// (then what was sent and not acknowledged may or may not be stored), or an acknowledgement is an error or
// does not come. The policy: whatever is not acknowledged is sent again. The order's id travels as
// Nats-Msg-Id, so an order that the broker has already is acknowledged once more, as a duplicate, and not
// stored twice.
#include "order.h"
#include "shop.h"
#include "wall_clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WINDOW = 64,
    ACK_WAIT_MS = 2000,
    SUBJECT_MAX = 64,
    LINE_MAX_BYTES = 128,
};

enum order_state { ORDER_WAITING, ORDER_SENT, ORDER_ACKNOWLEDGED };

struct intake {
    struct order_book book;
    jsCtx *js;
    int receipts; // descriptor
    int64_t per_second;
    int64_t started_ms;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum order_state *states; // guarded by lock, as all below; one per order of the book
    size_t sent;              // how many are in the state ORDER_SENT
    size_t acknowledged;
    bool reconnected;
};

static bool receipt_write(const struct intake *intake, const struct order *order, const jsPubAck *ack)
{
    char line[LINE_MAX_BYTES];
    const int len =
        snprintf(line, sizeof line, "%s,%llu,%s,%lld\n", order->id, (unsigned long long)ack->Sequence,
                 ack->Duplicate ? "duplicate" : "stored", (long long)wall_clock_ms());
    return len < (int)sizeof line && write(intake->receipts, line, (size_t)len) == len;
}

/* Called by libnats, on a thread of its own, with either the acknowledgement or the error of one message. */
static void on_ack(jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error, void *closure)
{
    (void)js;
    struct intake *intake = closure;
    const char *id = NULL;
    natsMsgHeader_Get(msg, "Nats-Msg-Id", &id);
    const struct order *order = order_book_find(&intake->book, id ? id : "");
    pthread_mutex_lock(&intake->lock);
    enum order_state *state = order ? &intake->states[order - intake->book.orders] : NULL;
    if (state && *state == ORDER_SENT) {
        const bool stored = !error && receipt_write(intake, order, ack);
        *state = stored ? ORDER_ACKNOWLEDGED : ORDER_WAITING;
        intake->acknowledged += stored;
        intake->sent--;
        pthread_cond_signal(&intake->changed);
    }
    pthread_mutex_unlock(&intake->lock);
    natsMsg_Destroy(msg);
}

static void on_reconnect(natsConnection *connection, void *closure)
{
    (void)connection;
    struct intake *intake = closure;
    pthread_mutex_lock(&intake->lock);
    intake->reconnected = true;
    pthread_cond_signal(&intake->changed);
    pthread_mutex_unlock(&intake->lock);
}

/* Takes back from libnats what it still waits for, so that all of it is sent again. */
static void take_back(struct intake *intake)
{
    natsMsgList pending = {0};
    if (js_PublishAsyncGetPendingList(&pending, intake->js) == NATS_OK)
        natsMsgList_Destroy(&pending);
    pthread_mutex_lock(&intake->lock);
    for (size_t i = 0; i < intake->book.count; i++)
        if (intake->states[i] == ORDER_SENT)
            intake->states[i] = ORDER_WAITING;
    intake->sent = 0;
    pthread_mutex_unlock(&intake->lock);
}

static natsStatus publish(struct intake *intake, const struct order *order)
{
    char subject[SUBJECT_MAX];
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

/* When an order comes in: the shop's customers are spread evenly over time, all at once when no rate is
 * given. */
static int64_t order_due_ms(const struct intake *intake, size_t index)
{
    return intake->per_second ? intake->started_ms + (int64_t)index * 1000 / intake->per_second : 0;
}

/* The first order that may go out now; the count of orders when there is none. Called with the lock held. */
static size_t next_to_send(const struct intake *intake)
{
    const size_t count = intake->book.count;
    size_t i = 0;
    while (i < count && intake->states[i] != ORDER_WAITING)
        i++;
    const bool open = i < count && intake->sent < WINDOW && order_due_ms(intake, i) <= wall_clock_ms();
    return open ? i : count;
}

/* Until something changes, or a moment has passed in which an order may have come in. Called with the lock
 * held. */
static void wait_for_change(struct intake *intake)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&intake->changed, &intake->lock, &until);
}

static void send_one(struct intake *intake, size_t index)
{
    intake->states[index] = ORDER_SENT;
    intake->sent++;
    pthread_mutex_unlock(&intake->lock);
    const natsStatus s = publish(intake, &intake->book.orders[index]);
    pthread_mutex_lock(&intake->lock);
    if (s != NATS_OK && intake->states[index] == ORDER_SENT) {
        intake->states[index] = ORDER_WAITING;
        intake->sent--;
        wait_for_change(intake);
    }
}

static void intake_run(struct intake *intake)
{
    intake->started_ms = wall_clock_ms();
    pthread_mutex_lock(&intake->lock);
    while (intake->acknowledged < intake->book.count) {
        const size_t index = next_to_send(intake);
        if (intake->reconnected) {
            intake->reconnected = false;
            pthread_mutex_unlock(&intake->lock);
            take_back(intake);
            pthread_mutex_lock(&intake->lock);
        } else if (index < intake->book.count) {
            send_one(intake, index);
        } else {
            wait_for_change(intake);
        }
    }
    pthread_mutex_unlock(&intake->lock);
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
    struct intake intake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    if (argc < 4 || argc > 5 || !order_book_load(&intake.book, argv[2])) {
        fprintf(stderr, "usage: intake URL ORDERS.csv RECEIPTS.csv [ORDERS_PER_SECOND]\n");
        return 2;
    }
    intake.per_second = argc == 5 ? strtoll(argv[4], NULL, 10) : 0;
    intake.receipts = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    intake.states = calloc(intake.book.count + 1, sizeof *intake.states);
    natsConnection *connection = NULL;
    natsStatus s = intake.receipts >= 0 && intake.states ? NATS_OK : NATS_SYS_ERROR;
    if (s == NATS_OK)
        s = intake_open(&intake, &connection, argv[1]);
    if (s == NATS_OK)
        intake_run(&intake);
    else
        fprintf(stderr, "intake: %s\n", natsStatus_GetText(s));
    jsCtx_Destroy(intake.js);
    natsConnection_Destroy(connection);
    nats_Close();
    free(intake.states);
    order_book_fini(&intake.book);
    return s == NATS_OK ? 0 : 1;
}
