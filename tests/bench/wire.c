// SPDX-License-Identifier: Apache-2.0
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#define WIRE_CONNECT                                                                                         \
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"0\",\"protocol\":0,"         \
    "\"name\":\"rill-bench\"}\r\n"

static enum rill_err fail(struct rill_error_text *why, const char *what)
{
    rill_error_text_set(why, "%s: %m", what);
    return errno == ECONNREFUSED ? RILL_ERR_CLOSED : rill_err_from_errno(errno);
}

static enum rill_err socket_connect(int fd, uint16_t port, struct rill_error_text *why)
{
    const struct timeval timeout = {.tv_sec = WIRE_TIMEOUT_S};
    const struct linger reset = {.l_onoff = 1};
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return fail(why, "set up a socket");
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail(why, "connect");
    return RILL_OK;
}

static enum rill_err wire_fill(struct wire *wire, struct rill_error_text *why)
{
    const size_t room = sizeof wire->input - wire->input_len;
    const ssize_t count = room ? TEMP_FAILURE_RETRY(read(wire->fd, wire->input + wire->input_len, room)) : 0;
    if (count < 0)
        return fail(why, "read");
    if (count == 0) {
        rill_error_text_set(why, room ? "the server closed the connection" : "too long a line of the server");
        return RILL_ERR_CLOSED;
    }
    wire->input_len += (size_t)count;
    return RILL_OK;
}

static void wire_consume(struct wire *wire, size_t count)
{
    wire->input_len -= count;
    memmove(wire->input, wire->input + count, wire->input_len);
}

static enum rill_err wire_read_info(struct wire *wire, struct rill_error_text *why)
{
    const char *end = NULL;
    while (!(end = memchr(wire->input, '\n', wire->input_len))) {
        const enum rill_err err = wire_fill(wire, why);
        if (err)
            return err;
    }
    if (!rill_bytes_has_prefix(rill_bytes_of(wire->input, wire->input_len), RILL_BYTES("INFO {"))) {
        rill_error_text_set(why, "the server does not begin with INFO");
        return RILL_ERR_INVALID;
    }
    wire_consume(wire, (size_t)(end + 1 - wire->input));
    return RILL_OK;
}

enum rill_err wire_open(struct wire *wire, uint16_t port, struct rill_error_text *why)
{
    wire->input_len = 0;
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd < 0)
        return fail(why, "make a socket");
    enum rill_err err = socket_connect(wire->fd, port, why);
    if (!err)
        err = wire_read_info(wire, why);
    if (err)
        wire_close(wire);
    return err;
}

enum rill_err wire_join(struct wire *wire, uint16_t port, struct rill_error_text *why)
{
    enum rill_err err = wire_open(wire, port, why);
    if (err)
        return err;
    err = wire_send(wire, RILL_BYTES(WIRE_CONNECT), why);
    if (!err)
        err = wire_flush(wire, why);
    if (err)
        wire_close(wire);
    return err;
}

void wire_close(struct wire *wire)
{
    if (wire->fd >= 0)
        (void)close(wire->fd);
    wire->fd = -1;
}

enum rill_err wire_send(struct wire *wire, struct rill_bytes bytes, struct rill_error_text *why)
{
    while (bytes.len) {
        const ssize_t count = TEMP_FAILURE_RETRY(send(wire->fd, bytes.data, bytes.len, MSG_NOSIGNAL));
        if (count < 0)
            return fail(why, "write");
        bytes = rill_bytes_from(bytes, (size_t)count);
    }
    return RILL_OK;
}

/* Answers a PING that stands in front of the input; *ret_found says whether one stood there. */
static enum rill_err wire_answer_ping(struct wire *wire, bool *ret_found, struct rill_error_text *why)
{
    const struct rill_bytes ping = RILL_BYTES("PING\r\n");
    *ret_found = rill_bytes_has_prefix(rill_bytes_of(wire->input, wire->input_len), ping);
    if (!*ret_found)
        return RILL_OK;
    wire_consume(wire, ping.len);
    return wire_send(wire, RILL_BYTES("PONG\r\n"), why);
}

static enum rill_err fail_unexpected(struct rill_error_text *why, struct rill_bytes expected,
                                     struct rill_bytes got)
{
    const size_t shown = got.len < 80 ? got.len : 80;
    rill_error_text_set(why, "expected '" RILL_PRI "', got '" RILL_PRI "'", RILL_ARG(expected),
                        RILL_ARG(rill_bytes_of(got.data, shown)));
    for (char *at = why->text; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = '|';
    return RILL_ERR_INVALID;
}

enum rill_err wire_expect(struct wire *wire, struct rill_bytes bytes, struct rill_error_text *why)
{
    for (;;) {
        bool pinged = false;
        enum rill_err err = wire_answer_ping(wire, &pinged, why);
        if (err)
            return err;
        if (pinged)
            continue;
        const struct rill_bytes input = rill_bytes_of(wire->input, wire->input_len);
        if (rill_bytes_has_prefix(input, bytes))
            break;
        // Nothing but what is expected and a PING may stand there; what is shorter than both may become
        // either.
        if (input.len >= bytes.len && input.len >= 6)
            return fail_unexpected(why, bytes, input);
        err = wire_fill(wire, why);
        if (err)
            return err;
    }
    wire_consume(wire, bytes.len);
    return RILL_OK;
}

enum rill_err wire_flush(struct wire *wire, struct rill_error_text *why)
{
    const enum rill_err err = wire_send(wire, RILL_BYTES("PING\r\n"), why);
    return err ? err : wire_expect(wire, RILL_BYTES("PONG\r\n"), why);
}

enum rill_err wire_subscribe(struct wire *wire, const char *subject, struct rill_error_text *why)
{
    char line[128];
    const int length = snprintf(line, sizeof line, "SUB %s 1\r\n", subject);
    const enum rill_err err = wire_send(wire, rill_bytes_of(line, (size_t)length), why);
    return err ? err : wire_flush(wire, why);
}
