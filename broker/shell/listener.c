// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTENER_PAUSE_NS RILL_NS_PER_S

enum accept_verdict accept_verdict(int errno_value)
{
    switch (errno_value) {
    case EAGAIN:
        return ACCEPT_DONE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ACCEPT_PAUSE;
    default:
        return ACCEPT_NEXT;
    }
}

static void listener_pause(struct listener *listener, int errno_value)
{
    if (!listener->pause_said) {
        rill_log(&listener->loop->log, RILL_LOG_ERROR, "Temporary Client Accept Error (%s), pausing",
                 strerror(errno_value));
        listener->pause_said = true;
    }
    listener->paused = true;
    poller_set_interest(&listener->loop->poller, &listener->source, 0);
    timer_start(&listener->loop->poller, &listener->resume, LISTENER_PAUSE_NS);
}

void listener_resume(struct listener *listener)
{
    if (!listener->paused)
        return;
    listener->paused = false;
    poller_set_interest(&listener->loop->poller, &listener->source, EPOLLIN);
}

/* The peer as text; an IPv4 peer of an IPv6 socket as IPv4. */
static uint16_t format_peer(const struct sockaddr_storage *peer, char out[INET6_ADDRSTRLEN])
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
    const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
    const char *text = NULL;
    if (peer->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        text = inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
    else if (peer->ss_family == AF_INET6)
        text = inet_ntop(AF_INET6, &in6->sin6_addr, out, INET6_ADDRSTRLEN);
    else if (peer->ss_family == AF_INET)
        text = inet_ntop(AF_INET, &in->sin_addr, out, INET6_ADDRSTRLEN);
    if (!text)
        (void)snprintf(out, INET6_ADDRSTRLEN, "unix");
    return text ? ntohs(peer->ss_family == AF_INET ? in->sin_port : in6->sin6_port) : 0;
}

static void listener_accepted(struct listener *listener, int fd, const struct sockaddr_storage *peer)
{
    char address[INET6_ADDRSTRLEN];
    const uint16_t port = format_peer(peer, address);
    const int on = 1;
    if (peer->ss_family == AF_INET || peer->ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    listener->accepted(listener->context, fd, address, port);
}

/* Nobody waits any more: only now is a shortage over, however often accepting had to pause meanwhile. */
static void listener_drained(struct listener *listener)
{
    if (listener->pause_said)
        rill_log(&listener->loop->log, RILL_LOG_INFO, "Accepting connections again");
    listener->pause_said = false;
}

static void listener_ready(struct source *source, uint32_t events)
{
    struct listener *listener = (struct listener *)source;
    for (int i = 0; i < LISTENER_ACCEPTS_PER_TURN_MAX; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t peer_bytes = sizeof peer;
        const int fd =
            accept4(source->fd, (struct sockaddr *)&peer, &peer_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener_accepted(listener, fd, &peer);
            continue;
        }
        const enum accept_verdict verdict = accept_verdict(errno);
        if (verdict == ACCEPT_PAUSE)
            listener_pause(listener, errno);
        else if (verdict == ACCEPT_DONE)
            listener_drained(listener);
        if (verdict != ACCEPT_NEXT)
            return;
    }
}

/* A moment after a pause: goes on, and finds out whether the shortage is over. */
static void listener_resume_due(struct timer *timer)
{
    struct listener *listener = (struct listener *)((char *)timer - offsetof(struct listener, resume));
    listener_resume(listener);
    listener_ready(&listener->source, EPOLLIN);
}

void listener_start(struct listener *listener, struct loop *loop, listener_accepted_fn *accepted,
                    void *context)
{
    RILL_ASSERT(listener->source.fd >= 0 && !listener->loop);
    listener->source.ready = listener_ready;
    listener->resume.due = listener_resume_due;
    listener->loop = loop;
    listener->accepted = accepted;
    listener->context = context;
    poller_set_interest(&loop->poller, &listener->source, EPOLLIN);
}

void listener_close(struct listener *listener)
{
    if (listener->source.fd < 0)
        return;
    if (listener->loop) {
        timer_stop(&listener->loop->poller, &listener->resume);
        poller_remove(&listener->loop->poller, &listener->source);
    }
    (void)close(listener->source.fd);
    if (listener->unix_path[0])
        (void)unlink(listener->unix_path);
    *listener = LISTENER_CLOSED;
}
