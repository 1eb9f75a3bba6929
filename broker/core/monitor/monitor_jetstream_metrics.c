// SPDX-License-Identifier: Apache-2.0
//
// The part of /metrics about streams and consumers: names and labels are those of prometheus-nats-exporter, so that
// dashboards made for it go on working. What is asked of each stream and consumer is asked once and kept in a sample, since
// Prometheus wants the values of one name together. At most SAMPLES_MAX of them are told about; `rill_metrics_omitted`
// counts the others, whose numbers are in the totals all the same.
#include "base/alloc.h"
#include "base/assert.h"
#include "monitor_jetstream.h"

#include <math.h>
#include <stdlib.h>

enum { SAMPLES_MAX = 10000 };

/* name, help, value from a `struct jetstream_stats *s` */
#define SERVER_TABLE(X)                                                                                      \
    X("jetstream_server_total_streams", "streams", s->usage.streams)                                         \
    X("jetstream_server_total_consumers", "consumers", s->usage.consumers)                                   \
    X("jetstream_server_total_messages", "messages stored", s->messages)                                     \
    X("jetstream_server_total_message_bytes", "bytes of the messages stored", s->bytes)                      \
    X("jetstream_server_max_memory", "limit of streams in memory in bytes", s->limits.memory_bytes_max)      \
    X("jetstream_server_max_storage", "limit of streams in files in bytes", s->storage_bytes_max)

/* name, help, value from a `struct jetstream_stats *s`. The exporter's limits of an account are what its streams reserve. */
#define ACCOUNT_TABLE(X)                                                                                     \
    X("jetstream_account_max_memory", "bytes of memory that an account's streams reserve",                   \
      s->usage.memory_reserved_bytes)                                                                        \
    X("jetstream_account_max_storage", "bytes of files that an account's streams reserve",                   \
      s->usage.storage_reserved_bytes)                                                                       \
    X("jetstream_account_storage_used", "bytes of an account's streams in files", s->usage.storage_bytes)    \
    X("jetstream_account_memory_used", "bytes of an account's streams in memory", s->usage.memory_bytes)

/* name, help, value from a `struct stream_info *s` */
#define STREAM_TABLE(X)                                                                                      \
    X("jetstream_stream_total_messages", "messages of a stream", s->state.messages)                          \
    X("jetstream_stream_total_bytes", "bytes of a stream's messages", s->state.bytes)                        \
    X("jetstream_stream_first_seq", "first sequence of a stream", s->state.first_seq)                        \
    X("jetstream_stream_last_seq", "last sequence of a stream", s->state.last_seq)                           \
    X("jetstream_stream_consumer_count", "consumers of a stream", s->state.consumer_count)                   \
    X("jetstream_stream_subject_count", "subjects of a stream", s->state.num_subjects)                       \
    X("jetstream_stream_limit_bytes", "limit of a stream in bytes, -1 for none", s->info.config->max_bytes)  \
    X("jetstream_stream_limit_messages", "limit of a stream in messages, -1 for none",                       \
      s->info.config->max_msgs)

/* name, help, value from a `struct durable_info *s`; NAN: there is none */
#define CONSUMER_TABLE(X)                                                                                    \
    X("jetstream_consumer_delivered_consumer_seq", "deliveries of a consumer", s->delivered.consumer_seq)    \
    X("jetstream_consumer_delivered_stream_seq", "last sequence that was delivered",                         \
      s->delivered.stream_seq)                                                                               \
    X("jetstream_consumer_last_delivery_seconds", "seconds since something was delivered",                   \
      seconds_since(s, s->delivered.last_active))                                                            \
    X("jetstream_consumer_last_ack_seconds", "seconds since something was acknowledged",                     \
      seconds_since(s, s->ack_floor.last_active))                                                            \
    X("jetstream_consumer_num_ack_pending", "messages that wait to be acknowledged",                         \
      s->info.num_ack_pending)                                                                               \
    X("jetstream_consumer_num_redelivered", "messages delivered more than once", s->info.num_redelivered)    \
    X("jetstream_consumer_num_waiting", "pull requests that wait", s->info.num_waiting)                      \
    X("jetstream_consumer_num_pending", "messages to be delivered", s->info.num_pending)                     \
    X("jetstream_consumer_ack_floor_stream_seq", "all up to this sequence is acknowledged",                  \
      s->ack_floor.stream_seq)                                                                               \
    X("jetstream_consumer_ack_floor_consumer_seq", "all up to this delivery is acknowledged",                \
      s->ack_floor.consumer_seq)

struct metric {
    const char *name;
    const char *help;
};

#define METRIC_NAME(name, help, value) {name, help},
static const struct metric server_metrics[] = {SERVER_TABLE(METRIC_NAME)};
static const struct metric account_metrics[] = {ACCOUNT_TABLE(METRIC_NAME)};
static const struct metric stream_metrics[] = {STREAM_TABLE(METRIC_NAME)};
static const struct metric consumer_metrics[] = {CONSUMER_TABLE(METRIC_NAME)};
#undef METRIC_NAME

enum {
    SERVER_METRICS = sizeof server_metrics / sizeof server_metrics[0],
    ACCOUNT_METRICS = sizeof account_metrics / sizeof account_metrics[0],
    STREAM_METRICS = sizeof stream_metrics / sizeof stream_metrics[0],
    CONSUMER_METRICS = sizeof consumer_metrics / sizeof consumer_metrics[0],
    METRICS_MAX = 10,
};
static_assert(STREAM_METRICS <= METRICS_MAX && CONSUMER_METRICS <= METRICS_MAX, "values of a sample");

/* One stream or consumer: its labels and its values, in the order of its table. */
struct metric_sample {
    size_t labels_at; // in `labels` of the page
    size_t labels_len;
    double values[METRICS_MAX];
};

struct metric_samples {
    struct metric_sample *items;
    size_t count;
};

struct metrics_page {
    const struct rill_core *core;
    struct rill_buf *body;
    struct rill_buf labels; // of all samples, one after the other
    struct metric_samples streams;
    struct metric_samples consumers;
    uint64_t omitted;
};

static void must(enum rill_err err)
{
    // A body at its limit is cut; there is no other reason.
    RILL_ASSERT(err != RILL_ERR_NO_MEMORY && "memory for a page");
}

// ---- labels ----

/* A label's value may be anything: what would end it or the line is escaped. */
static void append_label(struct rill_buf *labels, const char *name, const char *value)
{
    must(rill_buf_appendf(labels, "%s%s=\"", labels->len ? "," : "", name));
    for (const char *at = value ? value : ""; *at; at++) {
        if (*at == '\n')
            must(rill_buf_append(labels, RILL_BYTES("\\n")));
        else if (*at == '"' || *at == '\\')
            must(rill_buf_appendf(labels, "\\%c", *at));
        else
            must(rill_buf_append(labels, rill_bytes_of(at, 1)));
    }
    must(rill_buf_append(labels, RILL_BYTES("\"")));
}

static void append_server_labels(const struct rill_core *core, struct rill_buf *labels)
{
    append_label(labels, "server_id", core->server_id);
    append_label(labels, "server_name", core->server_name);
    append_label(labels, "cluster", "");
    append_label(labels, "domain", core->jetstream ? core->jetstream->domain : "");
    append_label(labels, "meta_leader", "");
    append_label(labels, "is_meta_leader", "true");
}

static void append_account_labels(const struct jetstream *js, struct rill_buf *labels)
{
    static const char *const names[] = {"account", "account_name", "account_id"};
    append_server_labels(js->core, labels);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        append_label(labels, names[i], js->account->name);
}

static void append_stream_labels(const struct stream *stream, struct rill_buf *labels)
{
    append_account_labels(stream->js, labels);
    append_label(labels, "stream_name", stream->name);
    append_label(labels, "stream_leader", stream->js->core->server_name);
    append_label(labels, "is_stream_leader", "true");
    append_label(labels, "stream_raft_group", "");
}

static void append_consumer_labels(const struct durable *durable, const struct durable_info *info,
                                   struct rill_buf *labels)
{
    append_stream_labels(durable->stream, labels);
    append_label(labels, "consumer_name", durable->settings->name);
    append_label(labels, "consumer_leader", "");
    append_label(labels, "is_consumer_leader", "true");
    append_label(labels, "consumer_desc", info->info.config->description);
}

// ---- samples ----

static bool has_room(struct metrics_page *page)
{
    if (page->streams.count + page->consumers.count < SAMPLES_MAX)
        return true;
    page->omitted++;
    return false;
}

/* `labels` are the scratch that holds the sample's. */
static struct metric_sample *add_sample(struct metrics_page *page, struct metric_samples *samples,
                                        const struct rill_buf *labels)
{
    const size_t count = samples->count;
    if ((count & (count - 1)) == 0) // at 0, 1, 2, 4, ... there is no room
        samples->items = rill_alloc_resize(samples->items, count ? 2 * count : 1, sizeof *samples->items);
    struct metric_sample *sample = &samples->items[samples->count++];
    *sample = (struct metric_sample){.labels_at = page->labels.len, .labels_len = labels->len};
    must(rill_buf_append(&page->labels, rill_buf_bytes(labels)));
    return sample;
}

static double seconds_since(const struct durable_info *info, const Rill__Timestamp *time)
{
    return time ? (double)(info->now.unix_ns - time->unix_ns) / (double)RILL_NS_PER_S : NAN;
}

static void sample_consumer(struct metrics_page *page, struct durable *durable, struct rill_buf *labels)
{
    struct durable_info info;
    const struct durable_info *s = &info;
    durable_info(durable, &info);
    durable_info_add_config(&info, durable);
    labels->len = 0;
    append_consumer_labels(durable, &info, labels);
#define METRIC_VALUE(name, help, value) (double)(value),
    const double values[] = {CONSUMER_TABLE(METRIC_VALUE)};
    memcpy(add_sample(page, &page->consumers, labels)->values, values, sizeof values);
    durable_info_fini(&info);
}

static void sample_stream(struct metrics_page *page, struct stream *stream, struct rill_buf *labels)
{
    struct stream_info info;
    const struct stream_info *s = &info;
    stream_info(stream, &info);
    labels->len = 0;
    append_stream_labels(stream, labels);
    const double values[] = {STREAM_TABLE(METRIC_VALUE)};
    memcpy(add_sample(page, &page->streams, labels)->values, values, sizeof values);
}

/* A stream that is not ready has nothing to tell. */
static void sample_all(struct metrics_page *page)
{
    struct rill_buf labels;
    struct stream *stream = jsz_shown(page->core->jetstream->streams);
    rill_buf_init(&labels, 1 << 20);
    for (; stream; stream = jsz_shown(stream->by_name.next)) {
        if (!stream->record || !stream->store)
            continue;
        if (has_room(page))
            sample_stream(page, stream, &labels);
        for (struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
            if (has_room(page))
                sample_consumer(page, durable, &labels);
        }
    }
    rill_buf_fini(&labels);
}

// ---- the page ----

static void append_head(struct rill_buf *body, const char *name, const char *help)
{
    must(rill_buf_appendf(body, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name));
}

static void append_value(struct rill_buf *body, const char *name, struct rill_bytes labels, double value)
{
    must(rill_buf_appendf(body, "%s{" RILL_PRI "} %.17g\n", name, RILL_ARG(labels), value));
}

static void append_samples(struct metrics_page *page, const struct metric *metrics, size_t metric_count,
                           const struct metric_samples *samples)
{
    for (size_t i = 0; i < metric_count && samples->count; i++) {
        append_head(page->body, metrics[i].name, metrics[i].help);
        for (size_t k = 0; k < samples->count; k++) {
            const struct metric_sample *sample = &samples->items[k];
            const struct rill_bytes labels =
                rill_bytes_of(page->labels.data + sample->labels_at, sample->labels_len);
            if (!isnan(sample->values[i]))
                append_value(page->body, metrics[i].name, labels, sample->values[i]);
        }
    }
}

static void append_all(struct metrics_page *page, const struct metric *metrics, const double *values,
                       size_t count, struct rill_bytes labels)
{
    for (size_t i = 0; i < count; i++) {
        append_head(page->body, metrics[i].name, metrics[i].help);
        append_value(page->body, metrics[i].name, labels, values[i]);
    }
}

static void append_server(struct metrics_page *page, const struct jetstream_stats *s)
{
    struct rill_buf labels;
    rill_buf_init(&labels, 64 * 1024);
    append_server_labels(page->core, &labels);
    const double values[] = {SERVER_TABLE(METRIC_VALUE)};
    append_head(page->body, "jetstream_server_jetstream_disabled", "1 without JetStream");
    append_value(page->body, "jetstream_server_jetstream_disabled", rill_buf_bytes(&labels),
                 page->core->jetstream ? 0 : 1);
    append_all(page, server_metrics, values, SERVER_METRICS, rill_buf_bytes(&labels));
    rill_buf_fini(&labels);
}

static void append_account(struct metrics_page *page, const struct jetstream_stats *s)
{
    struct rill_buf labels;
    rill_buf_init(&labels, 64 * 1024);
    append_account_labels(page->core->jetstream, &labels);
    const double values[] = {ACCOUNT_TABLE(METRIC_VALUE)};
#undef METRIC_VALUE
    append_all(page, account_metrics, values, ACCOUNT_METRICS, rill_buf_bytes(&labels));
    rill_buf_fini(&labels);
}

void monitor_jetstream_metrics(const struct rill_core *core, const struct jetstream_stats *stats,
                               struct rill_buf *body)
{
    struct metrics_page page = {.core = core, .body = body};
    append_server(&page, stats);
    if (!core->jetstream)
        return;
    append_account(&page, stats);
    rill_buf_init(&page.labels, 256 << 20);
    sample_all(&page);
    append_samples(&page, stream_metrics, STREAM_METRICS, &page.streams);
    append_samples(&page, consumer_metrics, CONSUMER_METRICS, &page.consumers);
    append_head(body, "rill_metrics_omitted", "streams and consumers that are not told one by one");
    must(rill_buf_appendf(body, "rill_metrics_omitted{server_id=\"%s\"} %llu\n", core->server_id,
                          (unsigned long long)page.omitted));
    free(page.streams.items);
    free(page.consumers.items);
    rill_buf_fini(&page.labels);
}
