// SPDX-License-Identifier: Apache-2.0
//
// A link over WebSocket: the handshake, then binary frames both ways. What the client frames is unmasked in
// the loop's read buffer and pushed together there, so the core sees one run of bytes. What the core has to
// send goes out as one frame per write; the sequence of the bytes to send is
//
//     lead (the handshake's answer, a control frame, the head of a frame) | frame_left bytes of the core's
//     output | control (a pong or close that came up meanwhile; a newer one replaces it) | ...
//
// Why not through a library: the one at hand (nng 1.5) writes past its heap when a request's path ends in an
// escape.
#include "link.h"
#include "socket_io.h"
#include "ws_frame.h"
#include "ws_upgrade.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <sys/socket.h>

enum {
    WS_CONTROL_FRAME_BYTES_MAX = 2 + WS_CONTROL_BYTES_MAX,
    WS_LEAD_BYTES_MAX = WS_ANSWER_BYTES_MAX + WS_CONTROL_FRAME_BYTES_MAX + WS_HEAD_BYTES_MAX,
    WS_PIECES_MAX = 65,
};

struct link_ws {
    struct link link;     // first
    struct rill_buf head; // of the handshake, until it is complete
    struct ws_decoder decoder;
    uint64_t frame_left;
    uint16_t lead_len;
    uint8_t control_len;
    bool answering; // the lead is the handshake's answer; more may be put behind it
    uint8_t lead[WS_LEAD_BYTES_MAX];
    uint8_t control[WS_CONTROL_FRAME_BYTES_MAX];
};

static void lead_append(struct link_ws *ws, const void *bytes, size_t len)
{
    RILL_ASSERT(len <= sizeof ws->lead - ws->lead_len);
    memcpy(ws->lead + ws->lead_len, bytes, len);
    ws->lead_len = (uint16_t)(ws->lead_len + len);
}

static void control_set(struct link_ws *ws, enum ws_opcode opcode, struct rill_bytes payload)
{
    uint8_t head[WS_HEAD_BYTES_MAX];
    const size_t head_bytes = ws_encode_head(head, opcode, payload.len);
    RILL_ASSERT(head_bytes == 2 && payload.len <= WS_CONTROL_BYTES_MAX);
    memcpy(ws->control, head, head_bytes);
    if (payload.len)
        memcpy(ws->control + head_bytes, payload.data, payload.len);
    ws->control_len = (uint8_t)(head_bytes + payload.len);
}

static void control_set_close(struct link_ws *ws, enum ws_close_code code)
{
    const uint8_t payload[2] = {(uint8_t)((unsigned)code >> 8), (uint8_t)((unsigned)code & 0xff)};
    control_set(ws, WS_CLOSE, rill_bytes_of(payload, sizeof payload));
}

// ---- writing ----

/* Between two frames: what waits goes first, then the head of a frame for `bytes` of output. */
static void begin_frame(struct link_ws *ws, size_t bytes)
{
    lead_append(ws, ws->control, ws->control_len);
    ws->control_len = 0;
    if (!bytes)
        return;
    uint8_t head[WS_HEAD_BYTES_MAX];
    lead_append(ws, head, ws_encode_head(head, WS_BINARY, bytes));
    ws->frame_left = bytes;
}

/* The lead and what the frame still takes of the pieces; returns how many pieces that is. */
static size_t gather(struct link_ws *ws, const struct iovec *pieces, size_t count,
                     struct iovec out[WS_PIECES_MAX], size_t *ret_bytes)
{
    size_t used = 0;
    uint64_t room = ws->frame_left;
    *ret_bytes = ws->lead_len;
    if (ws->lead_len)
        out[used++] = (struct iovec){ws->lead, ws->lead_len};
    for (size_t i = 0; i < count && room && used < WS_PIECES_MAX; i++) {
        const size_t len = pieces[i].iov_len < room ? pieces[i].iov_len : (size_t)room;
        out[used++] = (struct iovec){pieces[i].iov_base, len};
        room -= len;
        *ret_bytes += len;
    }
    return used;
}

/* Returns how many of the sent bytes were the core's. */
static size_t account_sent(struct link_ws *ws, size_t sent)
{
    const size_t of_lead = sent < ws->lead_len ? sent : ws->lead_len;
    ws->lead_len = (uint16_t)(ws->lead_len - of_lead);
    memmove(ws->lead, ws->lead + of_lead, ws->lead_len);
    ws->frame_left -= sent - of_lead;
    return sent - of_lead;
}

static size_t total_bytes(const struct iovec *pieces, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].iov_len;
    return bytes;
}

static enum link_status ws_write(struct link *link, const struct iovec *pieces, size_t count,
                                 size_t *ret_bytes)
{
    struct link_ws *ws = (struct link_ws *)link;
    struct iovec out[WS_PIECES_MAX];
    size_t out_bytes;
    size_t sent = 0;
    *ret_bytes = 0;
    if (!ws->frame_left && (!ws->lead_len || ws->answering))
        begin_frame(ws, total_bytes(pieces, count));
    ws->answering = false;
    const size_t out_count = gather(ws, pieces, count, out, &out_bytes);
    if (!out_count)
        return LINK_OK;
    const enum link_status status = socket_io_write(link->source.fd, out, out_count, &sent);
    *ret_bytes = account_sent(ws, sent);
    // A control frame that had to wait for the end of this frame wants a write of its own.
    return status == LINK_OK && ws->control_len && !ws->frame_left ? LINK_AGAIN : status;
}

static void ws_part(struct link *link)
{
    struct link_ws *ws = (struct link_ws *)link;
    if (!ws->frame_left)
        control_set_close(ws, WS_CLOSE_NORMAL);
}

// ---- reading frames ----

/* Answers a ping or a close. False: the connection ends. */
static bool take_control(struct link_ws *ws, struct rill_bytes payload)
{
    size_t none;
    switch (ws->decoder.opcode) {
    case WS_PING:
        control_set(ws, WS_PONG, payload);
        ws->link.blocked = true; // so that the loop comes back for it
        return true;
    case WS_CLOSE:
        control_set_close(ws, WS_CLOSE_NORMAL);
        (void)ws_write(&ws->link, NULL, 0, &none);
        return false;
    default:
        return true;
    }
}

/* Unmasks the frames in `bytes` and pushes their payload together at the front. */
static enum link_status unframe(struct link_ws *ws, uint8_t *bytes, size_t len, struct rill_bytes *ret_bytes)
{
    size_t kept = 0;
    size_t at = 0;
    enum link_status status = LINK_OK;
    while (at < len && status == LINK_OK) {
        size_t used = 0;
        size_t none;
        struct rill_bytes payload = {0};
        const enum ws_event event = ws_decode(&ws->decoder, bytes + at, len - at, &used, &payload);
        at += used;
        if (event == WS_EVENT_DATA && payload.len) {
            memmove(bytes + kept, payload.data, payload.len);
            kept += payload.len;
        } else if (event == WS_EVENT_CONTROL && !take_control(ws, payload)) {
            status = LINK_EOF;
        } else if (event == WS_EVENT_BAD) {
            control_set_close(ws, WS_CLOSE_PROTOCOL_ERROR);
            (void)ws_write(&ws->link, NULL, 0, &none);
            status = LINK_FAILED;
        }
    }
    *ret_bytes = rill_bytes_of(bytes, kept);
    return status;
}

// ---- the handshake ----

/* The answer fits into an empty socket, or the peer does not get it. The handshake's timer ends the link at
 * the latest. */
static enum link_status refuse(struct link_ws *ws, const char *answer, size_t len)
{
    (void)send(ws->link.source.fd, answer, len, MSG_NOSIGNAL);
    (void)shutdown(ws->link.source.fd, SHUT_WR);
    rill_buf_fini(&ws->head);
    ws->link.state = LINK_LINGERING;
    return LINK_OK;
}

/* Behind the handshake a client may have sent frames already. */
static enum link_status upgraded(struct link_ws *ws, size_t head_bytes, uint8_t *scratch,
                                 struct rill_bytes *ret_bytes)
{
    const struct rill_bytes rest = rill_bytes_from(rill_buf_bytes(&ws->head), head_bytes);
    if (rest.len)
        memcpy(scratch, rest.data, rest.len);
    rill_buf_fini(&ws->head);
    link_connected(&ws->link);
    return unframe(ws, scratch, rest.len, ret_bytes);
}

static enum link_status greet(struct link_ws *ws, uint8_t *scratch, struct rill_bytes *ret_bytes)
{
    struct http_request request;
    char answer[WS_ANSWER_BYTES_MAX];
    bool accepted;
    const enum http_parse_status status = http_request_parse(rill_buf_bytes(&ws->head), &request);
    if (status == HTTP_PARSE_MORE)
        return LINK_OK;
    if (status != HTTP_PARSE_DONE)
        return refuse(ws, answer, ws_upgrade_refuse(answer));
    const size_t len = ws_upgrade_answer(&request, answer, &accepted);
    if (!accepted)
        return refuse(ws, answer, len);
    lead_append(ws, answer, len);
    ws->answering = true;
    return upgraded(ws, request.head_bytes, scratch, ret_bytes);
}

static enum link_status ws_read(struct link *link, uint8_t *scratch, size_t scratch_bytes,
                                struct rill_bytes *ret_bytes)
{
    struct link_ws *ws = (struct link_ws *)link;
    size_t got = 0;
    const enum link_status status = socket_io_read(link->source.fd, scratch, scratch_bytes, &got);
    if (status != LINK_OK || link->state == LINK_LINGERING)
        return status;
    if (link->state == LINK_OPEN)
        return unframe(ws, scratch, got, ret_bytes);
    if (rill_buf_append(&ws->head, rill_bytes_of(scratch, got)))
        return LINK_FAILED;
    return greet(ws, scratch, ret_bytes);
}

static void ws_destroy(struct link *link)
{
    struct link_ws *ws = (struct link_ws *)link;
    rill_buf_fini(&ws->head);
    free(ws);
}

static const struct link_ops ws_ops = {
    .read = ws_read,
    .write = ws_write,
    .part = ws_part,
    .destroy = ws_destroy,
};

void link_ws_open(struct loop *loop, int fd, const char *address, uint16_t port, int64_t handshake_timeout_ns)
{
    struct link_ws *ws = rill_alloc_zero(1, sizeof *ws);
    ws->link.ops = &ws_ops;
    rill_buf_init(&ws->head, HTTP_HEAD_BYTES_MAX + LOOP_READ_BYTES_MAX);
    link_adopt(loop, &ws->link, fd, RILL_CONN_WEBSOCKET, address, port);
    timer_start(&loop->poller, &ws->link.timer, handshake_timeout_ns);
}
