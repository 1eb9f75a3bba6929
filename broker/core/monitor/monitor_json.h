// SPDX-License-Identifier: Apache-2.0
//
// What the monitoring endpoints share: totals, and the small pieces of NATS' JSON. Loop thread only.
#pragma once

#include "base/err.h"
#include "core/monitor.h"
#include "core_state.h"

#include <jansson.h>

/* Sums over the living and the closed connections. */
struct traffic {
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t out_msgs;
    uint64_t out_bytes;
};

/* Of one account, or of all when NULL. */
struct traffic monitor_traffic(const struct rill_core *core, const struct account *account);
uint64_t monitor_sub_count(const struct rill_core *core);

/* RFC 3339 with nanoseconds, and NATS' short form of a duration: "1d2h3m4s". */
json_t *monitor_time(int64_t wall_ns);
json_t *monitor_uptime(int64_t duration_ns);
/* Begins every answer: server_id and now. */
json_t *monitor_head(const struct rill_core *core);
void monitor_set_u64(json_t *object, const char *name, uint64_t value);
/* Set only when there is something to tell. */
void monitor_set_text(json_t *object, const char *name, const char *text);
json_t *monitor_bytes(struct rill_bytes bytes);
/* A client's subscription in detail. */
json_t *monitor_sub(const struct sub *sub, bool with_account);
json_t *monitor_sublist_stats(const struct rill_core *core, const struct account *account);

/* The endpoints. Each gives a new object, or NULL with a reason when a parameter is wrong. */
json_t *monitor_varz(struct rill_core *core, const struct rill_process_facts *facts);
json_t *monitor_connz(struct rill_core *core, struct rill_bytes query, struct rill_error_text *why);
json_t *monitor_subsz(struct rill_core *core, struct rill_bytes query, struct rill_error_text *why);
json_t *monitor_accountz(struct rill_core *core, struct rill_bytes query);
json_t *monitor_accstatz(struct rill_core *core, struct rill_bytes query, struct rill_error_text *why);
/* *ret_http_status is 200, or 503 when something is not in order, 404 when what was asked for is not there. */
json_t *monitor_healthz(struct rill_core *core, struct rill_bytes query, int *ret_http_status,
                        struct rill_error_text *why);
/* Appends its JSON to the body. INVALID with a reason when a parameter is wrong. */
enum rill_err monitor_jsz(struct rill_core *core, struct rill_bytes query, struct rill_buf *body,
                          struct rill_error_text *why) RILL_MUST_CHECK;

/* Prometheus' text form. */
void monitor_metrics(struct rill_core *core, const struct rill_process_facts *facts, struct rill_buf *body);
