// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include "base/assert.h"
#include "conn.h"
#include "core_state.h"
#include "permissions.h"
#include "proto/writer.h"
#include "trace.h"

/* From this size on a payload for several receivers is shared by reference instead of copied. */
enum { SHARED_PAYLOAD_MIN = 16 * 1024 };

/* Up to this size a message is written in one go; of a larger one the parts fill the arenas of the queue. */
enum { WHOLE_BYTES_MAX = 16 * 1024 };

/* What all deliveries of one message have in common. */
struct delivery {
    const struct message *message;
    struct rill_bytes tail;  // sizes, CR LF, headers, payload, CR LF; empty when it must be written in parts
    struct rill_bytes sizes; // "16\r\n" or "12 28\r\n"
    struct rill_bytes sizes_plain; // "16\r\n" for receivers that do not take headers
    struct shared_payload *shared; // made for the first receiver when it pays
    bool may_share;
    char text[2 * RILL_SIZES_BYTES_MAX];
};

static void delivery_prepare(struct delivery *delivery, const struct message *message,
                             uint32_t receiver_count)
{
    const size_t body = message->headers.len + message->payload.len;
    delivery->message = message;
    delivery->shared = NULL;
    delivery->may_share = receiver_count > 1 && body >= SHARED_PAYLOAD_MIN;
    delivery->tail = delivery->may_share ? rill_bytes_of(NULL, 0) : message->tail;
    delivery->sizes = delivery->sizes_plain = rill_bytes_of(NULL, 0);
}

/* The sizes are written once per message, and only when a receiver needs them. */
static struct rill_bytes sizes_for(struct delivery *delivery, bool headers)
{
    const struct message *message = delivery->message;
    struct rill_bytes *sizes = headers ? &delivery->sizes : &delivery->sizes_plain;
    const size_t headers_len = headers ? message->headers.len : 0;
    char *text = delivery->text + (headers ? RILL_SIZES_BYTES_MAX : 0);
    if (!sizes->len)
        *sizes = rill_bytes_of(text, rill_write_sizes(headers_len, headers_len + message->payload.len, text));
    return *sizes;
}

static inline size_t head_bytes(const struct message *message, const struct sub *sub)
{
    return rill_message_head_bytes(message->subject, sub->sid, message->reply);
}

static inline uint8_t *put_head(uint8_t *at, const struct message *message, const struct sub *sub,
                                bool headers)
{
    return rill_put_message_head(at, message->subject, sub->sid, message->reply, headers);
}

/* The body by reference when several share it, else copied. */
static void append_body(struct conn *conn, struct delivery *delivery, bool headers)
{
    const struct message *message = delivery->message;
    struct outq_pool *pool = &conn->core->outq_pool;
    if (!delivery->may_share) {
        if (headers)
            outq_append(&conn->outq, pool, message->headers);
        outq_append(&conn->outq, pool, message->payload);
    } else {
        // Headers are short: only the payload is shared.
        if (headers)
            outq_append(&conn->outq, pool, message->headers);
        if (message->payload.len && !delivery->shared)
            delivery->shared = shared_payload_create(message->payload);
        if (message->payload.len)
            outq_append_shared(&conn->outq, delivery->shared);
    }
    outq_append(&conn->outq, pool, RILL_BYTES("\r\n"));
}

static void write_in_parts(struct conn *conn, const struct sub *sub, struct delivery *delivery, bool headers)
{
    const struct rill_bytes sizes = sizes_for(delivery, headers);
    const size_t head = head_bytes(delivery->message, sub) + sizes.len;
    if (head <= OUTQ_CONTIGUOUS_MAX) {
        uint8_t *start = outq_reserve(&conn->outq, &conn->core->outq_pool, head);
        const uint8_t *end = rill_put(put_head(start, delivery->message, sub, headers), sizes);
        outq_advance(&conn->outq, (size_t)(end - start));
    } else {
        // Only a configured control line of more than 60 KiB leads here.
        struct outq_pool *pool = &conn->core->outq_pool;
        outq_append(&conn->outq, pool, headers ? RILL_BYTES("HMSG ") : RILL_BYTES("MSG "));
        outq_append(&conn->outq, pool, delivery->message->subject);
        outq_append(&conn->outq, pool, RILL_BYTES(" "));
        outq_append(&conn->outq, pool, sub->sid);
        outq_append(&conn->outq, pool, RILL_BYTES(" "));
        outq_append(&conn->outq, pool, delivery->message->reply);
        outq_append(&conn->outq, pool, delivery->message->reply.len ? RILL_BYTES(" ") : RILL_BYTES(""));
        outq_append(&conn->outq, pool, sizes);
    }
    append_body(conn, delivery, headers);
}

/* All of it behind one another; false when it has no room for that, or shall not be copied. */
static bool write_whole(struct conn *conn, const struct sub *sub, struct delivery *delivery, bool headers)
{
    const struct message *message = delivery->message;
    const struct rill_bytes sizes = sizes_for(delivery, headers);
    const size_t headers_len = headers ? message->headers.len : 0;
    const size_t bytes = head_bytes(message, sub) + sizes.len + headers_len + message->payload.len + 2;
    if (delivery->may_share || bytes > WHOLE_BYTES_MAX)
        return false;
    uint8_t *start = outq_reserve(&conn->outq, &conn->core->outq_pool, bytes);
    uint8_t *at = rill_put(put_head(start, message, sub, headers), sizes);
    at = rill_put(at, rill_bytes_of(message->headers.data, headers_len));
    at = rill_put(rill_put(at, message->payload), RILL_BYTES("\r\n"));
    outq_advance(&conn->outq, (size_t)(at - start));
    return true;
}

static inline void write_message(struct conn *conn, const struct sub *sub, struct delivery *delivery)
{
    const struct message *message = delivery->message;
    const bool headers = message->headers.len && conn->headers;
    const size_t bytes = head_bytes(message, sub) + delivery->tail.len;
    if (delivery->tail.len && headers == (message->headers.len > 0) && bytes <= OUTQ_CONTIGUOUS_MAX) {
        uint8_t *start = outq_reserve(&conn->outq, &conn->core->outq_pool, bytes);
        const uint8_t *end = rill_put(put_head(start, message, sub, headers), delivery->tail);
        outq_advance(&conn->outq, (size_t)(end - start));
        return;
    }
    if (!write_whole(conn, sub, delivery, headers))
        write_in_parts(conn, sub, delivery, headers);
}

/* The receiver is far behind: first the publisher waits, then, when that did not help, the receiver goes. */
static bool receiver_is_behind(struct rill_core *core, struct conn *receiver, const struct message *message)
{
    if (receiver->outq.bytes > core->limits.pending_bytes_max) {
        conn_close_slow(receiver, message->subject);
        return true;
    }
    struct conn *publisher = message->origin;
    if (publisher && publisher != receiver && !core->producer_stall_disabled &&
        conn_deserves_patience(receiver))
        conn_stall(publisher, receiver);
    return false;
}

static inline bool deliver_to_client(struct rill_core *core, struct sub *sub, struct delivery *delivery)
{
    const struct message *message = delivery->message;
    struct conn *conn = sub->conn;
    if (conn == message->origin && !conn->echo)
        return false;
    if (sub->checks_deny && permissions_deny_delivery(conn->user->permissions, message->subject))
        return false;
    if (conn_is_traced(conn))
        trace_delivery(conn, message, sub->sid);
    write_message(conn, sub, delivery);
    conn->out_msgs++;
    conn->out_bytes += message->headers.len + message->payload.len;
    sub->delivered_count++;
    core->turn_deliveries++;
    if (conn->grants && message->reply.len)
        reply_grants_add(conn->grants, message->reply, core->now.mono_ns);
    if (!conn->touched)
        conn_touch(conn);
    if (__builtin_expect(conn->outq.bytes > core->limits.pending_bytes_max / 4 * 3, 0)) {
        if (receiver_is_behind(core, conn, message))
            return true;
    }
    if (sub->delivered_max && sub->delivered_count >= sub->delivered_max)
        conn_end_sub(conn, sub);
    return true;
}

static inline bool deliver(struct rill_core *core, struct sub *sub, struct delivery *delivery)
{
    if (sub->dead)
        return false;
    if (sub->conn)
        return deliver_to_client(core, sub, delivery);
    sub->on_message(sub->owner, delivery->message);
    return true;
}

/* The member with this number, counted through all parts of the group. */
static struct sub *group_member(const struct match *match, uint32_t first, uint32_t number)
{
    while (number >= match_group(match, first)->count)
        number -= match_group(match, first++)->count;
    return match_group(match, first)->members[number];
}

/* One member at random; when it does not take the message, which changes nothing, the next one is asked. */
static bool deliver_to_group(struct rill_core *core, const struct match *match, uint32_t first,
                             uint32_t parts, struct delivery *delivery)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < parts; i++)
        count += match_group(match, first + i)->count;
    const uint32_t start = count > 1 ? rill_random_below(&core->random, count) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (deliver(core, group_member(match, first, (start + i) % count), delivery))
            return true;
    }
    return false;
}

uint32_t route_matched(struct rill_core *core, const struct message *message, struct match *match)
{
    RILL_ASSERT(match->pins > 0);
    if (match->sub_count + match->group_count == 0)
        return 0;
    struct delivery delivery;
    delivery_prepare(&delivery, message, match->sub_count + match->group_count);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < match->sub_count; i++)
        taken += deliver(core, match_sub(match, i), &delivery);
    for (uint32_t i = 0, parts; i < match->group_count; i += parts) {
        parts = match_group_parts(match, i);
        taken += deliver_to_group(core, match, i, parts, &delivery);
    }
    shared_payload_unref(delivery.shared);
    return taken;
}

uint32_t route_message(struct rill_core *core, const struct message *message)
{
    struct match *match = interest_match(message->account->interest, message->subject);
    const uint32_t taken = route_matched(core, message, match);
    interest_unpin(message->account->interest, match);
    return taken;
}

uint32_t route_recalled(struct rill_core *core, const struct message *message, struct interest_memo *memo)
{
    struct interest *interest = message->account->interest;
    struct match *match = interest_recall(interest, memo, message->subject);
    match->pins++;
    const uint32_t taken = route_matched(core, message, match);
    interest_unpin(interest, match);
    return taken;
}

uint32_t route_publish(struct rill_core *core, struct account *account, struct rill_bytes subject,
                       struct rill_bytes reply, struct rill_bytes headers, struct rill_bytes payload)
{
    const struct message message = {
        .account = account,
        .subject = subject,
        .reply = reply,
        .headers = headers,
        .payload = payload,
    };
    return route_message(core, &message);
}

struct sub *route_subscribe(struct account *account, const char *pattern,
                            void (*on_message)(void *owner, const struct message *message), void *owner)
{
    struct sub *sub =
        sub_create(0, rill_bytes_of(NULL, 0), rill_bytes_from_cstr(pattern), rill_bytes_of(NULL, 0));
    sub->on_message = on_message;
    sub->owner = owner;
    interest_insert(account->interest, sub);
    return sub;
}

void route_unsubscribe(struct account *account, struct sub *sub)
{
    interest_remove(account->interest, sub);
}
