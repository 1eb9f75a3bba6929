// SPDX-License-Identifier: Apache-2.0
#include "consumer.h"

static const struct show_field info_fields[] = {
    {"config.description", "Description", SHOW_TEXT},
    {"created", "Created", SHOW_TIME},
    {NULL, "Configuration", SHOW_SECTION},
    {"config.durable_name", "Durable", SHOW_TEXT},
    {"config.deliver_subject", "Delivers to", SHOW_TEXT},
    {"config.deliver_group", "Queue group", SHOW_TEXT},
    {"config.filter_subject", "Filter", SHOW_TEXT},
    {"config.filter_subjects", "Filters", SHOW_TEXT},
    {"config.deliver_policy", "Deliver", SHOW_TEXT},
    {"config.opt_start_seq", "From sequence", SHOW_COUNT},
    {"config.opt_start_time", "From time", SHOW_TIME},
    {"config.ack_policy", "Acknowledge", SHOW_TEXT},
    {"config.ack_wait", "Ack wait", SHOW_DURATION},
    {"config.backoff", "Backoff (ns)", SHOW_TEXT},
    {"config.max_deliver", "Deliveries", SHOW_LIMIT},
    {"config.max_ack_pending", "Unacknowledged at most", SHOW_LIMIT},
    {"config.replay_policy", "Replay", SHOW_TEXT},
    {"config.headers_only", "Headers only", SHOW_FLAG},
    {"config.max_waiting", "Waiting pulls at most", SHOW_LIMIT},
    {"config.max_batch", "Messages a pull", SHOW_LIMIT},
    {"config.max_expires", "A pull waits", SHOW_AGE},
    {"config.max_bytes", "Bytes a pull", SHOW_CAP},
    {"config.idle_heartbeat", "Heartbeat", SHOW_DURATION},
    {"config.flow_control", "Flow control", SHOW_FLAG},
    {"config.rate_limit_bps", "Bits a second", SHOW_LIMIT},
    {"config.inactive_threshold", "Inactive threshold", SHOW_DURATION},
    {"config.metadata", "Metadata", SHOW_TEXT},
    {NULL, "State", SHOW_SECTION},
    {"delivered.stream_seq", "Delivered up to", SHOW_COUNT},
    {"delivered.consumer_seq", "Deliveries", SHOW_COUNT},
    {"delivered.last_active", "Last delivery", SHOW_TIME},
    {"ack_floor.stream_seq", "Acknowledged up to", SHOW_COUNT},
    {"ack_floor.last_active", "Last acknowledgement", SHOW_TIME},
    {"num_ack_pending", "Unacknowledged", SHOW_COUNT},
    {"num_redelivered", "Redelivered", SHOW_COUNT},
    {"num_pending", "Still to come", SHOW_COUNT},
    {"num_waiting", "Waiting pulls", SHOW_COUNT},
    {"push_bound", "Somebody listens", SHOW_FLAG},
    {"paused", "Paused", SHOW_FLAG},
    {"pause_remaining", "Pause ends in", SHOW_DURATION},
    {"cluster.leader", "Leader", SHOW_TEXT},
    {0},
};

enum tool_exit consumer_show(const struct call *call, Rill__ConsumerInfo *info)
{
    char title[2 * RILL_NAME_BYTES + 32];
    (void)snprintf(title, sizeof title, "Consumer %s of stream %s", info->name, info->stream_name);
    json_t *json = show_model(&info->base);
    rill_model_free(&info->base);
    return show_card(call, title, info_fields, json);
}

static enum tool_exit info(struct remote *remote, const char *stream, const char *consumer)
{
    struct rill_error error = {0};
    Rill__ConsumerInfo *found = NULL;
    const enum rill_err err = rill_consumer_info(remote->js, stream, consumer, &found, &error);
    return err ? call_error(remote->call, err, &error, consumer) : consumer_show(remote->call, found);
}

enum tool_exit consumer_run_info(struct call *call)
{
    return consumer_with(call, info);
}

// ---- ls and report ----

static bool add_row(const Rill__ConsumerInfo *found, void *context)
{
    (void)json_array_append_new(context, show_model(&found->base));
    return true;
}

static enum tool_exit collect(struct remote *remote, const char *stream, json_t **ret_rows)
{
    struct rill_error error = {0};
    json_t *rows = json_array();
    const enum rill_err err = rill_consumer_each(remote->js, stream, add_row, rows, &error);
    if (err) {
        json_decref(rows);
        return call_error(remote->call, err, &error, stream);
    }
    *ret_rows = rows;
    return TOOL_DONE;
}

static enum tool_exit ls(struct remote *remote, const char *stream, const char *consumer)
{
    static const struct show_field columns[] = {
        {"name", "Consumer", SHOW_TEXT},
        {"config.description", "Description", SHOW_TEXT},
        {"config.ack_policy", "Acknowledge", SHOW_TEXT},
        {"ack_floor.stream_seq", "Ack floor", SHOW_COUNT},
        {"num_ack_pending", "Unacknowledged", SHOW_COUNT},
        {"num_pending", "To come", SHOW_COUNT},
        {0},
    };
    json_t *rows = NULL;
    (void)consumer;
    const enum tool_exit code = collect(remote, stream, &rows);
    if (code)
        return code;
    if (call_has(remote->call, "names"))
        return show_names(rows, "name");
    return show_table(remote->call, NULL, columns, rows, "There are no consumers.");
}

enum tool_exit consumer_run_ls(struct call *call)
{
    return consumer_with(call, ls);
}

static enum tool_exit report(struct remote *remote, const char *stream, const char *consumer)
{
    static const struct show_field columns[] = {
        {"name", "Consumer", SHOW_TEXT},
        {"config.deliver_subject", "Delivers to", SHOW_TEXT},
        {"config.ack_policy", "Acknowledge", SHOW_TEXT},
        {"config.ack_wait", "Ack wait", SHOW_DURATION},
        {"num_ack_pending", "Unacknowledged", SHOW_COUNT},
        {"num_redelivered", "Redelivered", SHOW_COUNT},
        {"num_pending", "To come", SHOW_COUNT},
        {"num_waiting", "Pulls", SHOW_COUNT},
        {"delivered.stream_seq", "Delivered", SHOW_COUNT},
        {"ack_floor.stream_seq", "Ack floor", SHOW_COUNT},
        {0},
    };
    static const struct show_order orders[] = {
        {"name", "name"},
        {"pending", "num_pending"},
        {"unacknowledged", "num_ack_pending"},
        {"redelivered", "num_redelivered"},
        {0},
    };
    json_t *rows = NULL;
    (void)consumer;
    const enum tool_exit code = collect(remote, stream, &rows);
    if (code)
        return code;
    rows = show_sorted(rows, orders, call_text(remote->call, "sort"));
    return show_table(remote->call, NULL, columns, rows, "There are no consumers.");
}

enum tool_exit consumer_run_report(struct call *call)
{
    return consumer_with(call, report);
}
