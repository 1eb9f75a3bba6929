// SPDX-License-Identifier: Apache-2.0
//
// A link carries one client connection between a socket and the core. How the bytes look on the wire is the
// business of an operations table, so the core and the loop cannot tell a plain socket from a WebSocket.
//
//     GREETING ── upgraded ──► OPEN ── the core is done, its output written ──► LINGERING ── the peer closed
//     ──► (freed)
//        (WebSocket only)        └───────── the peer closed, or an error
//        ──────────────────────────────────────► (freed)
//
// A lingering link has said its last word and shut its side down. It waits a moment for the peer to do the
// same, because closing a socket with unread input would throw away the error message that is still on its
// way.
//
// Reading stops while the core does not want input; writing waits for the kernel only when the socket is
// full. Loop thread only. The loop owns its links.
#pragma once

#include "loop.h"

#include <netinet/in.h>

enum link_state {
    LINK_GREETING,
    LINK_OPEN,
    LINK_LINGERING,
};

enum link_status {
    LINK_OK,
    LINK_AGAIN, // nothing to read now, or no room to write now
    LINK_EOF,
    LINK_FAILED,
};

struct link;

struct link_ops {
    /* Reads once into `scratch` and gives what of it is for the core: a view into scratch, maybe empty. May
       change the link's state from GREETING to OPEN. */
    enum link_status (*read)(struct link *link, uint8_t *scratch, size_t scratch_bytes,
                             struct rill_bytes *ret_bytes);

    /* Writes the link's own bytes (a pong, say), then of the pieces as much as goes, once. *ret_bytes counts
       the bytes of the pieces that were taken, also with AGAIN. OK: everything was taken. `count` may be 0.
       The same bytes come first again the next time. */
    enum link_status (*write)(struct link *link, const struct iovec *pieces, size_t count, size_t *ret_bytes);

    /* Adds a last word of the link's own behind all output; NULL: there is none. It is written with count 0.
     */
    void (*part)(struct link *link);

    /* Frees the link's memory; the socket is closed already. */
    void (*destroy)(struct link *link);
};

struct link {
    struct source source; // first
    struct timer timer;   // of GREETING and LINGERING
    const struct link_ops *ops;
    struct loop *loop;
    struct rill_conn *conn; // the core's; NULL unless OPEN
    struct link *prev, *next;
    enum link_state state;
    bool blocked; // the socket is full, or it has had its share of this turn
    uint8_t kind; // enum rill_conn_kind
    uint16_t peer_port;
    char peer_address[INET6_ADDRSTRLEN];
};

/* A link over a connected TCP or UNIX socket. Takes the descriptor. Inside a turn. */
void link_socket_open(struct loop *loop, int fd, enum rill_conn_kind kind, const char *address,
                      uint16_t port);
/* A link over a TCP socket whose peer shall ask for a WebSocket within `handshake_timeout_ns`. Takes the
 * descriptor. */
void link_ws_open(struct loop *loop, int fd, const char *address, uint16_t port,
                  int64_t handshake_timeout_ns);

/* For the operations' constructors: fills the common part, adds the link to the loop and starts to read. */
void link_adopt(struct loop *loop, struct link *link, int fd, enum rill_conn_kind kind, const char *address,
                uint16_t port);
/* From GREETING to OPEN: the core gets to know the connection. Inside a turn. */
void link_connected(struct link *link);

/* Writes what the core has for this link, closes it when the core is done with it, and sees to its interest.
   False: the link was freed. */
bool link_flush(struct link *link);
/* At once, whatever is unwritten. The link is freed. */
void link_close(struct link *link, const char *reason);
