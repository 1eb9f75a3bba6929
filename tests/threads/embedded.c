// SPDX-License-Identifier: Apache-2.0
//
// Two brokers in one process, used by many threads at once, while a third one comes and goes: what two brokers have in
// common is nothing. The clients speak the protocol themselves over the abstract sockets, because librill's transport is
// not built for ThreadSanitizer. A plain program. Exit status 0 when all holds.
#include "base/assert.h"
#include "rill-broker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BROKERS = 2, CLIENTS = 3, PUBLISHES = 200, COMES_AND_GOES = 10, LINE_BYTES = 4096 };

struct client {
    struct rill_broker *broker;
    int number;
    FILE *socket;
    char line[LINE_BYTES];
};

static atomic_int said;

static void count_line(void *context, enum rill_broker_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)line;
    (void)atomic_fetch_add(&said, 1);
}

static struct rill_broker *start(void)
{
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    struct rill_broker_error error;
    struct rill_broker *broker = NULL;
    options.log = count_line;
    if (!rill_broker_start(&broker, &options, &error))
        (void)fprintf(stderr, "%s\n", error.text);
    RILL_ASSERT(broker);
    return broker;
}

// ---- a client ----

static void client_open(struct client *client)
{
    const char *name = strstr(rill_broker_url(client->broker), "://") + 3;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", name);
    const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    RILL_ASSERT(fd >= 0 && connect(fd, (struct sockaddr *)&address, bytes) == 0);
    client->socket = fdopen(fd, "r+");
    RILL_ASSERT(client->socket);
}

static void client_say(struct client *client, const char *text)
{
    RILL_ASSERT(fputs(text, client->socket) >= 0 && fflush(client->socket) == 0);
}

static const char *client_hear(struct client *client)
{
    RILL_ASSERT(fgets(client->line, LINE_BYTES, client->socket));
    return client->line;
}

/* The answer of the stream's API or of a publish: the line behind "MSG inbox 1 N". */
static void client_ask(struct client *client, const char *subject, const char *body)
{
    char text[512];
    (void)snprintf(text, sizeof text, "PUB %s inbox.%d %zu\r\n%s\r\n", subject, client->number, strlen(body),
                   body);
    client_say(client, text);
    while (strncmp(client_hear(client), "MSG inbox", 9) != 0)
        ;
    (void)client_hear(client);
    RILL_ASSERT(!strstr(client->line, "\"error\""));
}

static void *client_run(void *context)
{
    struct client *client = context;
    char text[256];
    client_open(client);
    (void)snprintf(text, sizeof text, "CONNECT {\"verbose\":false}\r\nSUB inbox.%d 1\r\n", client->number);
    client_say(client, text);
    (void)snprintf(text, sizeof text, "{\"name\":\"S%d\",\"subjects\":[\"s.%d\"]}", client->number,
                   client->number);
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.CREATE.S%d", client->number);
    client_ask(client, subject, text);
    (void)snprintf(subject, sizeof subject, "s.%d", client->number);
    for (int i = 0; i < PUBLISHES; i++)
        client_ask(client, subject, "payload");
    (void)fclose(client->socket);
    return NULL;
}

// ---- all of them ----

static void *come_and_go(void *context)
{
    (void)context;
    for (int i = 0; i < COMES_AND_GOES; i++)
        rill_broker_stop(start());
    return NULL;
}

int main(void)
{
    struct rill_broker *brokers[BROKERS] = {start(), start()};
    struct client clients[BROKERS * CLIENTS];
    pthread_t threads[BROKERS * CLIENTS + 1];
    for (int i = 0; i < BROKERS * CLIENTS; i++) {
        clients[i] = (struct client){.broker = brokers[i % BROKERS], .number = i};
        RILL_ASSERT(pthread_create(&threads[i], NULL, client_run, &clients[i]) == 0);
    }
    RILL_ASSERT(pthread_create(&threads[BROKERS * CLIENTS], NULL, come_and_go, NULL) == 0);
    for (int i = 0; i <= BROKERS * CLIENTS; i++)
        RILL_ASSERT(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < BROKERS; i++)
        rill_broker_stop(brokers[i]);
    RILL_ASSERT(atomic_load(&said) > COMES_AND_GOES);
    return 0;
}
