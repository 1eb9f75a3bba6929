// SPDX-License-Identifier: Apache-2.0
#include "loop_fixture.h"

#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/un.h>

static struct fixture fixture;
static struct listener listener;

static void accepted(void *context, int fd, const char *address, uint16_t port)
{
    link_socket_open(&fixture.loop, fd, RILL_CONN_TCP, address, port);
}

static void freed(void *context)
{
    listener_resume(&listener);
}

static void setup(void)
{
    struct rill_error_text why;
    fixture_init(&fixture);
    fixture.loop.descriptor_freed = freed;
    cr_assert(not(listener_open_tcp(&listener, "0.0.0.0", 0, &why)), "%s", why.text);
    listener_start(&listener, &fixture.loop, accepted, NULL);
}

static void teardown(void)
{
    listener_close(&listener);
    fixture_fini(&fixture);
}

TestSuite(listener, .init = setup, .fini = teardown);

static int connect_v4(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(listener.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(int, connect(fd, (const struct sockaddr *)&address, sizeof address), 0));
    return fd;
}

static void turn_until(size_t links)
{
    for (int i = 0; i < 2000 && fixture.loop.link_count != links; i++)
        fixture_turn(&fixture);
}

// An errno of accept() means one of three things.
Test(listener, an_accept_error_is_over_next_or_pause)
{
    static const struct {
        int code;
        enum accept_verdict verdict;
        const char *why;
    } rows[] = {
        {EAGAIN, ACCEPT_DONE, "nobody waits"},
        {EMFILE, ACCEPT_PAUSE, "the process has no descriptor left"},
        {ENFILE, ACCEPT_PAUSE, "the machine has no descriptor left"},
        {ENOBUFS, ACCEPT_PAUSE, "no memory for a socket"},
        {ENOMEM, ACCEPT_PAUSE, "no memory"},
        {ECONNABORTED, ACCEPT_NEXT, "the peer has gone meanwhile"},
        {EINTR, ACCEPT_NEXT, "a signal"},
        {EPROTO, ACCEPT_NEXT, "a broken connection"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect(eq(int, accept_verdict(rows[i].code), rows[i].verdict), "%s", rows[i].why);
}

// "0.0.0.0" listens on IPv4 and, where the machine has it, on IPv6; an IPv4 peer looks like one.
Test(listener, every_address_is_ipv4_and_ipv6)
{
    const int v4 = connect_v4();
    turn_until(1);
    cr_expect(eq(str, fixture.loop.links->peer_address, "127.0.0.1"));
    (void)close(v4);
    const struct sockaddr_in6 address = {
        .sin6_family = AF_INET6, .sin6_port = htons(listener.port), .sin6_addr = in6addr_loopback};
    const int v6 = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (v6 < 0 || connect(v6, (const struct sockaddr *)&address, sizeof address) != 0)
        cr_skip_test("no IPv6 on this machine");
    turn_until(0);
    turn_until(1);
    cr_expect(eq(str, fixture.loop.links->peer_address, "::1"));
    (void)close(v6);
}

// Out of descriptors, accepting pauses and says so once; a connection that ends lets the next one in.
Test(listener, accepting_pauses_without_descriptors_and_goes_on)
{
    const int first = connect_v4();
    turn_until(1);
    const int second = connect_v4();
    const struct rlimit none = {(rlim_t)second + 1, (rlim_t)second + 1};
    cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &none), 0));
    int filler = 0;
    while (filler >= 0)
        filler = dup(second); // until no descriptor below the limit is left
    for (int i = 0; i < 5; i++)
        fixture_turn(&fixture);
    cr_expect(listener.paused);
    cr_expect(eq(sz, fixture.loop.link_count, 1));
    char *said = strstr(fixture.log, "pausing");
    cr_expect(said && !strstr(said + 1, "pausing"));
    (void)shutdown(first, SHUT_RDWR);
    for (int i = 0; i < 2000 && fixture.core->conn_count < 2; i++)
        fixture_turn(&fixture);
    cr_expect(eq(sz, fixture.core->conn_count, 2));
    (void)shutdown(second, SHUT_RDWR);
    for (int i = 0; i < 2000 && !strstr(fixture.log, "Accepting connections again"); i++)
        fixture_turn(&fixture);
    cr_expect(strstr(fixture.log, "Accepting connections again") != NULL);
    cr_expect(strstr(said + 1, "pausing") == NULL); // nor was it said again for the second shortage in a row
}

// A socket file that a killed process left is replaced; one that somebody listens at is not.
Test(listener, a_stale_unix_socket_is_replaced)
{
    struct rill_error_text why;
    char path[64];
    struct listener one = LISTENER_CLOSED;
    struct listener two = LISTENER_CLOSED;
    (void)snprintf(path, sizeof path, "/tmp/rill-listener-%d.sock", (int)getpid());
    cr_assert(not(listener_open_unix(&one, path, &why)), "%s", why.text);
    cr_expect(eq(int, listener_open_unix(&two, path, &why), RILL_ERR_EXISTS));
    (void)close(one.source.fd); // as if killed: the file stays
    cr_expect(not(listener_open_unix(&two, path, &why)), "%s", why.text);
    listener_close(&two);
    cr_expect(eq(int, access(path, F_OK), -1));
}

// A port that is taken is refused with words that name it.
Test(listener, a_taken_port_is_named)
{
    struct rill_error_text why;
    struct listener other = LISTENER_CLOSED;
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)listener.port);
    cr_expect(eq(int, listener_open_tcp(&other, "127.0.0.1", listener.port, &why), RILL_ERR_EXISTS));
    cr_expect(strstr(why.text, port) != NULL, "%s", why.text);
}
