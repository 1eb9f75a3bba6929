// SPDX-License-Identifier: Apache-2.0
#include "loop_fixture.h"

#include "http.h"

#include <arpa/inet.h>

static struct fixture fixture;
static struct http_server server;
static struct process_meter meter;
static int64_t config_load_wall_ns;

static void setup(void)
{
    struct rill_error_text why;
    const struct http_server_config config = {
        .host = "127.0.0.1",
        .base_path = "/rill/",
        .meter = &meter,
        .config_load_wall_ns = &config_load_wall_ns,
    };
    fixture_init(&fixture);
    cr_assert(not(http_server_open(&server, &config, &why)), "%s", why.text);
    http_server_start(&server, &fixture.loop);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(server.listener.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    fixture.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, connect(fixture.peer, (const struct sockaddr *)&address, sizeof address), 0));
}

static void teardown(void)
{
    http_server_close(&server);
    fixture_fini(&fixture);
}

TestSuite(http, .init = setup, .fini = teardown);

/* Says it, then hears until `end` has come or the connection ends. */
static const char *ask(const char *request, const char *end)
{
    static char heard[16 * 1024];
    size_t len = 0;
    memset(heard, 0, sizeof heard);
    fixture_say(&fixture, rill_bytes_from_cstr(request));
    while (len < sizeof heard - 1 && !strstr(heard, end)) {
        const size_t got = fixture_hear(&fixture, (uint8_t *)heard + len, 1);
        if (!got)
            break;
        len += got;
    }
    return heard;
}

// Each endpoint behind the base path answers, on one connection, and gets its query as it came.
Test(http, endpoints_answer_on_one_connection)
{
    const char *answer = ask("GET /rill/varz?a=%41&b HTTP/1.1\r\nHost: x\r\n\r\n", "varz?a=%41&b");
    cr_expect(strstr(answer, "HTTP/1.1 200 OK\r\n") == answer);
    cr_expect(strstr(answer, "Content-Length: 12\r\n") != NULL, "%s", answer);
    answer = ask("GET /rill HTTP/1.1\r\nHost: x\r\n\r\n", "index?");
    cr_expect(strstr(answer, "index?") != NULL);
    cr_expect(eq(u64, server.request_counts[RILL_MONITOR_VARZ], 1));
}

// HEAD has the length and no body; requests may come back to back.
Test(http, head_has_no_body)
{
    const char *answer =
        ask("HEAD /rill/varz HTTP/1.1\r\nHost: x\r\n\r\nGET /rill/no HTTP/1.0\r\n\r\n", "not found\n");
    cr_expect(strstr(answer, "Content-Length: 5\r\n") != NULL);
    cr_expect(strstr(answer, "varz?") == NULL);
    cr_expect(strstr(answer, "\r\n\r\nHTTP/1.1 404 Not Found\r\n") != NULL, "%s", answer);
    cr_expect(strstr(answer, "Connection: close\r\n") != NULL);
}

// What is not a request for a page is answered with an error, and the connection ends.
Test(http, bad_requests_are_answered_and_closed)
{
    static char large[9000];
    memset(large, 'a', sizeof large - 1);
    static const struct {
        const char *request;
        const char *status;
        const char *why;
    } rows[] = {
        {"POST /rill/varz HTTP/1.1\r\nHost: x\r\n\r\n", "405", "only GET and HEAD"},
        {"GET /rill/varz HTTP/1.1\r\n\r\n", "400", "no Host"},
        {"\x16\x03\x01\x02 hello\r\n\r\n", "400", "TLS on the plain port"},
        {"CONNECT {\"verbose\":false}\r\n", "400", "a NATS client"},
        {large, "431", "a head without end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        teardown();
        setup();
        const char *answer = ask(rows[i].request, "never");
        cr_expect(eq(int, strncmp(answer + 9, rows[i].status, 3), 0), "%s: %s", rows[i].why, answer);
        cr_expect(strstr(answer, "Connection: close\r\n") != NULL, "%s", rows[i].why);
    }
}

// An escape in a path is part of the path, never decoded.
Test(http, paths_are_not_decoded)
{
    const char *answer = ask("GET /rill/%76arz HTTP/1.1\r\nHost: x\r\n\r\n", "not found\n");
    cr_expect(strstr(answer, "404") != NULL);
}
