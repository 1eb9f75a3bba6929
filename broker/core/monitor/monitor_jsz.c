// SPDX-License-Identifier: Apache-2.0
//
// /jsz: totals, and on request each account, stream and consumer. A message of the data model that is all views is made
// and encoded, so that a page about thousands of streams does not hold up the loop for long.
#include "base/alloc.h"
#include "base/assert.h"
#include "monitor_jetstream.h"
#include "proto/json_codec.h"
#include "query.h"

#include <stdlib.h>

struct jsz_query {
    bool accounts;
    bool streams;   // implies accounts
    bool consumers; // implies streams
    bool config;
    uint64_t offset; // of accounts
    uint64_t limit;
    char account[QUERY_VALUE_MAX]; // implies accounts
};

static enum rill_err parse_query(struct rill_bytes text, struct jsz_query *ret, struct rill_error_text *why)
{
    // Those of a cluster are read for their mistakes only: one broker leads everything.
    bool ignored;
    *ret = (struct jsz_query){.limit = 1024};
    enum rill_err err = query_bool(text, "accounts", &ret->accounts, why);
    err = err ? err : query_bool(text, "streams", &ret->streams, why);
    err = err ? err : query_bool(text, "consumers", &ret->consumers, why);
    err = err ? err : query_bool(text, "config", &ret->config, why);
    err = err ? err : query_number(text, "offset", &ret->offset, why);
    err = err ? err : query_number(text, "limit", &ret->limit, why);
    static const char *const of_clusters[] = {"leader-only", "stream-leader-only", "raft",
                                              "direct-consumers"};
    for (size_t i = 0; i < sizeof of_clusters / sizeof of_clusters[0]; i++)
        err = err ? err : query_bool(text, of_clusters[i], &ignored, why);
    const bool one = query_text(text, "acc", ret->account) && ret->account[0];
    ret->streams = ret->streams || ret->consumers;
    ret->accounts = ret->accounts || ret->streams || one;
    if (!ret->limit)
        ret->limit = 1024;
    return err;
}

// ---- the head ----

static int64_t limit_or_none(int64_t limit)
{
    return limit > 0 ? limit : -1;
}

static void fill_config(struct jsz_head *head)
{
    const struct jetstream_stats *stats = &head->stats;
    rill__jsz_config__init(&head->config);
    head->config.max_memory = limit_or_none(stats->limits.memory_bytes_max);
    head->config.max_storage = limit_or_none(stats->storage_bytes_max);
    head->config.store_dir = (char *)stats->store_dir;
    head->config.domain = (char *)stats->domain;
    head->config.has_compress_ok = head->config.compress_ok = true;
    head->config.has_strict = head->config.strict = stats->strict;
    rill__jsz_limits__init(&head->limits);
    head->limits.max_request_batch = stats->limits.request_batch_max;
    head->limits.max_ack_pending = stats->limits.ack_pending_max;
    head->limits.duplicate_window = stats->limits.duplicate_window_ns_max;
    head->limits.has_max_request_batch = head->limits.has_max_ack_pending =
        head->limits.has_duplicate_window = true;
}

void jsz_head_fill(const struct rill_core *core, struct jsz_head *ret_head)
{
    struct jetstream_stats *stats = &ret_head->stats;
    jetstream_stats(core->jetstream, stats);
    rill__jsz_config__init(&ret_head->config);
    rill__jsz_limits__init(&ret_head->limits);
    if (core->jetstream)
        fill_config(ret_head);
    rill__api_stats__init(&ret_head->api);
    ret_head->api.level = RILL_API_LEVEL;
    ret_head->api.total = stats->api_requests;
    ret_head->api.errors = stats->api_errors;
    Rill__JszStats *totals = &ret_head->totals;
    rill__jsz_stats__init(totals);
    totals->memory = stats->usage.memory_bytes;
    totals->storage = stats->usage.storage_bytes;
    totals->reserved_memory = stats->usage.memory_reserved_bytes;
    totals->reserved_storage = stats->usage.storage_reserved_bytes;
    totals->accounts = core->jetstream ? 1 : 0;
    totals->api = &ret_head->api;
}

bool jsz_has_limits(const struct jsz_head *head)
{
    return head->limits.max_request_batch || head->limits.max_ack_pending || head->limits.duplicate_window;
}

// ---- streams and consumers ----

/* One stream with all that its message points into. */
struct stream_view {
    Rill__JszStream message;
    struct stream_info info;
    struct rill_error_text reason;
    struct durable_info *durables;
};

struct stream *jsz_shown(struct stream *stream)
{
    while (stream && !stream_is_shown(stream))
        stream = stream->by_name.next;
    return stream;
}

static void view_consumers(struct stream_view *view, const struct stream *stream, bool config)
{
    const size_t count = stream->durable_count;
    view->durables = rill_alloc_zero(count, sizeof *view->durables);
    view->message.consumer_detail = rill_alloc_zero(count, sizeof(void *));
    for (struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        const size_t i = view->message.n_consumer_detail++;
        RILL_ASSERT(i < count);
        durable_info(durable, &view->durables[i]);
        if (config)
            durable_info_add_config(&view->durables[i], durable);
        view->message.consumer_detail[i] = &view->durables[i].info;
    }
}

/* One whose log is not read, or could not be, has only its name and what is the matter. */
static void view_stream(struct stream_view *view, struct stream *stream, Rill__ClusterInfo *cluster,
                        const struct jsz_query *query)
{
    const enum stream_health health = stream_health(stream, &view->reason);
    rill__jsz_stream__init(&view->message);
    view->message.name = stream->name;
    view->message.cluster = cluster;
    if (health != STREAM_HEALTH_OK) {
        view->message.health = (char *)stream_health_name(health);
        view->message.reason = view->reason.text;
    }
    if (!stream->record || !stream->store)
        return;
    stream_info(stream, &view->info);
    view->message.created = view->info.info.created;
    view->message.state = view->info.info.state;
    view->message.config = query->config ? view->info.info.config : NULL;
    if (query->consumers)
        view_consumers(view, stream, query->config);
}

static void view_fini(struct stream_view *view)
{
    for (size_t i = 0; i < view->message.n_consumer_detail; i++)
        durable_info_fini(&view->durables[i]);
    free(view->message.consumer_detail);
    free(view->durables);
}

// ---- the page ----

/* What stands in account_details. */
struct account_view {
    Rill__JszAccount message;
    Rill__ClusterInfo cluster;
    struct stream_view *streams;
};

static void view_account(struct account_view *view, struct jsz_head *head, const struct rill_core *core,
                         const struct jsz_query *query)
{
    struct stream *stream;
    size_t count = 0;
    rill__jsz_account__init(&view->message);
    rill__cluster_info__init(&view->cluster);
    view->cluster.leader = core->server_name;
    view->message.name = view->message.id = (char *)core->jetstream->account->name;
    view->message.inline_stats = &head->totals;
    if (!query->streams)
        return;
    struct stream *first = jsz_shown(core->jetstream->streams);
    for (stream = first; stream; stream = jsz_shown(stream->by_name.next))
        count++;
    view->streams = rill_alloc_zero(count, sizeof *view->streams);
    view->message.stream_detail = rill_alloc_zero(count, sizeof(void *));
    for (stream = first; stream; stream = jsz_shown(stream->by_name.next)) {
        struct stream_view *at = &view->streams[view->message.n_stream_detail];
        view_stream(at, stream, &view->cluster, query);
        view->message.stream_detail[view->message.n_stream_detail++] = &at->message;
    }
}

static void account_fini(struct account_view *view)
{
    for (size_t i = 0; i < view->message.n_stream_detail; i++)
        view_fini(&view->streams[i]);
    free(view->message.stream_detail);
    free(view->streams);
}

/* Streams are in one account. */
static bool wants_account(const struct rill_core *core, const struct jsz_query *query)
{
    if (!core->jetstream || !query->accounts)
        return false;
    return query->account[0] ? strcmp(query->account, core->jetstream->account->name) == 0
                             : query->offset == 0;
}

enum rill_err monitor_jsz(struct rill_core *core, struct rill_bytes text, struct rill_buf *body,
                          struct rill_error_text *why)
{
    struct jsz_query query;
    const enum rill_err err = parse_query(text, &query, why);
    if (err)
        return err;
    struct jsz_head head;
    struct account_view account = {.streams = NULL};
    Rill__JszAccount *accounts[] = {&account.message};
    Rill__Timestamp now = RILL__TIMESTAMP__INIT;
    Rill__Jsz page = RILL__JSZ__INIT;
    jsz_head_fill(core, &head);
    now.unix_ns = core->now.wall_ns;
    page.server_id = core->server_id;
    page.now = &now;
    page.has_disabled = page.disabled = !core->jetstream;
    page.config = &head.config;
    page.limits = jsz_has_limits(&head) ? &head.limits : NULL;
    page.inline_stats = &head.totals;
    page.streams = head.stats.usage.streams;
    page.consumers = head.stats.usage.consumers;
    page.messages = head.stats.messages;
    page.bytes = head.stats.bytes;
    page.total = core->jetstream ? 1 : 0;
    if (wants_account(core, &query)) {
        view_account(&account, &head, core, &query);
        page.account_details = accounts;
        page.n_account_details = 1;
    }
    const enum rill_err encoded = rill_json_encode(&page.base, body);
    RILL_ASSERT(encoded != RILL_ERR_NO_MEMORY && "memory for a page");
    account_fini(&account);
    return RILL_OK;
}
