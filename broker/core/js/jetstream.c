// SPDX-License-Identifier: Apache-2.0
#include "jetstream.h"

#include "api.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "js_state.h"
#include "push.h"
#include "restore.h"
#include "snapshot.h"
#include "stream.h"
#include "stream_limits.h"
#include "stream_sync.h"
#include "stream_tidy.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    JSON_BYTES_MAX = 64 << 20,
    EVENT_BYTES_MAX = 64 << 20,
    HEADERS_BYTES_MAX = 64 << 20,
    DOMAIN_BYTES_MAX = 255,
    SUBJECT_BYTES_MAX = 32 * 1024,
};

// ---- life ----

struct jetstream *jetstream_create(struct rill_core *core, const struct rill_jetstream_config *config)
{
    struct jetstream *js = rill_alloc_zero(1, sizeof *js);
    js->core = core;
    js->filters_due.kind = DEADLINE_FILTERS;
    js->account = &core->accounts[ACCOUNT_GLOBAL];
    js->disk = config->disk;
    js->store_dir = rill_alloc_cstr(rill_bytes_from_cstr(config->store_dir));
    js->limits = config->limits;
    js->memory_disk = rill_disk_memory_create((uint64_t)js->limits.memory_bytes_max);
    js->lenient = config->lenient;
    js->sync_interval_ns = config->sync_interval_ns;
    js->domain = config->domain ? rill_alloc_cstr(rill_bytes_from_cstr(config->domain)) : NULL;
    js->free_bytes_at_start = config->free_bytes;
    js->segment_bytes = config->segment_bytes;
    js->cache_bytes_max = config->cache_bytes_max;
    js->index_log_bytes = config->index_log_bytes;
    rill_buf_init(&js->json, JSON_BYTES_MAX);
    rill_buf_init(&js->event, EVENT_BYTES_MAX);
    rill_buf_init(&js->subject, SUBJECT_BYTES_MAX);
    js->api_sub = route_subscribe(js->account, "$JS.API.>", api_request, js);
    js->system_sub = route_subscribe(&core->accounts[ACCOUNT_SYSTEM], "$JS.API.>", api_system_request, js);
    rill_buf_init(&js->headers, HEADERS_BYTES_MAX);
    if (js->domain) {
        char pattern[DOMAIN_BYTES_MAX + sizeof "$JS..API.>"];
        (void)snprintf(pattern, sizeof pattern, "$JS.%s.API.>", js->domain);
        js->domain_sub = route_subscribe(js->account, pattern, api_domain_request, js);
    }
    js->ack_sub = route_subscribe(js->account, "$JS.ACK.>", durable_ack, js);
    js->flow_sub = route_subscribe(js->account, "$JS.FC.>", push_flow_answer, js);
    js->buried_sub = route_subscribe(js->account, DURABLE_BURIED_SUBJECT ".>", durable_buried, js);
    interest_listen(js->account->interest, push_interest_changed, js);
    stream_recover_all(js);
    return js;
}

void jetstream_destroy(struct jetstream *js)
{
    if (!js)
        return;
    RILL_ASSERT(!js->streams && !js->touched && !js->serving && !js->held_count && !js->pushes &&
                !js->filters);
    rill_deadline_cancel(&js->core->deadlines, &js->filters_due);
    route_unsubscribe(js->account, js->api_sub);
    route_unsubscribe(&js->core->accounts[ACCOUNT_SYSTEM], js->system_sub);
    interest_listen(js->account->interest, NULL, NULL);
    if (js->domain_sub)
        route_unsubscribe(js->account, js->domain_sub);
    route_unsubscribe(js->account, js->ack_sub);
    api_audit_end(&js->audits);
    route_unsubscribe(js->account, js->flow_sub);
    route_unsubscribe(js->account, js->buried_sub);
    interest_memo_clear(js->account->interest, &js->last_acknowledged);
    interest_memo_clear(js->account->interest, &js->last_delivered);
    rill_buf_fini(&js->headers);
    rill_buf_fini(&js->json);
    rill_buf_fini(&js->event);
    rill_buf_fini(&js->subject);
    rill_store_shared_destroy(js->shared);
    rill_disk_memory_destroy(js->memory_disk);
    free(js->domain);
    free(js->store_dir);
    free(js);
}

const char *jetstream_domain(const struct jetstream *js)
{
    return js->domain;
}

enum rill_core_recovery jetstream_recovery(const struct jetstream *js)
{
    if (js->list_failed)
        return RILL_CORE_STORE_LOST;
    const bool all = js->listed && js->recovery.done == js->recovery.streams;
    return all ? RILL_CORE_RECOVERED : RILL_CORE_RECOVERING;
}

// ---- one turn ----

void jetstream_deadline(struct jetstream *js, struct rill_deadline *due)
{
    switch (due->kind) {
    case DEADLINE_DURABLE:
        durable_due((struct durable *)((char *)due - offsetof(struct durable, due)));
        return;
    case DEADLINE_STREAM:
        stream_due((struct stream *)((char *)due - offsetof(struct stream, due)));
        return;
    case DEADLINE_STREAM_AGE:
        stream_limits_due((struct stream *)((char *)due - offsetof(struct stream, age_due)));
        return;
    case DEADLINE_STREAM_SYNC:
        stream_sync_due((struct stream *)((char *)due - offsetof(struct stream, sync_due)));
        return;
    case DEADLINE_SNAPSHOT:
        snapshot_due(due);
        return;
    case DEADLINE_RESTORE:
        restore_due(due);
        return;
    case DEADLINE_FILTERS:
        source_filters_due((struct jetstream *)((char *)due - offsetof(struct jetstream, filters_due)));
        return;
    default:
        RILL_UNREACHABLE();
    }
}

void jetstream_begin_turn(struct jetstream *js)
{
    // What else is left over is in the queues, which the end of the turn works on.
    while (js->unfed)
        stream_feed(js->unfed);
}

/* Those who come into the queue meanwhile have their turn next time. */
static void serve(struct jetstream *js)
{
    struct durable *durable = js->serving;
    js->serving = js->serving_last = NULL;
    while (durable) {
        struct durable *next = durable->serving_next;
        durable->serving = false;
        durable->serving_next = NULL;
        durable_serve(durable);
        durable = next;
    }
}

void jetstream_end_turn(struct jetstream *js)
{
    serve(js);
    struct stream *stream;
    while ((stream = js->touched)) {
        js->touched = stream->touched_next;
        stream->touched = false;
        stream_end_turn(stream);
    }
}

bool jetstream_has_work(const struct jetstream *js)
{
    return js->serving || js->touched || js->unfed;
}

// ---- the end ----

static void stop_stream(struct stream *stream)
{
    struct durable *durable;
    for (durable = stream->durables; durable; durable = durable->by_name.next)
        durable_end_pulls_unserved(durable, "409 Server Shutdown");
    if (stream->state == STREAM_OFFLINE) {
        stream_free(stream);
    } else if (stream->state == STREAM_ACTIVE) {
        stream_deactivate(stream);
        stream->state = STREAM_STOPPING;
        stream->commit_wanted = true;
        stream_touch(stream);
    }
    // What is being made or recovered ends when its job is back; what waits to be recovered, at once.
}

void jetstream_stop(struct jetstream *js)
{
    struct stream *stream;
    struct stream *next;
    if (js->stopping)
        return;
    js->stopping = true;
    HASH_ITER (by_name, js->streams, stream, next) {
        stop_stream(stream);
    }
    restore_stop_all(js);
    core_cancel(js->core, RILL_LANE_RECOVERY);
}

bool jetstream_is_idle(const struct jetstream *js)
{
    return !js->streams && !js->touched && !js->serving && !js->restores;
}
