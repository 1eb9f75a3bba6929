// SPDX-License-Identifier: Apache-2.0
//
// A broker that belongs to this run: rilld, on a port of the kernel's choice, with its store in a folder of its own. Started again after a kill it has the same port and the same
// store.
#pragma once

#include "process.h"

#include <stdint.h>

enum { BROKER_PATH_MAX = 512 };

struct broker {
    struct process process;
    const char *program;
    const char *folder;
    int port;     // 0 until it has listened for the first time
    char url[64]; // "nats://127.0.0.1:PORT"
};

/* `program` and `folder` must live as long as the broker. Returns without waiting for it to listen. */
bool broker_start(struct broker *broker, const char *log_path);

/* Has the process that was started last said that it listens? From then on `url` holds. */
bool broker_is_listening(struct broker *broker);
