// SPDX-License-Identifier: Apache-2.0
#include "ws_upgrade.h"

#include "sha1.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(ws_upgrade);

// The examples of FIPS 180, and lengths around the edges of a block.
Test(ws_upgrade, sha1_gives_the_published_digests)
{
    static const struct {
        const char *input;
        const char *digest;
        const char *why;
    } rows[] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "nothing"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d", "one block"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1", "the length does not fit into the first block"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "0098ba824b5c16427bd7a1122a5a442a25ec644d", "a whole block"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t digest[SHA1_BYTES];
        char hex[2 * SHA1_BYTES + 1];
        sha1(rill_bytes_from_cstr(rows[i].input), digest);
        for (size_t at = 0; at < SHA1_BYTES; at++)
            (void)snprintf(hex + 2 * at, 3, "%02x", digest[at]);
        cr_expect(eq(str, hex, (char *)rows[i].digest), "%s", rows[i].why);
    }
}

#define HEAD "GET /any HTTP/1.1\r\nHost: x\r\n"
#define KEY  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// Only the whole handshake is accepted; RFC 6455 gives the key and its answer.
Test(ws_upgrade, only_the_whole_handshake_is_accepted)
{
    static const struct {
        const char *request;
        const char *answer;
        const char *why;
    } rows[] = {
        {HEAD "Upgrade: WebSocket\r\nConnection: x, upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n",
         "HTTP/1.1 101 ", "complete"},
        {HEAD "Connection: upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n", "HTTP/1.1 426 ",
         "no Upgrade"},
        {HEAD "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 8\r\n" KEY "\r\n",
         "HTTP/1.1 426 ", "an old version"},
        {HEAD "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
         "HTTP/1.1 400 ", "no key"},
        {"POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 405 ", "another method"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request request;
        char answer[WS_ANSWER_BYTES_MAX + 1] = "";
        bool accepted;
        cr_assert(
            eq(int, http_request_parse(rill_bytes_from_cstr(rows[i].request), &request), HTTP_PARSE_DONE));
        answer[ws_upgrade_answer(&request, answer, &accepted)] = '\0';
        cr_expect(strstr(answer, rows[i].answer) == answer, "%s: %s", rows[i].why, answer);
        cr_expect(eq(int, accepted, i == 0));
        cr_expect(i != 0 || strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    }
}
