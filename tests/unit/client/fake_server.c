// SPDX-License-Identifier: Apache-2.0
#include "fake_server.h"

#include "base/assert.h"
#include "wait.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEADLINE_MS = 10000 };

void fake_open(struct fake_server *fake)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    fake->conn = -1;
    fake->heard_bytes = 0;
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    RILL_ASSERT(fake->listener >= 0);
    RILL_ASSERT(bind(fake->listener, (struct sockaddr *)&address, len) == 0 &&
                listen(fake->listener, 8) == 0);
    RILL_ASSERT(getsockname(fake->listener, (struct sockaddr *)&address, &len) == 0);
    (void)snprintf(fake->url, sizeof fake->url, "nats://127.0.0.1:%u", ntohs(address.sin_port));
}

void fake_hang_up(struct fake_server *fake)
{
    if (fake->conn >= 0)
        (void)close(fake->conn);
    fake->conn = -1;
    fake->heard_bytes = 0;
}

void fake_close(struct fake_server *fake)
{
    fake_hang_up(fake);
    (void)close(fake->listener);
}

static bool readable(int fd, int64_t deadline_ns)
{
    struct pollfd polled = {fd, POLLIN, 0};
    const int64_t left_ms = (deadline_ns - wait_now_ns()) / RILL_NS_PER_MS;
    return left_ms > 0 && poll(&polled, 1, (int)left_ms) == 1;
}

bool fake_accept(struct fake_server *fake)
{
    fake_hang_up(fake);
    if (!readable(fake->listener, wait_deadline_ns(DEADLINE_MS, 0)))
        return false;
    fake->conn = accept(fake->listener, NULL, NULL);
    return fake->conn >= 0;
}

bool fake_say_bytes(struct fake_server *fake, const void *bytes, size_t count)
{
    return send(fake->conn, bytes, count, MSG_NOSIGNAL) == (ssize_t)count;
}

bool fake_say(struct fake_server *fake, const char *text)
{
    return fake_say_bytes(fake, text, strlen(text));
}

bool fake_say_info(struct fake_server *fake, const char *more)
{
    char line[1024];
    (void)snprintf(line, sizeof line,
                   "INFO {\"server_id\":\"FAKE\",\"server_name\":\"fake\",\"version\":\"2.10.0\",\"proto\":1,"
                   "\"headers\":true,\"max_payload\":1048576%s}\r\n",
                   more);
    return fake_say(fake, line);
}

/* Reads what there is; false at the end of the connection or of the time. */
static bool hear_more(struct fake_server *fake, int64_t deadline_ns)
{
    if (!readable(fake->conn, deadline_ns))
        return false;
    const ssize_t got =
        recv(fake->conn, fake->heard + fake->heard_bytes, FAKE_HEARD_BYTES - fake->heard_bytes, 0);
    if (got > 0)
        fake->heard_bytes += (size_t)got;
    return got > 0;
}

bool fake_hears(struct fake_server *fake, const char *text)
{
    const int64_t deadline_ns = wait_deadline_ns(DEADLINE_MS, 0);
    const size_t len = strlen(text);
    for (;;) {
        const char *found = memmem(fake->heard, fake->heard_bytes, text, len);
        if (found) {
            const size_t used = (size_t)(found - fake->heard) + len;
            fake->heard_bytes -= used;
            memmove(fake->heard, fake->heard + used, fake->heard_bytes);
            return true;
        }
        if (!hear_more(fake, deadline_ns))
            return false;
    }
}

bool fake_hears_word(struct fake_server *fake, const char *text, char ret_word[FAKE_WORD_BYTES])
{
    const int64_t deadline_ns = wait_deadline_ns(DEADLINE_MS, 0);
    const char *end = NULL;
    if (!fake_hears(fake, text))
        return false;
    while (!(end = memchr(fake->heard, ' ', fake->heard_bytes)))
        if (!hear_more(fake, deadline_ns))
            return false;
    (void)snprintf(ret_word, FAKE_WORD_BYTES, "%.*s", (int)(end - fake->heard), fake->heard);
    return true;
}

bool fake_answers(struct fake_server *fake, const char *subject, const char *headers, const char *payload)
{
    char text[2048];
    const size_t header_bytes = strlen(headers), total = header_bytes + strlen(payload);
    const int len = header_bytes
                        ? snprintf(text, sizeof text, "HMSG %s 1 %zu %zu\r\n%s%s\r\n", subject, header_bytes,
                                   total, headers, payload)
                        : snprintf(text, sizeof text, "MSG %s 1 %zu\r\n%s\r\n", subject, total, payload);
    return len < (int)sizeof text && fake_say(fake, text);
}

bool fake_is_left(struct fake_server *fake)
{
    const int64_t deadline_ns = wait_deadline_ns(DEADLINE_MS, 0);
    do
        fake->heard_bytes = 0;
    while (hear_more(fake, deadline_ns));
    return wait_now_ns() < deadline_ns;
}

bool fake_greet(struct fake_server *fake)
{
    return fake_accept(fake) && fake_say_info(fake, "") && fake_hears(fake, "CONNECT {") &&
           fake_hears(fake, "PING\r\n") && fake_say(fake, "PONG\r\n");
}
