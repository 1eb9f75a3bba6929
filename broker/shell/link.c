// SPDX-License-Identifier: Apache-2.0
#include "link.h"

#include "base/assert.h"

#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

enum {
    LINK_PIECES_MAX = 64,        // of one write
    LINK_WRITES_PER_TURN_MAX = 8 // then the others have their turn
};

#define LINK_LINGER_NS RILL_NS_PER_S

static bool link_wants_input(const struct link *link)
{
    return link->state != LINK_OPEN ||
           (rill_conn_wants_input(link->conn) && !rill_conn_is_closing(link->conn));
}

static void link_update_interest(struct link *link)
{
    const uint32_t interest = (link_wants_input(link) ? EPOLLIN : 0u) | (link->blocked ? EPOLLOUT : 0u);
    poller_set_interest(&link->loop->poller, &link->source, interest);
}

void link_close(struct link *link, const char *reason)
{
    struct loop *loop = link->loop;
    if (link->conn)
        rill_core_conn_closed(loop->core, link->conn, reason);
    timer_stop(&loop->poller, &link->timer);
    poller_remove(&loop->poller, &link->source);
    (void)close(link->source.fd);
    DL_DELETE(loop->links, link);
    loop->link_count--;
    link->ops->destroy(link);
    if (loop->descriptor_freed)
        loop->descriptor_freed(loop->descriptor_freed_context);
}

static void link_timer_due(struct timer *timer)
{
    struct link *link = (struct link *)((char *)timer - offsetof(struct link, timer));
    link_close(link, "Timeout");
}

/* The core is done and its output is written. False: the link is freed. */
static bool link_part(struct link *link)
{
    struct loop *loop = link->loop;
    size_t none;
    if (link->ops->part) {
        link->ops->part(link);
        (void)link->ops->write(link, NULL, 0, &none); // it fits or it is lost: the peer is leaving anyway
    }
    if (loop->stopping) {
        link_close(link, "Server Shutdown");
        return false;
    }
    rill_core_conn_closed(loop->core, link->conn, "Server Closed");
    link->conn = NULL;
    link->state = LINK_LINGERING;
    link->blocked = false;
    (void)shutdown(link->source.fd, SHUT_WR);
    timer_start(&loop->poller, &link->timer, LINK_LINGER_NS);
    link_update_interest(link);
    return true;
}

/* Writes until the output is empty, the socket is full or the link has had its share. False: it failed. */
static bool link_write(struct link *link)
{
    struct iovec pieces[LINK_PIECES_MAX];
    for (int writes = 0; writes < LINK_WRITES_PER_TURN_MAX; writes++) {
        const size_t count = link->conn ? rill_conn_output(link->conn, pieces, LINK_PIECES_MAX) : 0;
        if (!count && !link->blocked)
            return true;
        size_t written = 0;
        const enum link_status status = link->ops->write(link, pieces, count, &written);
        link->blocked = status == LINK_AGAIN;
        // Also when the socket took nothing: the core's patience with a peer that does not read begins there.
        if (link->conn && (written || link->blocked))
            rill_core_conn_written(link->loop->core, link->conn, written);
        if (status != LINK_OK)
            return status == LINK_AGAIN;
    }
    link->blocked = true;
    return true;
}

bool link_flush(struct link *link)
{
    if (!link_write(link)) {
        link_close(link, "Write Error");
        return false;
    }
    if (link->conn && !link->blocked && rill_conn_is_closing(link->conn))
        return link_part(link);
    link_update_interest(link);
    return true;
}

static void link_take_input(struct link *link)
{
    struct loop *loop = link->loop;
    struct rill_bytes bytes = {0};
    const enum link_status status = link->ops->read(link, loop->read_buffer, LOOP_READ_BYTES_MAX, &bytes);
    if (bytes.len && link->state == LINK_OPEN)
        rill_core_conn_bytes(loop->core, link->conn, bytes);
    if (status == LINK_EOF)
        link_close(link, "Client Closed");
    else if (status == LINK_FAILED)
        link_close(link, "Read Error");
    else if (link->state == LINK_OPEN)
        link_update_interest(link);
    else
        (void)link_flush(link); // an answer of the link's own, during the greeting
}

static void link_ready(struct source *source, uint32_t events)
{
    struct link *link = (struct link *)source;
    if ((events & EPOLLOUT) && !link_flush(link))
        return;
    if ((events & ~(uint32_t)EPOLLOUT) && link_wants_input(link))
        link_take_input(link);
}

void link_adopt(struct loop *loop, struct link *link, int fd, enum rill_conn_kind kind, const char *address,
                uint16_t port)
{
    RILL_ASSERT(link->ops && !link->conn);
    link->source = (struct source){.fd = fd, .ready = link_ready};
    link->timer.due = link_timer_due;
    link->loop = loop;
    link->kind = (uint8_t)kind;
    link->peer_port = port;
    (void)strncpy(link->peer_address, address, sizeof link->peer_address - 1);
    DL_APPEND(loop->links, link);
    loop->link_count++;
    link_update_interest(link);
}

void link_connected(struct link *link)
{
    RILL_ASSERT(link->state == LINK_GREETING);
    timer_stop(&link->loop->poller, &link->timer);
    const struct rill_conn_origin origin = {
        .kind = (enum rill_conn_kind)link->kind,
        .address = link->peer_address,
        .port = link->peer_port,
        .link = link,
    };
    link->conn = rill_core_conn_open(link->loop->core, &origin);
    link->state = LINK_OPEN;
    link_update_interest(link);
}
