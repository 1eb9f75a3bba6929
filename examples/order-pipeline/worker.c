// SPDX-License-Identifier: Apache-2.0
//
// worker: takes orders off the durable consumer, processes them, enters them into the ledger, and
// acknowledges them. Any number of workers may share the consumer and the ledger. SIGTERM ends one after its
// batch.
//
//     worker URL NAME LEDGER.csv [MICROSECONDS_PER_ORDER]
//
// The happy path: fetch a batch; for each order check it, sum it up and enter it; when the whole batch stands
// in the ledger, acknowledge it. So what is acknowledged has been done, always. The failure modes: the worker
// is killed between the entry and the acknowledgement, or the broker is killed before it has the
// acknowledgement on disk, or a slow worker's orders are given to another one after the ack wait. Each time
// an order that may be done already is delivered again. The policy: the ledger decides. An order that stands
// there as done is entered as seen again and acknowledged.
#include "ledger_file.h"
#include "order.h"
#include "shop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 20, FETCH_WAIT_MS = 250 };

struct worker {
    const char *name;
    struct ledger ledger;
    natsSubscription *queue;
    int64_t work_us; // what the work on one order takes
};

static volatile sig_atomic_t stop_wanted;

static void on_sigterm(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

/* Stands for what a shop does with an order besides writing it down: stock, invoice, label. */
static void pick_and_pack(const struct worker *worker)
{
    const struct timespec work = {worker->work_us / 1000000, worker->work_us % 1000000 * 1000};
    nanosleep(&work, NULL);
}

static bool process(struct worker *worker, natsMsg *msg, const jsMsgMetaData *meta)
{
    struct order order = {.id = "unreadable"};
    json_t *owner = NULL;
    struct ledger_entry entry = {
        .stream_sequence = meta->Sequence.Stream,
        .worker = worker->name,
        .deliveries = meta->NumDelivered,
    };
    if (order_from_json(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), &order, &owner))
        entry.valid = order_total_cents(&order, &entry.total_cents);
    entry.order_id = order.id;
    pick_and_pack(worker);
    const bool entered = ledger_enter(&worker->ledger, &entry);
    json_decref(owner);
    return entered;
}

static bool process_batch(struct worker *worker, const natsMsgList *batch)
{
    for (int i = 0; i < batch->Count; i++) {
        jsMsgMetaData *meta = NULL;
        const bool done =
            natsMsg_GetMetaData(&meta, batch->Msgs[i]) == NATS_OK && process(worker, batch->Msgs[i], meta);
        jsMsgMetaData_Destroy(meta);
        if (!done)
            return false;
    }
    // An acknowledgement that does not arrive is no error: the order comes again, and the ledger knows it.
    for (int i = 0; i < batch->Count; i++)
        (void)natsMsg_Ack(batch->Msgs[i], NULL);
    return true;
}

/* Fetching fails while the broker is away; then it is tried again. Only a ledger that cannot be written ends
 * this. */
static bool worker_run(struct worker *worker)
{
    bool healthy = true;
    while (healthy && !stop_wanted) {
        natsMsgList batch = {0};
        if (natsSubscription_Fetch(&batch, worker->queue, BATCH, FETCH_WAIT_MS, NULL) == NATS_OK)
            healthy = process_batch(worker, &batch);
        natsMsgList_Destroy(&batch);
    }
    return healthy;
}

static natsStatus worker_open(struct worker *worker, jsCtx **ret_js, natsConnection **ret_connection,
                              const char *url)
{
    natsStatus s = shop_connect(ret_connection, url, worker->name, NULL, NULL);
    if (s == NATS_OK)
        s = natsConnection_JetStream(ret_js, *ret_connection, NULL);
    if (s == NATS_OK)
        s = shop_stream_ensure(*ret_js);
    if (s == NATS_OK)
        s = shop_consumer_ensure(*ret_js);
    if (s != NATS_OK)
        return s;
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Stream = SHOP_STREAM;
    options.Consumer = SHOP_CONSUMER;
    return js_PullSubscribe(&worker->queue, *ret_js, NULL, SHOP_CONSUMER, NULL, &options, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: worker URL NAME LEDGER.csv [MICROSECONDS_PER_ORDER]\n");
        return 2;
    }
    struct worker worker = {.name = argv[2], .work_us = argc == 5 ? strtoll(argv[4], NULL, 10) : 0};
    if (!ledger_open(&worker.ledger, argv[3]))
        return 1;
    signal(SIGTERM, on_sigterm);
    jsCtx *js = NULL;
    natsConnection *connection = NULL;
    const natsStatus s = worker_open(&worker, &js, &connection, argv[1]);
    if (s != NATS_OK)
        fprintf(stderr, "%s: %s\n", worker.name, natsStatus_GetText(s));
    const bool healthy = s == NATS_OK && worker_run(&worker);
    natsSubscription_Destroy(worker.queue);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    nats_Close();
    ledger_close(&worker.ledger);
    return healthy ? 0 : 1;
}
