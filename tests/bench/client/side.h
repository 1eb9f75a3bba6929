// SPDX-License-Identifier: Apache-2.0
//
// A client library under measurement: what it can do, one function each, for the works (works.h) that are the same for all
// of them. Every function says on stderr why it failed. One thread.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WORK_PAYLOAD_BYTES_MAX = 64 * 1024 };

/* One measurement, which is the same for all libraries. */
struct work {
    const char *url;
    int messages;
    int payload_bytes;
    char payload[WORK_PAYLOAD_BYTES_MAX];
    int run;            // measurements so far
    char name[32];      // of the stream, nobody else's; its only subject, too
    double *samples;    // round trips in us, `messages` of them
    atomic_int counted; // by the callback
};

enum { FETCH_MSGS = 500, DEADLINE_MS = 30000, PENDING_MAX = 4096 };

/* A client: two connections, one that publishes and asks, one that listens. Each library has its own. */
struct client;

struct side {
    const char *name;
    /* NULL when it failed. */
    struct client *(*open)(struct work *work);
    void (*close)(struct client *client); // NULL is harmless

    // The near connection.
    bool (*publish)(struct client *client); // to "bench.x"
    bool (*flush)(struct client *client);   // the server has had it
    bool (*request)(struct client *client); // to "bench.x", the answer is thrown away

    // The far connection subscribes to "bench.*" and the server knows it.
    bool (*listen)(struct client *client);          // messages are taken with `take`
    bool (*listen_counting)(struct client *client); // a callback counts them
    bool (*listen_answering)(struct client *client);
    bool (*take)(struct client *client);  // the next message, which is thrown away
    bool (*drain)(struct client *client); // until the callback has had everything

    // A memory stream of the near connection's.
    bool (*stream_open)(struct client *client);
    bool (*store)(struct client *client); // asynchronously, at most PENDING_MAX without an answer
    bool (*store_wait)(struct client *client);
    bool (*consumer_open)(struct client *client); // durable, explicit acknowledgements
    /* Fetches so many, at most FETCH_MSGS, and acknowledges each. */
    bool (*fetch)(struct client *client, int wanted, int *ret_count);
    void (*stream_close)(struct client *client);
};

extern const struct side side_rill, side_nats;

/* Prints "<library>: <what>: <why>" and returns false. */
bool side_failed(const char *library, const char *what, const char *why);
