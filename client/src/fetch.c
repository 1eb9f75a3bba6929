// SPDX-License-Identifier: Apache-2.0
//
// One pull request, waited for.
#include "js.h"

#include "error.h"
#include "proto/headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

enum { JSON_BYTES = 200, GRACE_MS = 1000 };

static void format_request(const struct rill_fetch *fetch, char ret[JSON_BYTES])
{
    int len = snprintf(ret, JSON_BYTES, "{\"batch\":%zu", fetch->msgs_max);
    if (fetch->bytes_max)
        len += snprintf(ret + len, (size_t)(JSON_BYTES - len), ",\"max_bytes\":%zu", fetch->bytes_max);
    if (fetch->expires_ms > 0)
        (void)snprintf(ret + len, (size_t)(JSON_BYTES - len), ",\"expires\":%" PRId64 "}",
                       fetch->expires_ms * RILL_NS_PER_MS);
    else
        (void)snprintf(ret + len, (size_t)(JSON_BYTES - len), ",\"no_wait\":true}");
}

/* What a status means for the fetch: AGAIN to go on, OK that it is over. */
static enum rill_err read_status(const struct rill_msg *msg, struct rill_error *error)
{
    uint32_t code = 0;
    struct rill_bytes text = {0};
    (void)rill_headers_status(msg_headers(msg), &code, &text);
    switch (code) {
    case 100:
        return RILL_ERR_AGAIN;
    case 404:
    case 408:
        return RILL_OK;
    case 503:
        return error_set(error, RILL_ERR_NOT_FOUND, "there is no such consumer");
    case 409:
        if (text.len >= 15 && strncasecmp((const char *)text.data, "Batch Completed", 15) == 0)
            return RILL_OK;
        if (text.len >= 16 && strncasecmp((const char *)text.data, "Consumer Deleted", 16) == 0)
            return error_set(error, RILL_ERR_NOT_FOUND, "the consumer was deleted");
        // fall through
    default:
        return error_set(error, RILL_ERR_REFUSED, "%u " RILL_PRI, code, RILL_ARG(text));
    }
}

static bool is_status(const struct rill_msg *msg, const char *inbox)
{
    return msg->headers_bytes && !msg->payload_bytes && rill_msg_status(msg) &&
           rill_bytes_equal_cstr(msg_subject(msg), inbox);
}

static enum rill_err collect(struct rill_sub *sub, const char *inbox, size_t msgs_max, int64_t deadline_ns,
                             struct rill_msg **ret_msgs, size_t *ret_count, struct rill_error *error)
{
    size_t count = 0;
    enum rill_err err = RILL_ERR_AGAIN;
    while (count < msgs_max && err == RILL_ERR_AGAIN) {
        struct rill_msg *msg = NULL;
        const enum rill_err next = sub_next(sub, deadline_ns, &msg);
        if (next) {
            err = next == RILL_ERR_TIMEOUT ? RILL_OK : error_plain(error, next);
        } else if (is_status(msg, inbox)) {
            err = read_status(msg, error);
            rill_msg_unref(msg);
        } else {
            ret_msgs[count++] = msg;
        }
    }
    *ret_count = count;
    // Messages that have come are more than why there are no others.
    return count || err == RILL_ERR_AGAIN ? RILL_OK : err;
}

static uint64_t links_of(struct rill_conn *conn)
{
    (void)pthread_mutex_lock(&conn->lock);
    const uint64_t links = conn->session.state == SESSION_UP ? conn->links : 0;
    (void)pthread_mutex_unlock(&conn->lock);
    return links;
}

enum rill_err rill_fetch(struct rill_js *js, const char *stream, const char *consumer,
                         const struct rill_fetch *fetch, struct rill_msg **ret_msgs, size_t *ret_count,
                         struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES], inbox[RILL_INBOX_BYTES], json[JSON_BYTES];
    struct rill_sub *sub;
    enum rill_err err = js_subject(js, subject, "CONSUMER.MSG.NEXT", stream, consumer);
    if (!err && fetch->msgs_max == 0)
        err = RILL_ERR_INVALID;
    rill_inbox(js->conn, inbox);
    if (!err)
        err = rill_subscribe(js->conn, inbox, &sub);
    if (err)
        return error_plain(error, err);
    const uint64_t links = links_of(js->conn);
    const int64_t wait_ms = fetch->expires_ms > 0 ? fetch->expires_ms + GRACE_MS : js->timeout_ms;
    const int64_t deadline_ns = wait_deadline_ns(wait_ms, 0);
    size_t count = 0;
    format_request(fetch, json);
    const struct rill_publish request = {
        .subject = subject, .reply = inbox, .data = json, .data_bytes = strlen(json)};
    err = rill_publish_msg(js->conn, &request);
    if (!err)
        err = collect(sub, inbox, fetch->msgs_max, deadline_ns, ret_msgs, &count, error);
    rill_unsubscribe(sub);
    if (!err && count == 0 && links_of(js->conn) != links)
        err = error_plain(error, RILL_ERR_DISCONNECTED);
    if (!err)
        *ret_count = count;
    return err;
}
