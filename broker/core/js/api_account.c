// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.INFO
#include "api.h"
#include "js_limits.h"
#include "stream.h"

static int64_t shown(int64_t limit)
{
    return limit > 0 ? limit : -1;
}

static void fill_limits(const struct jetstream *js, Rill__AccountLimits *ret)
{
    const struct rill_jetstream_limits *limits = &js->limits;
    rill__account_limits__init(ret);
    ret->max_memory = shown(limits->memory_bytes_max);
    ret->max_storage = shown(js_limits_storage_max(js));
    ret->max_streams = shown(limits->streams_max);
    ret->max_consumers = shown(limits->consumers_max);
    ret->max_ack_pending = shown(limits->ack_pending_max);
    ret->memory_max_stream_bytes = shown(limits->memory_stream_bytes_max);
    ret->storage_max_stream_bytes = shown(limits->storage_stream_bytes_max);
    ret->max_bytes_required = limits->max_bytes_required;
}

void api_account_info(const struct api_call *call)
{
    struct jetstream *js = call->js;
    struct js_usage usage;
    Rill__AccountInfo info = RILL__ACCOUNT_INFO__INIT;
    Rill__AccountLimits limits;
    Rill__ApiStats stats = RILL__API_STATS__INIT;
    Rill__AccountInfoResponse response = RILL__ACCOUNT_INFO_RESPONSE__INIT;
    fill_limits(js, &limits);
    js_limits_usage(js, &usage);
    stats.level = RILL_API_LEVEL;
    stats.total = js->api_total;
    stats.errors = js->api_errors;
    info.memory = usage.memory_bytes;
    info.storage = usage.storage_bytes;
    info.reserved_memory = usage.memory_reserved_bytes;
    info.reserved_storage = usage.storage_reserved_bytes;
    info.streams = (int64_t)usage.streams;
    info.consumers = (int64_t)usage.consumers;
    info.limits = &limits;
    info.domain = js->domain;
    info.api = &stats;
    response.inline_info = &info;
    js_respond(js, call->reply, &response.base);
}
