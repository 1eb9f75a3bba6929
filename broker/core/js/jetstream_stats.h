// SPDX-License-Identifier: Apache-2.0
//
// Numbers about all streams, for monitoring. Loop thread only.
#pragma once

#include "jetstream.h"

#include <jansson.h>

struct jetstream_stats {
    const char *store_dir;
    uint64_t streams;
    uint64_t consumers;
    uint64_t messages;
    uint64_t bytes;      // of the messages, as NATS counts them
    uint64_t disk_bytes; // of the files
    uint64_t api_requests;
    uint64_t api_errors;
    uint64_t recovering;          // streams that are not ready yet
    uint64_t unavailable;         // streams that take no writes after an error, or could not be opened
    const char *unavailable_name; // one of them, and why; live until the next turn
    const char *unavailable_why;
};

void jetstream_stats(const struct jetstream *jetstream, struct jetstream_stats *ret);

/* {"total": n, "errors": n} */
json_t *monitor_jetstream_api(const struct jetstream_stats *stats);
