// SPDX-License-Identifier: Apache-2.0
//
// What the pages about streams and consumers share. Loop thread only.
#pragma once

#include "durable.h"
#include "jetstream_stats.h"
#include "monitor_json.h"
#include "proto/monitor.pb-c.h"
#include "stream.h"

/* What /jsz and /varz say of configuration, limits and totals; views of the core and of each other. */
struct jsz_head {
    struct jetstream_stats stats;
    Rill__JszConfig config;
    Rill__JszLimits limits;
    Rill__JszStats totals;
    Rill__ApiStats api;
};
void jsz_head_fill(const struct rill_core *core, struct jsz_head *ret_head);
/* Those that are configured; the others are not told. */
bool jsz_has_limits(const struct jsz_head *head);

/* The part of /metrics about streams and consumers. */
void monitor_jetstream_metrics(const struct rill_core *core, const struct jetstream_stats *stats,
                               struct rill_buf *body);

/* The next stream that is shown, `stream` itself included; NULL at the end. */
struct stream *jsz_shown(struct stream *stream);
