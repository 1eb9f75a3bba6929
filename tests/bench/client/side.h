// SPDX-License-Identifier: Apache-2.0
//
// A client library under measurement. Each function does one piece of work against the server at `url`,
// through connections of its own, and gives the figure of its row. False after saying why on stderr.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct work {
    const char *url;
    int messages; // of one measurement
    int payload_bytes;
    int run;         // a number of nobody else's, for names of streams
    double *samples; // round trips in us, `messages` of them
};

struct side {
    const char *name;
    bool (*publish)(const struct work *work, double *ret_per_s);        // nobody listens
    bool (*take)(const struct work *work, double *ret_per_s);           // one subscriber, message by message
    bool (*callback)(const struct work *work, double *ret_per_s);       // one subscriber, a callback
    bool (*request)(const struct work *work, double *ret_per_s);        // fills samples
    bool (*stream_publish)(const struct work *work, double *ret_per_s); // asynchronous, memory stream
    bool (*pull)(const struct work *work, double *ret_per_s); // fetches of 500, each message acknowledged
};

extern const struct side side_rill, side_nats;

enum { FETCH_MSGS = 500, DEADLINE_MS = 30000, PENDING_MAX = 4096 };

double side_now_s(void);
/* Prints "<library>: <what>: <why>" and returns false. */
bool side_failed(const char *library, const char *what, const char *why);
