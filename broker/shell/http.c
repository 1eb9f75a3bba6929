// SPDX-License-Identifier: Apache-2.0
#include "http.h"
#include "http_request.h"
#include "socket_io.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

enum { HTTP_BODY_BYTES_MAX = 256 * 1024 * 1024 };

#define HTTP_IDLE_NS (10 * RILL_NS_PER_S)

struct http_conn {
    struct source source; // first
    struct timer timer;   // without progress for so long, it ends
    struct http_server *server;
    struct http_conn *prev, *next;
    struct rill_buf input;
    struct rill_buf output;
    size_t output_sent;
    bool closing; // when the output is written
    bool parted;  // our side is shut down; what still comes is not read any more
};

static void conn_free(struct http_conn *conn)
{
    struct http_server *server = conn->server;
    timer_stop(&server->loop->poller, &conn->timer);
    poller_remove(&server->loop->poller, &conn->source);
    (void)close(conn->source.fd);
    rill_buf_fini(&conn->input);
    rill_buf_fini(&conn->output);
    DL_DELETE(server->conns, conn);
    server->conn_count--;
    free(conn);
    if (server->loop->descriptor_freed)
        server->loop->descriptor_freed(server->loop->descriptor_freed_context);
}

// ---- answers ----

static const char *status_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

static void format_date(int64_t wall_ns, char out[40])
{
    const time_t seconds = (time_t)(wall_ns / RILL_NS_PER_S);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void conn_answer(struct http_conn *conn, int status, const char *content_type, struct rill_bytes body,
                        bool head_only)
{
    char date[40];
    format_date(conn->server->loop->poller.now.wall_ns, date);
    enum rill_err err = rill_buf_appendf(
        &conn->output, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nDate: %s\r\nContent-Length: %zu\r\n%s%s\r\n",
        status, status_text(status), content_type, date, body.len,
        status == 405 ? "Allow: GET, HEAD\r\n" : "", conn->closing ? "Connection: close\r\n" : "");
    if (!err && !head_only)
        err = rill_buf_append(&conn->output, body);
    if (err)
        conn->closing = true; // what there is of it is written, then the peer sees that it is cut
}

static void conn_answer_error(struct http_conn *conn, int status)
{
    const char *text = status_text(status);
    conn->closing = true;
    conn_answer(conn, status, "text/plain; charset=utf-8", rill_bytes_from_cstr(text), false);
}

/* The endpoint behind the base path. */
static enum rill_monitor_endpoint find_endpoint(const struct http_server *server, struct rill_bytes path)
{
    if (!rill_bytes_has_prefix(path, rill_bytes_of(server->base_path, server->base_path_len)))
        return RILL_MONITOR_COUNT;
    path = rill_bytes_from(path, server->base_path_len);
    if (!path.len)
        return RILL_MONITOR_INDEX;
    return rill_monitor_endpoint_find(path);
}

static void conn_render(struct http_conn *conn, enum rill_monitor_endpoint endpoint, struct rill_bytes query,
                        bool head_only)
{
    struct http_server *server = conn->server;
    struct rill_process_facts facts = {
        .config_load_wall_ns = *server->config_load_wall_ns,
        .http_host = server->host,
        .http_port = server->listener.port,
        .http_base_path = server->base_path_len ? server->base_path : "/",
        .http_request_counts = server->request_counts,
    };
    int status = 500;
    const char *content_type = "text/plain";
    struct rill_buf body;
    rill_buf_init(&body, HTTP_BODY_BYTES_MAX);
    server->request_counts[endpoint]++;
    process_meter_read(server->meter, server->loop->poller.now, &facts);
    rill_core_monitor(server->loop->core, &facts, endpoint, query, &body, &status, &content_type);
    conn_answer(conn, status, content_type, rill_buf_bytes(&body), head_only);
    rill_buf_fini(&body);
}

static void conn_serve(struct http_conn *conn, const struct http_request *request)
{
    struct rill_bytes host;
    const bool head_only = rill_bytes_equal_cstr(request->method, "HEAD");
    const enum rill_monitor_endpoint endpoint = find_endpoint(conn->server, request->path);
    conn->closing = !http_request_keeps_alive(request) || http_request_has_body(request);
    if (request->minor_version >= 1 && !http_request_header(request, "Host", &host))
        conn_answer_error(conn, 400);
    else if (!head_only && !rill_bytes_equal_cstr(request->method, "GET"))
        conn_answer_error(conn, 405);
    else if (endpoint == RILL_MONITOR_COUNT)
        conn_answer(conn, 404, "text/plain; charset=utf-8", RILL_BYTES("404 page not found\n"), head_only);
    else
        conn_render(conn, endpoint, request->query, head_only);
}

/* Answers the next request that is here, if there is a whole one. */
static void conn_take_request(struct http_conn *conn)
{
    struct http_request request;
    switch (http_request_parse(rill_buf_bytes(&conn->input), &request)) {
    case HTTP_PARSE_MORE:
        return;
    case HTTP_PARSE_DONE:
        conn_serve(conn, &request);
        rill_buf_drop(&conn->input, request.head_bytes);
        return;
    case HTTP_PARSE_BAD:
        conn_answer_error(conn, 400);
        return;
    case HTTP_PARSE_LARGE:
        conn_answer_error(conn, 431);
        return;
    }
}

// ---- input and output ----

/* After the last answer the peer is given its time to read it. */
static void conn_part(struct http_conn *conn)
{
    conn->parted = true;
    (void)shutdown(conn->source.fd, SHUT_WR);
    poller_set_interest(&conn->server->loop->poller, &conn->source, EPOLLIN);
    timer_start(&conn->server->loop->poller, &conn->timer, RILL_NS_PER_S);
}

/* False: the connection was freed. */
static bool conn_write(struct http_conn *conn)
{
    const size_t left = conn->output.len - conn->output_sent;
    const struct iovec piece = {conn->output.data + conn->output_sent, left};
    size_t written = 0;
    const enum link_status status = socket_io_write(conn->source.fd, &piece, 1, &written);
    conn->output_sent += written;
    if (written) // a head that trickles in is no progress
        timer_start(&conn->server->loop->poller, &conn->timer, HTTP_IDLE_NS);
    if (status == LINK_FAILED) {
        conn_free(conn);
        return false;
    }
    if (status == LINK_AGAIN)
        return true;
    rill_buf_fini(&conn->output); // an idle connection keeps no memory
    conn->output_sent = 0;
    return true;
}

/* Answers what is there, one request after the other, until the socket is full or the input is used up. */
static void conn_advance(struct http_conn *conn)
{
    for (;;) {
        if (!conn->output.len && !conn->closing)
            conn_take_request(conn);
        if (!conn->output.len)
            break;
        if (!conn_write(conn))
            return;
        if (conn->output.len)
            break;
    }
    if (!conn->output.len && conn->closing) {
        conn_part(conn);
        return;
    }
    poller_set_interest(&conn->server->loop->poller, &conn->source, conn->output.len ? EPOLLOUT : EPOLLIN);
}

/* False: the connection was freed. */
static bool conn_read(struct http_conn *conn)
{
    struct loop *loop = conn->server->loop;
    const size_t room = HTTP_HEAD_BYTES_MAX - conn->input.len;
    size_t got = 0;
    const enum link_status status =
        socket_io_read(conn->source.fd, loop->read_buffer, conn->parted ? LOOP_READ_BYTES_MAX : room, &got);
    const bool kept = conn->parted || !rill_buf_append(&conn->input, rill_bytes_of(loop->read_buffer, got));
    if (status == LINK_EOF || status == LINK_FAILED || !kept) {
        conn_free(conn);
        return false;
    }
    return true;
}

static void conn_ready(struct source *source, uint32_t events)
{
    struct http_conn *conn = (struct http_conn *)source;
    const bool reading = !conn->output.len;
    if (reading && !conn_read(conn))
        return;
    if (!conn->parted)
        conn_advance(conn);
}

static void conn_timer_due(struct timer *timer)
{
    conn_free((struct http_conn *)((char *)timer - offsetof(struct http_conn, timer)));
}

static void server_accepted(void *context, int fd, const char *address, uint16_t port)
{
    struct http_server *server = context;
    if (server->conn_count == HTTP_CONNS_MAX) {
        (void)close(fd);
        return;
    }
    struct http_conn *conn = rill_alloc_zero(1, sizeof *conn);
    conn->source = (struct source){.fd = fd, .ready = conn_ready};
    conn->timer.due = conn_timer_due;
    conn->server = server;
    rill_buf_init(&conn->input, HTTP_HEAD_BYTES_MAX);
    rill_buf_init(&conn->output, HTTP_BODY_BYTES_MAX + 1024);
    DL_APPEND(server->conns, conn);
    server->conn_count++;
    timer_start(&server->loop->poller, &conn->timer, HTTP_IDLE_NS);
    poller_set_interest(&server->loop->poller, &conn->source, EPOLLIN);
}

// ---- the server ----

enum rill_err http_server_open(struct http_server *server, const struct http_server_config *config,
                               struct rill_error_text *why)
{
    *server = (struct http_server){
        .listener = LISTENER_CLOSED,
        .host = config->host ? config->host : "0.0.0.0",
        .base_path = config->base_path ? config->base_path : "",
        .meter = config->meter,
        .config_load_wall_ns = config->config_load_wall_ns,
    };
    server->base_path_len = strlen(server->base_path);
    while (server->base_path_len && server->base_path[server->base_path_len - 1] == '/')
        server->base_path_len--;
    return listener_open_tcp(&server->listener, config->host, config->port, why);
}

void http_server_start(struct http_server *server, struct loop *loop)
{
    server->loop = loop;
    listener_start(&server->listener, loop, server_accepted, server);
}

void http_server_close(struct http_server *server)
{
    while (server->conns)
        conn_free(server->conns);
    listener_close(&server->listener);
}
