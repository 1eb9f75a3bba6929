// SPDX-License-Identifier: Apache-2.0
#include "message.h"

#include "clock.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "proto/base64.h"
#include "proto/headers.h"
#include "proto/rfc3339.h"

#include <inttypes.h>
#include <stdlib.h>

enum { BASE64_BYTES_MAX = 512 * 1024 * 1024 };

static void add_header(json_t **headers, struct rill_bytes name, struct rill_bytes value)
{
    char *key = rill_alloc_cstr(name);
    if (!*headers)
        *headers = json_object();
    json_t *values = json_object_get(*headers, key);
    if (!values) {
        values = json_array();
        (void)json_object_set_new(*headers, key, values);
    }
    json_t *text = json_stringn((const char *)value.data, value.len);
    (void)json_array_append_new(values, text ? text : json_string("(not UTF-8)"));
    free(key);
}

static struct rill_bytes bytes_of(struct rill_text text)
{
    return rill_bytes_of(text.text, text.bytes);
}

static void take_meta(const struct rill_msg *msg, struct message_view *view)
{
    struct rill_msg_meta meta;
    if (rill_msg_meta(msg, &meta))
        return;
    view->stream_seq = meta.stream_seq;
    view->consumer_seq = meta.consumer_seq;
    view->delivered = meta.delivered;
    view->pending = meta.pending;
    view->time_ns = meta.time_ns;
    (void)snprintf(view->stream, sizeof view->stream, RILL_PRI, RILL_ARG(bytes_of(meta.stream)));
    (void)snprintf(view->consumer, sizeof view->consumer, RILL_PRI, RILL_ARG(bytes_of(meta.consumer)));
}

struct message_view message_view_of(const struct rill_msg *msg)
{
    struct message_view view = {
        .subject = rill_msg_subject(msg),
        .reply = rill_msg_reply(msg),
        .data = rill_msg_data(msg),
        .data_bytes = rill_msg_data_bytes(msg),
    };
    struct rill_text name, value;
    for (size_t at = 0; rill_msg_header_next(msg, &at, &name, &value);)
        add_header(&view.headers, bytes_of(name), bytes_of(value));
    take_meta(msg, &view);
    return view;
}

struct message_view message_view_of_stored(const Rill__StoredMessage *stored, const char *stream)
{
    struct message_view view = {
        .subject = stored->subject,
        .data = stored->data.data,
        .data_bytes = stored->data.len,
        .stream_seq = stored->seq,
        .time_ns = stored->time ? stored->time->unix_ns : 0,
    };
    struct rill_bytes name, value;
    struct rill_headers_cursor cursor =
        rill_headers_cursor_of(rill_bytes_of(stored->hdrs.data, stored->hdrs.len));
    while (rill_headers_next(&cursor, &name, &value))
        add_header(&view.headers, name, value);
    (void)snprintf(view.stream, sizeof view.stream, "%s", stream);
    return view;
}

void message_view_fini(struct message_view *view)
{
    json_decref(view->headers);
    view->headers = NULL;
}

// ---- JSON ----

void message_put_bytes(json_t *object, const char *key, const void *data, size_t bytes)
{
    json_t *text = json_stringn(bytes ? data : "", bytes);
    if (text) {
        (void)json_object_set_new(object, key, text);
        return;
    }
    char key64[64];
    struct rill_buf buf;
    (void)snprintf(key64, sizeof key64, "%s_base64", key);
    rill_buf_init(&buf, BASE64_BYTES_MAX);
    if (!rill_base64_encode(rill_bytes_of(data, bytes), &buf))
        (void)json_object_set_new(object, key64, json_stringn((const char *)buf.data, buf.len));
    rill_buf_fini(&buf);
}

static void put_origin(json_t *object, const struct message_view *view)
{
    char time[RILL_RFC3339_BYTES_MAX];
    const size_t time_bytes = rill_rfc3339_format(view->time_ns, time);
    (void)json_object_set_new(object, "stream", json_string(view->stream));
    (void)json_object_set_new(object, "seq", json_integer((json_int_t)view->stream_seq));
    (void)json_object_set_new(object, "time", json_stringn(time, time_bytes));
    if (!*view->consumer)
        return;
    (void)json_object_set_new(object, "consumer", json_string(view->consumer));
    (void)json_object_set_new(object, "consumer_seq", json_integer((json_int_t)view->consumer_seq));
    (void)json_object_set_new(object, "delivered", json_integer((json_int_t)view->delivered));
    (void)json_object_set_new(object, "pending", json_integer((json_int_t)view->pending));
}

json_t *message_json(const struct message_view *view)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "subject", json_string(view->subject));
    if (view->reply)
        (void)json_object_set_new(object, "reply", json_string(view->reply));
    if (view->time_ns)
        put_origin(object, view);
    if (view->headers)
        (void)json_object_set(object, "headers", view->headers);
    message_put_bytes(object, "data", view->data, view->data_bytes);
    return object;
}

// ---- for people ----

static void print_origin(const struct message_view *view)
{
    char time[RILL_RFC3339_BYTES_MAX];
    const size_t time_bytes = rill_rfc3339_format(view->time_ns, time);
    (void)printf("  %s seq %" PRIu64 " of %.*s", view->stream, view->stream_seq, (int)time_bytes, time);
    if (*view->consumer)
        (void)printf("  %s seq %" PRIu64 ", delivered %" PRIu64 "x, %" PRIu64 " pending", view->consumer,
                     view->consumer_seq, view->delivered, view->pending);
}

static void print_head(const struct call *call, const struct message_view *view, uint64_t number)
{
    (void)printf("%s", show_faint(call));
    if (number)
        (void)printf("[#%" PRIu64 "] ", number);
    (void)printf("%s%s%s%s%s", show_plain(call), show_bold(call), view->subject, show_plain(call),
                 show_faint(call));
    if (view->reply && !*view->consumer)
        (void)printf("  reply %s", view->reply);
    if (view->time_ns)
        print_origin(view);
    (void)printf("%s\n", show_plain(call));
}

static void print_headers(const json_t *headers)
{
    const char *name;
    json_t *values;
    json_object_foreach((json_t *)headers, name, values)
    {
        size_t index;
        const json_t *value;
        json_array_foreach(values, index, value)(void) printf("%s: %s\n", name, json_string_value(value));
    }
}

void message_view_print(const struct call *call, const struct message_view *view, uint64_t number, bool raw)
{
    if (call->json) {
        show_line(message_json(view));
        return;
    }
    if (!raw) {
        print_head(call, view, number);
        print_headers(view->headers);
        (void)putchar('\n');
    }
    if (view->data_bytes)
        (void)fwrite(view->data, 1, view->data_bytes, stdout);
    (void)fputs(raw ? "\n" : "\n\n", stdout);
}

void message_print(const struct call *call, const struct rill_msg *msg, uint64_t number, bool raw)
{
    struct message_view view = message_view_of(msg);
    message_view_print(call, &view, number, raw);
    message_view_fini(&view);
}

// ---- waiting ----

enum rill_err message_of_sub(void *from, int64_t timeout_ms, struct rill_msg **ret)
{
    return rill_next_msg(from, timeout_ms, ret);
}

struct waiting {
    message_source *source;
    void *from;
    struct rill_msg **ret;
};

static enum rill_err wait_once(void *context, int64_t timeout_ms)
{
    const struct waiting *waiting = context;
    return waiting->source(waiting->from, timeout_ms, waiting->ret);
}

enum rill_err message_wait(message_source *source, void *from, int64_t wait_ms, struct rill_msg **ret)
{
    return clock_wait(wait_once, &(struct waiting){source, from, ret}, wait_ms);
}

// ---- headers from the command line ----

static struct rill_header header_of(const char *pair)
{
    const char *colon = strchr(pair, ':');
    const char *value = colon + 1 + strspn(colon + 1, " ");
    char *name = rill_alloc_cstr(rill_bytes_of(pair, (size_t)(colon - pair)));
    return (struct rill_header){.name = name, .value = value};
}

struct rill_header *message_headers(const struct call *call, size_t *ret_count)
{
    *ret_count = call_count(call, "header");
    struct rill_header *headers = rill_alloc_zero(*ret_count + 1, sizeof *headers);
    size_t at = 0;
    for (size_t i = 0; i < *ret_count; i++)
        headers[i] = header_of(call_next_text(call, "header", &at));
    return headers;
}

void message_headers_free(struct rill_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((char *)headers[i].name);
    free(headers);
}
