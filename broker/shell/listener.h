// SPDX-License-Identifier: Apache-2.0
//
// A listening socket, TCP or UNIX, in the loop. Accepting is bounded per turn. When the process or the
// machine runs out of descriptors or memory it pauses, says so once, and goes on when a connection was closed
// or a moment has passed: the connections that wait stay in the kernel's queue. Loop thread only.
#pragma once

#include "loop.h"

#include <netinet/in.h>

enum { LISTENER_ACCEPTS_PER_TURN_MAX = 64 };

/* Takes the descriptor of a new connection; non-blocking, TCP_NODELAY. `address` lives during the call. */
typedef void listener_accepted_fn(void *context, int fd, const char *address, uint16_t port);

struct listener {
    struct source source;
    struct timer resume;
    struct loop *loop; // NULL: not started
    listener_accepted_fn *accepted;
    void *context;
    uint16_t port; // that the kernel gave; 0 for UNIX
    bool paused;
    bool pause_said;
    bool any_address;    // listens on every address, IPv4 and IPv6
    char unix_path[108]; // to be removed at the end; "" for TCP and abstract sockets
};

/* All-zero but for the descriptor. */
#define LISTENER_CLOSED ((struct listener){.source.fd = -1})

/* Opens a TCP socket; nothing is accepted yet, but the port is taken. Port 0 lets the kernel choose.
   "0.0.0.0", "::" and "" are every address, IPv4 and IPv6. A name is resolved, which may take its time. */
enum rill_err listener_open_tcp(struct listener *listener, const char *host, uint16_t port,
                                struct rill_error_text *why) RILL_MUST_CHECK;
/* A UNIX socket at a path (a stale one is replaced), or an abstract one ("@name"). EXISTS: somebody listens
 * there. */
enum rill_err listener_open_unix(struct listener *listener, const char *path,
                                 struct rill_error_text *why) RILL_MUST_CHECK;

void listener_start(struct listener *listener, struct loop *loop, listener_accepted_fn *accepted,
                    void *context);
/* Goes on accepting if it had paused. */
void listener_resume(struct listener *listener);
/* Harmless when it is closed. */
void listener_close(struct listener *listener);

/* What an errno of accept() means for the listener. */
enum accept_verdict {
    ACCEPT_DONE,  // nobody waits any more
    ACCEPT_NEXT,  // this one connection failed
    ACCEPT_PAUSE, // the process or the machine is out of something
};
enum accept_verdict accept_verdict(int errno_value);
