// SPDX-License-Identifier: Apache-2.0
//
// /connz: open and closed connections as rows of one kind, filtered, sorted, cut to a page, and written.
#include "base/alloc.h"
#include "monitor_json.h"
#include "query.h"

#include "proto/subject.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_DEFAULT = 1024 };

/* One of the two is set. */
struct row {
    const struct conn *open;
    const struct closed_conn *closed;
    uint64_t id;
    int64_t start_ns;
    int64_t stop_ns; // 0 while open
    int64_t last_ns;
    int64_t rtt_ns;
    uint64_t subs;
    uint64_t pending_bytes;
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t out_msgs;
    uint64_t out_bytes;
    const char *reason; // "" while open
};

struct connz_query {
    bool open;
    bool closed;
    bool subs;
    bool subs_detail;
    bool auth;
    uint64_t offset;
    uint64_t limit;
    uint64_t cid; // 0: all
    char account[QUERY_VALUE_MAX];
    char user[QUERY_VALUE_MAX];
    char filter_subject[QUERY_VALUE_MAX];
    char sort[QUERY_VALUE_MAX];
};

// ---- parameters ----

static enum rill_err parse_state(struct rill_bytes query, struct connz_query *ret,
                                 struct rill_error_text *why)
{
    char state[QUERY_VALUE_MAX] = "open";
    (void)query_text(query, "state", state);
    ret->open =
        strcmp(state, "open") == 0 || strcmp(state, "all") == 0 || strcmp(state, "any") == 0 || !state[0];
    ret->closed = strcmp(state, "closed") == 0 || strcmp(state, "all") == 0 || strcmp(state, "any") == 0;
    if (ret->open || ret->closed)
        return RILL_OK;
    rill_error_text_set(why, "Error decoding state for 'state': \"%.32s\" is not open, closed or all", state);
    return RILL_ERR_INVALID;
}

static enum rill_err parse_subs(struct rill_bytes query, struct connz_query *ret, struct rill_error_text *why)
{
    char value[QUERY_VALUE_MAX];
    if (query_text(query, "subs", value) && strcmp(value, "detail") == 0) {
        ret->subs_detail = true;
        return RILL_OK;
    }
    return query_bool(query, "subs", &ret->subs, why);
}

static enum rill_err parse_query(struct rill_bytes query, struct connz_query *ret,
                                 struct rill_error_text *why)
{
    *ret = (struct connz_query){.limit = LIMIT_DEFAULT};
    enum rill_err err = parse_state(query, ret, why);
    err = err ? err : parse_subs(query, ret, why);
    err = err ? err : query_bool(query, "auth", &ret->auth, why);
    err = err ? err : query_number(query, "offset", &ret->offset, why);
    err = err ? err : query_number(query, "limit", &ret->limit, why);
    err = err ? err : query_number(query, "cid", &ret->cid, why);
    (void)query_text(query, "acc", ret->account);
    (void)query_text(query, "user", ret->user);
    (void)query_text(query, "filter_subject", ret->filter_subject);
    (void)query_text(query, "sort", ret->sort);
    if (ret->limit == 0)
        ret->limit = LIMIT_DEFAULT;
    // Who asks for one connection wants it whatever its state.
    if (ret->cid) {
        ret->open = ret->closed = true;
        ret->limit = 1;
    }
    return err;
}

// ---- rows ----

static struct row row_of_open(const struct conn *conn)
{
    return (struct row){
        .open = conn,
        .id = conn->id,
        .start_ns = conn->start_wall_ns,
        .last_ns = conn->last_activity_wall_ns,
        .rtt_ns = conn->rtt_ns,
        .subs = conn->sub_count,
        .pending_bytes = conn->outq.bytes,
        .in_msgs = conn->in_msgs,
        .in_bytes = conn->in_bytes,
        .out_msgs = conn->out_msgs,
        .out_bytes = conn->out_bytes,
        .reason = "",
    };
}

static struct row row_of_closed(const struct closed_conn *closed)
{
    return (struct row){
        .closed = closed,
        .id = closed->id,
        .start_ns = closed->start_wall_ns,
        .stop_ns = closed->stop_wall_ns,
        .last_ns = closed->last_activity_wall_ns,
        .rtt_ns = closed->rtt_ns,
        .subs = closed->sub_count,
        .in_msgs = closed->in_msgs,
        .in_bytes = closed->in_bytes,
        .out_msgs = closed->out_msgs,
        .out_bytes = closed->out_bytes,
        .reason = closed->reason,
    };
}

static const char *row_account(const struct row *row)
{
    return row->open ? row->open->account->name : row->closed->account;
}

static const char *row_user(const struct row *row)
{
    const char *user = row->closed ? row->closed->user : row->open->user_at_close;
    if (row->open && row->open->user)
        user = row->open->user->name;
    return user ? user : "";
}

static bool has_sub_matching(const struct conn *conn, const char *filter)
{
    for (const struct sub *sub = conn->subs; sub; sub = sub->conn_next) {
        if (rill_subject_matches(rill_bytes_from_cstr(filter), sub->subject) ||
            rill_subject_matches(sub->subject, rill_bytes_from_cstr(filter)))
            return true;
    }
    return false;
}

static bool row_wanted(const struct row *row, const struct connz_query *query)
{
    if (query->cid && row->id != query->cid)
        return false;
    if (query->account[0] && strcmp(query->account, row_account(row)) != 0)
        return false;
    if (query->user[0] && strcmp(query->user, row_user(row)) != 0)
        return false;
    return !query->filter_subject[0] || (row->open && has_sub_matching(row->open, query->filter_subject));
}

static size_t collect_rows(const struct rill_core *core, const struct connz_query *query, struct row *rows)
{
    size_t count = 0;
    for (const struct conn *conn = core->conns; query->open && conn; conn = conn->next) {
        rows[count] = row_of_open(conn);
        count += row_wanted(&rows[count], query);
    }
    for (uint32_t i = 0; query->closed && i < core->closed.count; i++) {
        rows[count] = row_of_closed(closed_conns_at(&core->closed, i));
        count += row_wanted(&rows[count], query);
    }
    return count;
}

// ---- order ----

#define DEFINE_ASCENDING(name, field)                                                                        \
    static int by_##name(const void *a, const void *b)                                                       \
    {                                                                                                        \
        const struct row *x = a, *y = b;                                                                     \
        return (x->field > y->field) - (x->field < y->field);                                                \
    }
#define DEFINE_DESCENDING(name, field)                                                                       \
    static int by_##name(const void *a, const void *b)                                                       \
    {                                                                                                        \
        const struct row *x = a, *y = b;                                                                     \
        return (x->field < y->field) - (x->field > y->field);                                                \
    }

DEFINE_ASCENDING(cid, id)
DEFINE_ASCENDING(start, start_ns)
DEFINE_DESCENDING(subs, subs)
DEFINE_DESCENDING(pending, pending_bytes)
DEFINE_DESCENDING(msgs_to, out_msgs)
DEFINE_DESCENDING(msgs_from, in_msgs)
DEFINE_DESCENDING(bytes_to, out_bytes)
DEFINE_DESCENDING(bytes_from, in_bytes)
DEFINE_DESCENDING(last, last_ns)
DEFINE_ASCENDING(idle, last_ns)
DEFINE_ASCENDING(uptime, start_ns)
DEFINE_DESCENDING(stop, stop_ns)
DEFINE_DESCENDING(rtt, rtt_ns)

static int by_reason(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->reason, ((const struct row *)b)->reason);
}

static enum rill_err sort_rows(struct row *rows, size_t count, const struct connz_query *query,
                               struct rill_error_text *why)
{
    static const struct {
        const char *name;
        int (*compare)(const void *, const void *);
    } orders[] = {
        {"", by_cid},
        {"cid", by_cid},
        {"start", by_start},
        {"subs", by_subs},
        {"pending", by_pending},
        {"msgs_to", by_msgs_to},
        {"msgs_from", by_msgs_from},
        {"bytes_to", by_bytes_to},
        {"bytes_from", by_bytes_from},
        {"last", by_last},
        {"idle", by_idle},
        {"uptime", by_uptime},
        {"stop", by_stop},
        {"reason", by_reason},
        {"rtt", by_rtt},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (strcmp(orders[i].name, query->sort) != 0)
            continue;
        qsort(rows, count, sizeof rows[0], orders[i].compare);
        return RILL_OK;
    }
    rill_error_text_set(why, "invalid sorting option: %.64s", query->sort);
    return RILL_ERR_INVALID;
}

// ---- writing ----

static void add_subs(json_t *object, const struct conn *conn, bool detail)
{
    json_t *list = json_array();
    for (const struct sub *sub = conn->subs; sub; sub = sub->conn_next)
        json_array_append_new(list, detail ? monitor_sub(sub, false) : monitor_bytes(sub->subject));
    json_object_set_new(object, detail ? "subscriptions_list_detail" : "subscriptions_list", list);
}

/* Go writes a duration of this size as "392µs" or "1.5ms". */
static void add_rtt(json_t *object, int64_t rtt_ns)
{
    if (rtt_ns <= 0)
        return;
    if (rtt_ns < RILL_NS_PER_MS)
        json_object_set_new(object, "rtt", json_sprintf("%.6gµs", (double)rtt_ns / 1e3));
    else if (rtt_ns < RILL_NS_PER_S)
        json_object_set_new(object, "rtt", json_sprintf("%.9gms", (double)rtt_ns / 1e6));
    else
        json_object_set_new(object, "rtt", json_sprintf("%.12gs", (double)rtt_ns / 1e9));
}

static void add_times(json_t *object, const struct rill_core *core, const struct row *row)
{
    const int64_t end_ns = row->stop_ns ? row->stop_ns : core->now.wall_ns;
    json_object_set_new(object, "start", monitor_time(row->start_ns));
    json_object_set_new(object, "last_activity", monitor_time(row->last_ns));
    if (row->closed) {
        json_object_set_new(object, "stop", monitor_time(row->stop_ns));
        json_object_set_new(object, "reason", json_string(row->reason));
    }
    add_rtt(object, row->rtt_ns);
    json_object_set_new(object, "uptime", monitor_uptime(end_ns - row->start_ns));
    json_object_set_new(object, "idle", monitor_uptime(end_ns - row->last_ns));
}

static void add_peer(json_t *object, const struct row *row, bool auth)
{
    monitor_set_text(object, "name", row->open ? row->open->name : row->closed->name);
    monitor_set_text(object, "lang", row->open ? row->open->lang : row->closed->lang);
    monitor_set_text(object, "version", row->open ? row->open->version : row->closed->version);
    if (auth) {
        monitor_set_text(object, "authorized_user", row_user(row));
        monitor_set_text(object, "account", row_account(row));
    }
}

static json_t *row_json(const struct rill_core *core, const struct row *row, const struct connz_query *query)
{
    const enum rill_conn_kind kind = row->open ? row->open->kind : row->closed->kind;
    json_t *object = json_object();
    monitor_set_u64(object, "cid", row->id);
    json_object_set_new(object, "kind", json_string("Client"));
    json_object_set_new(object, "type", json_string(kind == RILL_CONN_WEBSOCKET ? "websocket" : "nats"));
    json_object_set_new(object, "ip", json_string(row->open ? row->open->address : row->closed->address));
    monitor_set_u64(object, "port", row->open ? row->open->port : row->closed->port);
    add_times(object, core, row);
    monitor_set_u64(object, "pending_bytes", row->pending_bytes);
    monitor_set_u64(object, "in_msgs", row->in_msgs);
    monitor_set_u64(object, "out_msgs", row->out_msgs);
    monitor_set_u64(object, "in_bytes", row->in_bytes);
    monitor_set_u64(object, "out_bytes", row->out_bytes);
    if (row->open && row->open->stalls)
        monitor_set_u64(object, "stalls", row->open->stalls);
    monitor_set_u64(object, "subscriptions", row->subs);
    add_peer(object, row, query->auth);
    if (row->open && (query->subs || query->subs_detail))
        add_subs(object, row->open, query->subs_detail);
    return object;
}

json_t *monitor_connz(struct rill_core *core, struct rill_bytes text, struct rill_error_text *why)
{
    struct connz_query query;
    if (parse_query(text, &query, why))
        return NULL;
    struct row *rows = rill_alloc_zero((size_t)core->conn_count + core->closed.count + 1, sizeof rows[0]);
    const size_t count = collect_rows(core, &query, rows);
    if (sort_rows(rows, count, &query, why)) {
        free(rows);
        return NULL;
    }
    json_t *list = json_array();
    for (size_t i = query.offset; i < count && json_array_size(list) < query.limit; i++)
        json_array_append_new(list, row_json(core, &rows[i], &query));
    free(rows);
    json_t *object = monitor_head(core);
    monitor_set_u64(object, "num_connections", json_array_size(list));
    monitor_set_u64(object, "total", count);
    monitor_set_u64(object, "offset", query.offset);
    monitor_set_u64(object, "limit", query.limit);
    json_object_set_new(object, "connections", list);
    return object;
}
