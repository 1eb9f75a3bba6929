// SPDX-License-Identifier: Apache-2.0
//
// librill-broker: the broker inside a program, for tests and for programs at the edge that are their own broker.
//
//     struct rill_broker *broker;
//     struct rill_broker_error error;
//     if (!rill_broker_start(&broker, NULL, &error))
//         return fprintf(stderr, "%s\n", error.text), 1;
//     ... rill_connect(&conn, rill_broker_url(broker), NULL) ...
//     rill_broker_stop(broker);
//
// It is the broker that rilld is, with streams, in a thread of its own. Clients reach it as they reach every broker, by
// a URL: through an abstract UNIX socket, which has no file and ends with the process, and by TCP where that is asked for.
// Every process of this machine (of its network namespace) may connect to an abstract socket that it knows the name of:
// who minds configures users.
//
// The process stays the program's: the broker catches no signal and lets none be delivered to its threads, changes no
// limit, forks nothing, prints nothing and never exits. There may be any number of brokers in one process, each with a
// store folder of its own.
//
// Threads. Every function may be called from any thread; nobody may use a broker while another stops it. After a fork()
// the child has no broker: it neither uses nor stops it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RILL_BROKER_API        __attribute__((visibility("default")))
#define RILL_BROKER_API_RESULT __attribute__((visibility("default"), warn_unused_result))

struct rill_broker;

/* The higher, the less it matters. */
enum rill_broker_level {
    RILL_BROKER_FATAL, // it could not start; the error says the same
    RILL_BROKER_ERROR, // something is lost or refused: a disk that fails, for one
    RILL_BROKER_WARN,
    RILL_BROKER_INFO,
    RILL_BROKER_DEBUG, // only with `debug: true` in the configuration
    RILL_BROKER_TRACE, // only with `trace: true`
};

/* Gets what the broker would log: one line without a newline, which lives during the call. Called on the broker's
   thread, and on the one that starts it; it must not call a function of this header. */
typedef void rill_broker_log(void *context, enum rill_broker_level level, const char *line);

/* Zero everywhere is a good choice: RILL_BROKER_OPTIONS gives that. Strings are copied. */
struct rill_broker_options {
    size_t struct_bytes; // sizeof(struct rill_broker_options), so that it can grow

    const char *name;     // of the abstract socket, at most 100 bytes; NULL: one that nobody has is chosen
    const char *tcp_host; // listen there too: "127.0.0.1", "0.0.0.0" ...; NULL: not on TCP
    uint16_t tcp_port;    // 0: the system chooses, see rill_broker_tcp_url

    /* Where streams are kept; it is made when it is not there. A broker that is started on it later finds them. NULL:
       all of them are kept in memory, those that ask for a file too, and end with the broker. */
    const char *store_folder;
    int64_t
        memory_bytes_max; // what streams in memory may take, and as much again those that ask for a file and are in
                          // memory all the same; 0: three quarters of the machine's

    /* More, in the language of rilld's configuration file ("max_payload: 64KB"); NULL: nothing. What is said above is
       not said here, nor where to log. */
    const char *config;

    rill_broker_log *log; // NULL: nobody is told
    void *log_context;
};

#define RILL_BROKER_OPTIONS                                                                                  \
    {                                                                                                        \
        .struct_bytes = sizeof(struct rill_broker_options)                                                   \
    }

/* Why a broker could not be started, for people: "listen on @edge: Address already in use". */
struct rill_broker_error {
    char text[256];
};

/* Starts a broker; when it is back clients may connect, and the streams of the folder have been read back. `options` and `error` may be NULL. *ret is the caller's, to be stopped; untouched on failure.
   False: an option is wrong, the name or the port is another's, the folder cannot be used or is another broker's, or
   the machine has no descriptor or thread left. */
RILL_BROKER_API_RESULT bool rill_broker_start(struct rill_broker **ret,
                                              const struct rill_broker_options *options,
                                              struct rill_broker_error *error);

/* "abstract://NAME", for rill_connect; lives as long as the broker. */
RILL_BROKER_API const char *rill_broker_url(const struct rill_broker *broker);
/* "nats://127.0.0.1:40123", for every NATS client; lives as long as the broker. NULL: it does not listen on TCP. */
RILL_BROKER_API const char *rill_broker_tcp_url(const struct rill_broker *broker);

/* Ends the broker: its clients are told and disconnected, what was published is written to the store, and the folder
   and the names are free again. Waits for the disk, however long that takes; close clients first, or they will look for
   the broker. NULL is harmless. Not from the log callback. */
RILL_BROKER_API void rill_broker_stop(struct rill_broker *broker);

#ifdef __cplusplus
}
#endif
