// SPDX-License-Identifier: Apache-2.0
//
// /metrics: the names that prometheus-nats-exporter gives to the fields of /varz and /connz (those of /jsz: monitor_jetstream_metrics.c), so that
// dashboards made for it go on working, and Rill's own under rill_.
#include "base/assert.h"
#include "monitor_jetstream.h"

/* Everything the table below draws from, gathered once per request. */
struct sample {
    const struct rill_core *core;
    const struct rill_process_facts *facts;
    struct traffic traffic;
    struct jetstream_stats jetstream;
    uint64_t subs;
    uint64_t pending_bytes;
    uint64_t job_count;
};

/* name, type, help, value as a double from a struct sample s */
#define METRIC_TABLE(X)                                                                                      \
    X("gnatsd_varz_connections", "gauge", "connections now", s->core->conn_count)                            \
    X("gnatsd_varz_total_connections", "counter", "connections since the start", s->core->conns_total)       \
    X("gnatsd_varz_max_connections", "gauge", "limit of connections", s->core->limits.connections_max)       \
    X("gnatsd_varz_max_payload", "gauge", "limit of a message in bytes", s->core->limits.payload_bytes_max)  \
    X("gnatsd_varz_max_pending", "gauge", "limit of waiting output in bytes",                                \
      s->core->limits.pending_bytes_max)                                                                     \
    X("gnatsd_varz_max_control_line", "gauge", "limit of a control line in bytes",                           \
      s->core->limits.control_line_bytes_max)                                                                \
    X("gnatsd_varz_ping_interval", "gauge", "between two pings, in nanoseconds",                             \
      s->core->limits.ping_interval_ns)                                                                      \
    X("gnatsd_varz_ping_max", "gauge", "unanswered pings allowed", s->core->limits.ping_max)                 \
    X("gnatsd_varz_write_deadline", "gauge", "for output to make progress, in nanoseconds",                  \
      s->core->limits.write_deadline_ns)                                                                     \
    X("gnatsd_varz_in_msgs", "counter", "messages received", s->traffic.in_msgs)                             \
    X("gnatsd_varz_in_bytes", "counter", "bytes of messages received", s->traffic.in_bytes)                  \
    X("gnatsd_varz_out_msgs", "counter", "messages delivered", s->traffic.out_msgs)                          \
    X("gnatsd_varz_out_bytes", "counter", "bytes of messages delivered", s->traffic.out_bytes)               \
    X("gnatsd_varz_slow_consumers", "counter", "connections closed as slow consumers",                       \
      s->core->slow_consumers)                                                                               \
    X("gnatsd_varz_subscriptions", "gauge", "subscriptions now", s->subs)                                    \
    X("gnatsd_varz_mem", "gauge", "resident memory in bytes", s->facts->resident_bytes)                      \
    X("gnatsd_varz_cpu", "gauge", "load of a processor in percent", s->facts->cpu_percent)                   \
    X("gnatsd_varz_cores", "gauge", "processors of the machine", s->facts->cores)                            \
    X("gnatsd_varz_routes", "gauge", "routes", 0)                                                            \
    X("gnatsd_varz_remotes", "gauge", "remote servers", 0)                                                   \
    X("gnatsd_varz_leafnodes", "gauge", "leaf nodes", 0)                                                     \
    X("gnatsd_connz_num_connections", "gauge", "connections now", s->core->conn_count)                       \
    X("gnatsd_connz_total", "gauge", "connections now", s->core->conn_count)                                 \
    X("gnatsd_connz_in_msgs", "counter", "messages received", s->traffic.in_msgs)                            \
    X("gnatsd_connz_in_bytes", "counter", "bytes of messages received", s->traffic.in_bytes)                 \
    X("gnatsd_connz_out_msgs", "counter", "messages delivered", s->traffic.out_msgs)                         \
    X("gnatsd_connz_out_bytes", "counter", "bytes of messages delivered", s->traffic.out_bytes)              \
    X("gnatsd_connz_subscriptions", "gauge", "subscriptions now", s->subs)                                   \
    X("gnatsd_connz_pending_bytes", "gauge", "output waiting for all connections", s->pending_bytes)         \
    X("rill_stale_connections_total", "counter", "connections closed as stale", s->core->stale_conns)        \
    X("rill_stalled_publishers_total", "counter", "publishers that waited for a receiver",                   \
      s->core->stalled_publishers)                                                                           \
    X("rill_auth_errors_total", "counter", "connections refused", s->core->auth_errors)                      \
    X("rill_protocol_errors_total", "counter", "connections closed for a protocol error",                    \
      s->core->protocol_errors)                                                                              \
    X("rill_jobs_out", "gauge", "work that is with the worker threads", core_jobs_out(s->core))              \
    X("rill_jetstream_disk_bytes", "gauge", "bytes of the files", s->jetstream.disk_bytes)                   \
    X("rill_jetstream_api_requests_total", "counter", "requests to the API", s->jetstream.api_requests)      \
    X("rill_jetstream_api_errors_total", "counter", "requests answered with an error",                       \
      s->jetstream.api_errors)                                                                               \
    X("rill_jetstream_streams_recovering", "gauge", "streams that are not ready yet",                        \
      s->jetstream.recovering)                                                                               \
    X("rill_jetstream_streams_unavailable", "gauge", "streams that take no messages after an error",         \
      s->jetstream.unavailable)                                                                              \
    X("rill_jetstream_lost_messages", "gauge", "messages that damage took", s->jetstream.lost_messages)      \
    X("rill_jetstream_commits_failed_total", "counter", "commits that the disk did not take",                \
      s->jetstream.commits_failed)                                                                           \
    X("rill_jetstream_publishes_refused_total", "counter", "publishes answered with an error",               \
      s->jetstream.publishes_refused)

static void sample_take(struct rill_core *core, const struct rill_process_facts *facts, struct sample *s)
{
    *s = (struct sample){
        .core = core,
        .facts = facts,
        .traffic = monitor_traffic(core, NULL),
        .subs = monitor_sub_count(core),
    };
    for (const struct conn *conn = core->conns; conn; conn = conn->next)
        s->pending_bytes += conn->outq.bytes;
    jetstream_stats(core->jetstream, &s->jetstream);
}

void monitor_metrics(struct rill_core *core, const struct rill_process_facts *facts, struct rill_buf *body)
{
    struct sample sample;
    sample_take(core, facts, &sample);
    const struct sample *s = &sample;
    const struct {
        const char *name;
        const char *type;
        const char *help;
        double value;
    } metrics[] = {
#define METRIC_ROW(name, type, help, value) {name, type, help, (double)(value)},
        METRIC_TABLE(METRIC_ROW)
#undef METRIC_ROW
    };
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const enum rill_err err =
            rill_buf_appendf(body, "# HELP %s %s\n# TYPE %s %s\n%s{server_id=\"%s\"} %.17g\n",
                             metrics[i].name, metrics[i].help, metrics[i].name, metrics[i].type,
                             metrics[i].name, core->server_id, metrics[i].value);
        RILL_ASSERT(err != RILL_ERR_NO_MEMORY && "memory for a page");
    }
    monitor_jetstream_metrics(core, &sample.jetstream, body);
}
