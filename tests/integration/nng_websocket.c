// SPDX-License-Identifier: Apache-2.0
//
// nng's WebSocket, the transport that the C client library will have, against the broker's: with_server.py starts one and
// names it in RILL_WS_URL. One TAP line per law.
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MS = 10000, BUFFER_BYTES = 1 << 20 };

static nng_aio *aio;

static int wait_for(void)
{
    nng_aio_wait(aio);
    return nng_aio_result(aio);
}

/* All of it, in as many sends as nng likes. */
static int send_all(nng_stream *stream, const char *bytes, size_t len)
{
    while (len) {
        nng_iov iov = {(void *)bytes, len};
        nng_aio_set_iov(aio, 1, &iov);
        nng_stream_send(stream, aio);
        const int err = wait_for();
        if (err)
            return err;
        bytes += nng_aio_count(aio);
        len -= nng_aio_count(aio);
    }
    return 0;
}

/* Reads until `text` has come, into a string of the caller's. */
static int receive_until(nng_stream *stream, const char *text, char *buffer)
{
    size_t len = 0;
    buffer[0] = '\0';
    while (!strstr(buffer, text)) {
        nng_iov iov = {buffer + len, BUFFER_BYTES - 1 - len};
        nng_aio_set_iov(aio, 1, &iov);
        nng_stream_recv(stream, aio);
        const int err = wait_for();
        if (err)
            return err;
        len += nng_aio_count(aio);
        buffer[len] = '\0';
    }
    return 0;
}

static int dial(const char *url, nng_stream **ret_stream)
{
    nng_stream_dialer *dialer;
    int err = nng_stream_dialer_alloc(&dialer, url);
    if (err)
        return err;
    nng_stream_dialer_dial(dialer, aio);
    err = wait_for();
    if (!err)
        *ret_stream = nng_aio_get_output(aio, 0);
    nng_stream_dialer_free(dialer);
    return err;
}

static int law(int number, const char *name, int err)
{
    printf("%sok %d - %s%s%s\n", err ? "not " : "", number, name, err ? " # " : "",
           err ? nng_strerror(err) : "");
    return err != 0;
}

int main(void)
{
    const char *url = getenv("RILL_WS_URL");
    printf("1..3\n");
    if (!url || nng_aio_alloc(&aio, NULL, NULL)) {
        fprintf(stderr, "RILL_WS_URL is not set\n");
        return 1;
    }
    nng_aio_set_timeout(aio, DEADLINE_MS);
    // nng 1.5 asks for an empty path when the URL has none.
    char path_url[128];
    (void)snprintf(path_url, sizeof path_url, "%s/", url);
    static char buffer[BUFFER_BYTES];
    static const char hello[] =
        "CONNECT {\"verbose\":false}\r\nSUB orders.* 1\r\nPUB orders.new 5\r\nhello\r\n";
    nng_stream *stream = NULL;
    int failed = law(1, "nng_connects_over_websocket", dial(path_url, &stream));
    if (!stream)
        return 1;
    int err = send_all(stream, hello, sizeof hello - 1);
    failed |= law(2, "a_message_comes_back",
                  err ? err : receive_until(stream, "MSG orders.new 1 5\r\nhello\r\n", buffer));

    // Larger than a frame of nng's and than one read of the broker's.
    enum { LARGE = 600 * 1024 };
    static char large[LARGE + 64];
    const int head = sprintf(large, "PUB orders.large %d\r\n", LARGE);
    memset(large + head, 'x', LARGE);
    (void)sprintf(large + head + LARGE, "\r\nPING\r\n");
    err = send_all(stream, large, strlen(large));
    failed |=
        law(3, "a_large_message_comes_back_whole", err ? err : receive_until(stream, "PONG\r\n", buffer));
    nng_stream_free(stream);
    nng_aio_free(aio);
    return failed;
}
