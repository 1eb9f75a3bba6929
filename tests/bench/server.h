// SPDX-License-Identifier: Apache-2.0
//
// A server under measurement: a child process in a fresh folder, on loopback, started with the flags that
// rilld and nats-server have in common. One at a time; the guard knows its process.
#pragma once

#include "base/bytes.h"
#include "guard.h"

struct server_program {
    const char *name; // what tables call it
    const char *path; // NULL when it is not there
};

struct server {
    const struct server_program *program;
    bool durable; // started with streams, kept in its folder
    struct guard *guard;
    char folder[128]; // its ports file, its log
    pid_t pid;        // 0 when not running
    uint16_t port;
};

/* Starts the server on `port`, or on one that the kernel chooses when it is 0, and returns at once: whether
   it listens is the caller's to find out. server_stop is due afterwards. */
enum rill_err server_spawn(struct server *server, const struct server_program *program, struct guard *guard,
                           uint16_t port, bool durable, struct rill_error_text *why) RILL_MUST_CHECK;

/* As server_spawn on a port of the kernel's choice, and waits until the server has said which: it listens
 * then. */
enum rill_err server_start(struct server *server, const struct server_program *program, struct guard *guard,
                           bool durable, struct rill_error_text *why) RILL_MUST_CHECK;

/* SIGINT, and SIGKILL when that does not end it soon. Removes the folder. Harmless when it is not running. */
void server_stop(struct server *server);

/* Resident memory in bytes, when it has stopped changing. 0 when the process is gone. */
uint64_t server_settled_memory_bytes(const struct server *server);
