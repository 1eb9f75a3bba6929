// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENER_BACKLOG = 4096 };

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

static enum rill_err fail(const char *what, const char *where, struct rill_error_text *why)
{
    const int code = errno;
    rill_error_text_set(why, "%s %s: %s", what, where, strerror(code));
    return code == EADDRINUSE ? RILL_ERR_EXISTS : rill_err_from_errno(code);
}

/* Binds and listens; the descriptor, or -1 with errno. */
static int open_listening(const union address *address, socklen_t address_bytes, bool both_families)
{
    const int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const int on = 1;
    const int v6only = !both_families;
    if (address->any.sa_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
    if (bind(fd, &address->any, address_bytes) == 0 && listen(fd, LISTENER_BACKLOG) == 0)
        return fd;
    const int code = errno;
    (void)close(fd);
    errno = code;
    return -1;
}

static int open_any_address(uint16_t port)
{
    const union address v6 = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    const int fd = open_listening(&v6, sizeof v6.in6, true);
    if (fd >= 0 || errno != EAFNOSUPPORT)
        return fd;
    const union address v4 = {.in = {.sin_family = AF_INET, .sin_port = htons(port)}};
    return open_listening(&v4, sizeof v4.in, false);
}

static bool address_from_numbers(const char *host, uint16_t port, union address *ret, socklen_t *ret_bytes)
{
    union address address = {0};
    if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons(port);
        *ret_bytes = sizeof address.in;
    } else if (inet_pton(AF_INET6, host, &address.in6.sin6_addr) == 1) {
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_port = htons(port);
        *ret_bytes = sizeof address.in6;
    } else {
        return false;
    }
    *ret = address;
    return true;
}

/* The first address of a name. */
static enum rill_err address_from_name(const char *host, uint16_t port, union address *ret,
                                       socklen_t *ret_bytes, struct rill_error_text *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    const int failed = getaddrinfo(host, service, &hints, &found);
    if (failed) {
        rill_error_text_set(why, "listen on %s: %s", host, gai_strerror(failed));
        return RILL_ERR_NOT_FOUND;
    }
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    *ret_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return RILL_OK;
}

static bool host_is_any(const char *host)
{
    return !host || !host[0] || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static uint16_t bound_port(int fd)
{
    union address address = {0};
    socklen_t bytes = sizeof address;
    (void)getsockname(fd, &address.any, &bytes);
    return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
}

enum rill_err listener_open_tcp(struct listener *listener, const char *host, uint16_t port,
                                struct rill_error_text *why)
{
    union address address;
    socklen_t address_bytes;
    const bool any = host_is_any(host);
    if (!any && !address_from_numbers(host, port, &address, &address_bytes)) {
        const enum rill_err err = address_from_name(host, port, &address, &address_bytes, why);
        if (err)
            return err;
    }
    const int fd = any ? open_any_address(port) : open_listening(&address, address_bytes, false);
    if (fd < 0) {
        char where[128];
        (void)snprintf(where, sizeof where, "%s:%u", any ? "0.0.0.0" : host, (unsigned)port);
        return fail("listen on", where, why);
    }
    *listener = LISTENER_CLOSED;
    listener->source.fd = fd;
    listener->port = bound_port(fd);
    listener->any_address = any;
    return RILL_OK;
}

/* A socket file that nobody answers at is left over from a process that died. */
static void remove_stale(const union address *address, socklen_t address_bytes)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, &address->any, address_bytes) != 0 && errno == ECONNREFUSED)
        (void)unlink(address->un.sun_path);
    (void)close(fd);
}

enum rill_err listener_open_unix(struct listener *listener, const char *path, struct rill_error_text *why)
{
    union address address = {.un = {.sun_family = AF_UNIX}};
    const bool abstract = path[0] == '@';
    const size_t len = strlen(path);
    if (len >= sizeof address.un.sun_path) {
        rill_error_text_set(why, "listen on %s: the path is longer than %zu", path,
                            sizeof address.un.sun_path - 1);
        return RILL_ERR_LIMIT;
    }
    memcpy(address.un.sun_path, path, len);
    if (abstract)
        address.un.sun_path[0] = '\0';
    const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
    if (!abstract)
        remove_stale(&address, bytes);
    const int fd = open_listening(&address, bytes, false);
    if (fd < 0)
        return fail("listen on", path, why);
    *listener = LISTENER_CLOSED;
    listener->source.fd = fd;
    if (!abstract)
        (void)snprintf(listener->unix_path, sizeof listener->unix_path, "%s", path);
    return RILL_OK;
}
