// SPDX-License-Identifier: Apache-2.0
//
// Publishes into a stream with Debian's C client until its standard input ends, from several threads, each message under
// an id of its own and again under that id until it is acknowledged. Writes "ID SEQUENCE" for each acknowledgement.
//
//     publisher SUBJECT        RILL_URL names the server
#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 8, ID_BYTES_MAX = 32, ACK_WAIT_MS = 1000 };

struct publisher {
    jsCtx *js;
    const char *subject;
    atomic_uint next;
    atomic_bool stopping;
};

/* A publish that failed may have been stored all the same: it is made again under its id. */
static uint64_t publish_until_acknowledged(struct publisher *publisher, const char *id)
{
    for (;;) {
        jsPubAck *ack = NULL;
        jsPubOptions options;
        jsPubOptions_Init(&options);
        options.MsgId = id;
        options.MaxWait = ACK_WAIT_MS;
        const natsStatus status =
            js_Publish(&ack, publisher->js, publisher->subject, id, (int)strlen(id), &options, NULL);
        const uint64_t sequence = status == NATS_OK ? ack->Sequence : 0;
        jsPubAck_Destroy(ack);
        if (sequence)
            return sequence;
    }
}

static void *publish_all(void *argument)
{
    struct publisher *publisher = argument;
    char id[ID_BYTES_MAX];
    while (!atomic_load(&publisher->stopping)) {
        (void)snprintf(id, sizeof id, "%s-%u", publisher->subject, atomic_fetch_add(&publisher->next, 1));
        const uint64_t sequence = publish_until_acknowledged(publisher, id);
        (void)printf("%s %llu\n", id, (unsigned long long)sequence);
    }
    return NULL;
}

static natsStatus connect_for_ever(natsConnection **ret_connection)
{
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK)
        status = natsOptions_SetURL(options, getenv("RILL_URL"));
    if (status == NATS_OK)
        status = natsOptions_SetMaxReconnect(options, -1);
    if (status == NATS_OK)
        status = natsOptions_SetRetryOnFailedConnect(options, true, NULL, NULL);
    if (status == NATS_OK)
        status = natsOptions_SetReconnectWait(options, 20);
    if (status == NATS_OK)
        status = natsOptions_SetReconnectJitter(options, 1, 1);
    if (status == NATS_OK)
        status = natsConnection_Connect(ret_connection, options);
    natsOptions_Destroy(options);
    return status;
}

static void run_threads(struct publisher *publisher)
{
    pthread_t threads[THREADS];
    char ignored[64];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, publish_all, publisher))
            abort();
    }
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        continue;
    atomic_store(&publisher->stopping, true);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    natsConnection *connection = NULL;
    struct publisher publisher = {.subject = argc > 1 ? argv[1] : "orders.c"};
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    natsStatus status = connect_for_ever(&connection);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&publisher.js, connection, NULL);
    if (status == NATS_OK)
        run_threads(&publisher);
    else
        (void)fprintf(stderr, "publisher: %s\n", natsStatus_GetText(status));
    jsCtx_Destroy(publisher.js);
    natsConnection_Destroy(connection);
    nats_Close();
    return status == NATS_OK ? 0 : 1;
}
