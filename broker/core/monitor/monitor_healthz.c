// SPDX-License-Identifier: Apache-2.0
//
// /healthz: is everything in order, and if not, what? Without parameters all streams count. `account`, `stream` and
// `consumer` ask for one of them; `js-enabled-only` and `js-server-only` ask for less, which suits a probe that restarts a
// broker that does not live: a stream whose disk failed is not helped by that.
//
// Beside nats-server's fields there are `recovery`, how far the start has come, and `streams`, those that are not well with
// their reasons, at most LISTED_MAX. One whose index is being made again is listed, and no fault.
#include "base/assert.h"
#include "monitor_jetstream.h"
#include "query.h"

enum { LISTED_MAX = 100 };

struct healthz {
    const struct rill_core *core;

    // asked
    bool details;      // all faults one by one instead of the first
    bool enabled_only; // is JetStream there?
    bool server_only;  // not its streams
    char account[QUERY_VALUE_MAX];
    char stream[QUERY_VALUE_MAX];
    char consumer[QUERY_VALUE_MAX];

    // found
    int status; // of the first fault, 200 without any
    struct rill_error_text error;
    json_t *errors;
    json_t *streams;
    uint64_t streams_omitted;
};

static enum rill_err parse_query(struct rill_bytes text, struct healthz *ret, struct rill_error_text *why)
{
    bool enabled = false; // its older name
    bool meta_only = false;
    enum rill_err err = query_bool(text, "details", &ret->details, why);
    err = err ? err : query_bool(text, "js-enabled", &enabled, why);
    err = err ? err : query_bool(text, "js-enabled-only", &ret->enabled_only, why);
    err = err ? err : query_bool(text, "js-server-only", &ret->server_only, why);
    err = err ? err : query_bool(text, "js-meta-only", &meta_only, why);
    (void)query_text(text, "account", ret->account);
    (void)query_text(text, "stream", ret->stream);
    (void)query_text(text, "consumer", ret->consumer);
    ret->enabled_only = ret->enabled_only || enabled;
    ret->server_only = ret->server_only || meta_only;
    return err;
}

/* `type` is nats-server's: BAD_REQUEST, JETSTREAM, ACCOUNT, STREAM, CONSUMER. The first one decides. */
static void fault(struct healthz *healthz, int status, const char *type, const struct rill_error_text *text)
{
    if (healthz->status == 200) {
        healthz->status = status;
        healthz->error = *text;
    }
    if (json_array_size(healthz->errors) == LISTED_MAX)
        return;
    json_t *entry = json_object();
    json_object_set_new(entry, "type", json_string(type));
    monitor_set_text(entry, "account", healthz->account);
    monitor_set_text(entry, "stream", healthz->stream);
    monitor_set_text(entry, "consumer", healthz->consumer);
    monitor_set_text(entry, "error", text->text);
    json_array_append_new(healthz->errors, entry);
}

static void fault_text(struct healthz *healthz, int status, const char *type, const char *text)
{
    struct rill_error_text error;
    rill_error_text_set(&error, "%s", text);
    fault(healthz, status, type, &error);
}

// ---- streams ----

static void list_stream(struct healthz *healthz, const struct stream *stream, enum stream_health health,
                        const char *reason)
{
    if (json_array_size(healthz->streams) == LISTED_MAX) {
        healthz->streams_omitted++;
        return;
    }
    json_t *entry = json_object();
    monitor_set_text(entry, "account", stream->js->account->name);
    monitor_set_text(entry, "stream", stream->name);
    monitor_set_text(entry, "state", stream_health_name(health));
    monitor_set_text(entry, "reason", reason);
    json_array_append_new(healthz->streams, entry);
}

static void check_stream(struct healthz *healthz, const struct stream *stream)
{
    struct rill_error_text reason;
    struct rill_error_text error;
    const enum stream_health health = stream_health(stream, &reason);
    if (health == STREAM_HEALTH_OK)
        return;
    list_stream(healthz, stream, health, reason.text);
    if (health == STREAM_HEALTH_INDEXING)
        return; // it serves
    rill_error_text_set(&error, "JetStream stream '%s > %s' is %s: %s", stream->js->account->name,
                        stream->name, stream_health_name(health), reason.text);
    fault(healthz, 503, "STREAM", &error);
}

static void check_all_streams(struct healthz *healthz)
{
    const struct stream *stream = jsz_shown(healthz->core->jetstream->streams);
    for (; stream; stream = jsz_shown(stream->by_name.next))
        check_stream(healthz, stream);
}

static void check_one_stream(struct healthz *healthz)
{
    struct rill_error_text error;
    const struct stream *stream =
        stream_find(healthz->core->jetstream, rill_bytes_from_cstr(healthz->stream));
    if (!stream || !stream_is_shown(stream)) {
        rill_error_text_set(&error, "JetStream stream '%s > %s' not found", healthz->account,
                            healthz->stream);
        fault(healthz, 404, "STREAM", &error);
        return;
    }
    check_stream(healthz, stream);
    if (!healthz->consumer[0] || stream->state == STREAM_RECOVERING ||
        durable_find(stream, rill_bytes_from_cstr(healthz->consumer)))
        return;
    rill_error_text_set(&error, "JetStream consumer '%s > %s > %s' not found", healthz->account,
                        healthz->stream, healthz->consumer);
    fault(healthz, 404, "CONSUMER", &error);
}

static void check_account(struct healthz *healthz)
{
    struct rill_error_text error;
    if (strcmp(healthz->account, healthz->core->jetstream->account->name) != 0) {
        rill_error_text_set(&error, "JetStream account '%s' not found", healthz->account);
        fault(healthz, 404, "ACCOUNT", &error);
    } else if (healthz->stream[0]) {
        check_one_stream(healthz);
    } else {
        check_all_streams(healthz);
    }
}

// ---- the broker ----

static void check_jetstream(struct healthz *healthz, const struct jetstream_stats *stats)
{
    if (!healthz->core->jetstream) {
        if (healthz->enabled_only)
            fault_text(healthz, 503, "JETSTREAM", "JetStream not enabled");
        return;
    }
    if (healthz->enabled_only)
        return;
    if (stats->list_failed)
        fault_text(healthz, 503, "JETSTREAM", "JetStream's store cannot be read");
    if (healthz->server_only)
        return;
    if (!stats->listed && !stats->list_failed)
        fault_text(healthz, 503, "JETSTREAM", "JetStream is looking for its streams");
    else if (healthz->account[0])
        check_account(healthz);
    else
        check_all_streams(healthz);
}

static void check(struct healthz *healthz, const struct jetstream_stats *stats)
{
    if (healthz->stream[0] && !healthz->account[0])
        fault_text(healthz, 400, "BAD_REQUEST", "account must not be empty when checking stream health");
    else if (healthz->consumer[0] && !healthz->stream[0])
        fault_text(healthz, 400, "BAD_REQUEST", "stream must not be empty when checking consumer health");
    else if (healthz->core->stopping || healthz->core->lame_duck)
        fault_text(healthz, 503, "CONN", "server is shutting down");
    else
        check_jetstream(healthz, stats);
}

// ---- the page ----

static void add_recovery(json_t *object, const struct jetstream_stats *stats)
{
    if (!stats->recovering)
        return;
    json_t *recovery = json_object();
    monitor_set_u64(recovery, "streams", stats->usage.streams);
    monitor_set_u64(recovery, "streams_ready", stats->usage.streams - stats->recovering);
    monitor_set_u64(recovery, "messages_read", stats->replayed_messages);
    json_object_set_new(object, "recovery", recovery);
}

static json_t *page_of(const struct healthz *healthz, const struct jetstream_stats *stats)
{
    json_t *object = json_object();
    const bool ok = healthz->status == 200;
    const char *bad = healthz->details ? "error" : "unavailable";
    json_object_set_new(object, "status", json_string(ok ? "ok" : bad));
    if (healthz->details)
        monitor_set_u64(object, "status_code", (uint64_t)healthz->status);
    else
        monitor_set_text(object, "error", ok ? NULL : healthz->error.text);
    if (healthz->details && !ok)
        json_object_set(object, "errors", healthz->errors);
    add_recovery(object, stats);
    if (json_array_size(healthz->streams))
        json_object_set(object, "streams", healthz->streams);
    if (healthz->streams_omitted)
        monitor_set_u64(object, "streams_omitted", healthz->streams_omitted);
    return object;
}

json_t *monitor_healthz(struct rill_core *core, struct rill_bytes query, int *ret_http_status,
                        struct rill_error_text *why)
{
    struct healthz healthz = {.core = core, .status = 200};
    struct jetstream_stats stats;
    if (parse_query(query, &healthz, why))
        return NULL;
    healthz.errors = json_array();
    healthz.streams = json_array();
    jetstream_stats(core->jetstream, &stats);
    check(&healthz, &stats);
    json_t *page = page_of(&healthz, &stats);
    json_decref(healthz.errors);
    json_decref(healthz.streams);
    *ret_http_status = healthz.status;
    return page;
}
