// SPDX-License-Identifier: Apache-2.0
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum rill_err link_open(struct link *link, uint16_t port, const char *subject, struct rill_error_text *why)
{
    *link = (struct link){.wire.fd = -1, .input = malloc(LINK_INPUT_BYTES)};
    if (!link->input)
        return RILL_ERR_NO_MEMORY;
    enum rill_err err = wire_open(&link->wire, port, why);
    // With headers, for the statuses of pulls.
    if (!err)
        err = wire_send(
            &link->wire,
            RILL_BYTES("CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"0\","
                       "\"protocol\":0,\"headers\":true,\"no_responders\":true,\"name\":\"rill-bench\"}\r\n"),
            why);
    if (!err)
        err = wire_flush(&link->wire, why);
    return err || !subject ? err : wire_subscribe(&link->wire, subject, why);
}

void link_close(struct link *link)
{
    wire_close(&link->wire);
    free(link->input);
    link->input = NULL;
}

/* Splits a line at its spaces; how many words there were, at most `max`. */
static size_t words_of(struct rill_bytes line, struct rill_bytes *words, size_t max)
{
    size_t count = 0;
    while (line.len && count < max) {
        const uint8_t *space = memchr(line.data, ' ', line.len);
        const size_t len = space ? (size_t)(space - line.data) : line.len;
        words[count++] = rill_bytes_of(line.data, len);
        line = rill_bytes_from(line, space ? len + 1 : len);
    }
    return count;
}

static enum rill_err fail_line(struct rill_bytes line, struct rill_error_text *why)
{
    rill_error_text_set(why, "the server says '" RILL_PRI "'", RILL_ARG(line));
    return RILL_ERR_INVALID;
}

/* MSG subject sid [reply] bytes, or HMSG subject sid [reply] header-bytes bytes. */
static enum rill_err message_of(struct rill_bytes line, struct rill_bytes rest, struct link_message *ret,
                                size_t *ret_size, struct rill_error_text *why)
{
    struct rill_bytes words[7];
    const size_t count = words_of(line, words, 7);
    const bool has_headers = line.data[0] == 'H';
    const size_t fixed = has_headers ? 5 : 4;
    uint64_t size, headers = 0;
    if ((count != fixed && count != fixed + 1) ||
        !rill_bytes_to_u64(words[count - 1], LINK_INPUT_BYTES / 2, &size) ||
        (has_headers && !rill_bytes_to_u64(words[count - 2], size, &headers)))
        return fail_line(line, why);
    if (rest.len < size + 2)
        return RILL_ERR_NOT_FOUND;
    *ret = (struct link_message){
        .subject = words[1],
        .reply = count == fixed + 1 ? words[3] : (struct rill_bytes){0},
        .headers = rill_bytes_of(rest.data, headers),
        .payload = rill_bytes_of(rest.data + headers, size - headers),
    };
    *ret_size = size + 2;
    return RILL_OK;
}

enum rill_err link_take(struct link *link, struct link_message *ret, struct rill_error_text *why)
{
    for (;;) {
        const struct rill_bytes input = rill_bytes_of(link->input + link->from, link->to - link->from);
        const uint8_t *end = input.len ? memchr(input.data, '\n', input.len) : NULL;
        if (!end || end == input.data)
            return RILL_ERR_NOT_FOUND;
        const struct rill_bytes line = rill_bytes_of(input.data, (size_t)(end - input.data) - 1);
        const size_t line_size = line.len + 2;
        if (line.len && (line.data[0] == 'M' || line.data[0] == 'H')) {
            size_t size = 0;
            const enum rill_err err = message_of(line, rill_bytes_from(input, line_size), ret, &size, why);
            link->from += err ? 0 : line_size + size;
            return err;
        }
        if (!rill_bytes_equal(line, RILL_BYTES("PING")))
            return fail_line(line, why);
        link->from += line_size;
        const enum rill_err err = wire_send(&link->wire, RILL_BYTES("PONG\r\n"), why);
        if (err)
            return err;
    }
}

enum rill_err link_receive(struct link *link, struct rill_error_text *why)
{
    if (link->from) {
        link->to -= link->from;
        memmove(link->input, link->input + link->from, link->to);
        link->from = 0;
    }
    const ssize_t count =
        TEMP_FAILURE_RETRY(recv(link->wire.fd, link->input + link->to, LINK_INPUT_BYTES - link->to, 0));
    if (count <= 0) {
        rill_error_text_set(why, count ? "read: %m" : "the server closed the connection");
        return count ? rill_err_from_errno(errno) : RILL_ERR_CLOSED;
    }
    link->to += (size_t)count;
    return RILL_OK;
}

enum rill_err link_next(struct link *link, struct link_message *ret, struct rill_error_text *why)
{
    enum rill_err err;
    while ((err = link_take(link, ret, why)) == RILL_ERR_NOT_FOUND) {
        err = link_receive(link, why);
        if (err)
            return err;
    }
    return err;
}

uint64_t link_number_at(struct rill_bytes reply, unsigned place)
{
    unsigned dots = 0;
    for (size_t i = 0; i < reply.len; i++) {
        if (reply.data[i] == '.' && ++dots == place)
            return strtoull((const char *)reply.data + i + 1, NULL, 10);
    }
    return 0;
}

enum rill_err link_request(struct link *link, const char *subject, const char *inbox, const char *payload,
                           struct rill_error_text *why)
{
    struct link_message reply;
    char line[1024];
    const int len =
        snprintf(line, sizeof line, "PUB %s %s %zu\r\n%s\r\n", subject, inbox, strlen(payload), payload);
    enum rill_err err = wire_send(&link->wire, rill_bytes_of(line, (size_t)len), why);
    if (!err)
        err = link_next(link, &reply, why);
    if (err)
        return err;
    if (reply.payload.len && !memmem(reply.payload.data, reply.payload.len, "\"error\"", 7))
        return RILL_OK;
    rill_error_text_set(why, "%s is answered: " RILL_PRI, subject, RILL_ARG(reply.payload));
    return RILL_ERR_INVALID;
}

enum rill_err link_make_stream(struct link *link, const char *inbox, struct rill_error_text *why)
{
    return link_request(link, "$JS.API.STREAM.CREATE.BENCH", inbox,
                        "{\"name\":\"BENCH\",\"subjects\":[\"bench.>\"],\"storage\":\"file\"}", why);
}
