// SPDX-License-Identifier: Apache-2.0
//
// /subsz, /accountz and /accstatz.
#include "monitor_json.h"
#include "proto/subject.h"
#include "query.h"

enum { SUBS_LIMIT_DEFAULT = 1024 };

// ---- subscriptions ----

struct subsz_query {
    bool list;
    uint64_t offset;
    uint64_t limit;
    char account[QUERY_VALUE_MAX];
    char test[QUERY_VALUE_MAX]; // only those that a message to this subject would reach
};

static bool sub_wanted(const struct sub *sub, const struct conn *conn, const struct subsz_query *query)
{
    if (query->account[0] && strcmp(query->account, conn->account->name) != 0)
        return false;
    return !query->test[0] || rill_subject_matches(sub->subject, rill_bytes_from_cstr(query->test));
}

static void add_sub_list(json_t *object, const struct rill_core *core, const struct subsz_query *query)
{
    json_t *list = json_array();
    uint64_t total = 0;
    for (const struct conn *conn = core->conns; conn; conn = conn->next) {
        for (const struct sub *sub = conn->subs; sub; sub = sub->conn_next) {
            if (!sub_wanted(sub, conn, query))
                continue;
            if (total++ >= query->offset && json_array_size(list) < query->limit)
                json_array_append_new(list, monitor_sub(sub, true));
        }
    }
    monitor_set_u64(object, "total", total);
    monitor_set_u64(object, "offset", query->offset);
    monitor_set_u64(object, "limit", query->limit);
    json_object_set_new(object, "subscriptions_list", list);
}

json_t *monitor_subsz(struct rill_core *core, struct rill_bytes text, struct rill_error_text *why)
{
    struct subsz_query query = {.limit = SUBS_LIMIT_DEFAULT};
    enum rill_err err = query_bool(text, "subs", &query.list, why);
    err = err ? err : query_number(text, "offset", &query.offset, why);
    err = err ? err : query_number(text, "limit", &query.limit, why);
    if (err)
        return NULL;
    (void)query_text(text, "acc", query.account);
    if (query_text(text, "test", query.test) && !rill_subject_is_literal(rill_bytes_from_cstr(query.test))) {
        rill_error_text_set(why, "invalid test subject, must be publish subject: %.64s", query.test);
        return NULL;
    }
    json_t *object = monitor_head(core);
    json_t *stats = monitor_sublist_stats(core, NULL);
    json_object_update(object, stats);
    json_decref(stats);
    if (query.list || query.test[0])
        add_sub_list(object, core, &query);
    return object;
}

// ---- accounts ----

static json_t *account_detail(const struct rill_core *core, const struct account *account)
{
    json_t *object = json_object();
    json_object_set_new(object, "account_name", json_string(account->name));
    json_object_set_new(object, "expired", json_false());
    json_object_set_new(object, "complete", json_true());
    json_object_set_new(object, "jetstream_enabled",
                        json_boolean(core->jetstream && account == &core->accounts[ACCOUNT_GLOBAL]));
    monitor_set_u64(object, "leafnode_connections", 0);
    monitor_set_u64(object, "client_connections", account->conn_count);
    monitor_set_u64(object, "subscriptions", interest_stats(account->interest).subs);
    json_object_set_new(object, "sublist_stats", monitor_sublist_stats(core, account));
    return object;
}

json_t *monitor_accountz(struct rill_core *core, struct rill_bytes query)
{
    json_t *object = monitor_head(core);
    json_object_set_new(object, "system_account", json_string(core->accounts[ACCOUNT_SYSTEM].name));
    char name[QUERY_VALUE_MAX];
    const bool one = query_text(query, "acc", name) && name[0];
    json_t *names = json_array();
    for (int i = 0; i < ACCOUNT_COUNT; i++) {
        if (one && strcmp(core->accounts[i].name, name) == 0)
            json_object_set_new(object, "account_detail", account_detail(core, &core->accounts[i]));
        json_array_append_new(names, json_string(core->accounts[i].name));
    }
    if (!one)
        json_object_set(object, "accounts", names);
    json_decref(names);
    return object;
}

static json_t *amounts(uint64_t msgs, uint64_t bytes)
{
    json_t *object = json_object();
    monitor_set_u64(object, "msgs", msgs);
    monitor_set_u64(object, "bytes", bytes);
    return object;
}

static json_t *accstatz_row(const struct rill_core *core, const struct account *account)
{
    const struct traffic traffic = monitor_traffic(core, account);
    json_t *object = json_object();
    json_object_set_new(object, "acc", json_string(account->name));
    monitor_set_u64(object, "conns", account->conn_count);
    monitor_set_u64(object, "leafnodes", 0);
    monitor_set_u64(object, "total_conns", account->conns_total);
    monitor_set_u64(object, "num_subscriptions", interest_stats(account->interest).subs);
    json_object_set_new(object, "sent", amounts(traffic.out_msgs, traffic.out_bytes));
    json_object_set_new(object, "received", amounts(traffic.in_msgs, traffic.in_bytes));
    monitor_set_u64(object, "slow_consumers", account->slow_consumers);
    return object;
}

json_t *monitor_accstatz(struct rill_core *core, struct rill_bytes query, struct rill_error_text *why)
{
    bool unused = false;
    if (query_bool(query, "unused", &unused, why))
        return NULL;
    json_t *list = json_array();
    for (int i = 0; i < ACCOUNT_COUNT; i++) {
        if (unused || core->accounts[i].conn_count)
            json_array_append_new(list, accstatz_row(core, &core->accounts[i]));
    }
    json_t *object = monitor_head(core);
    json_object_set_new(object, "account_statz", list);
    return object;
}
