// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <stdlib.h>

static const struct show_field info_fields[] = {
    {"config.description", "Description", SHOW_TEXT},
    {"config.subjects", "Subjects", SHOW_TEXT},
    {"created", "Created", SHOW_TIME},
    {NULL, "Configuration", SHOW_SECTION},
    {"config.storage", "Storage", SHOW_TEXT},
    {"config.retention", "Retention", SHOW_TEXT},
    {"config.discard", "Discard", SHOW_TEXT},
    {"config.compression", "Compression", SHOW_TEXT},
    {"config.persist_mode", "Persist mode", SHOW_TEXT},
    {"config.num_replicas", "Replicas", SHOW_COUNT},
    {"config.duplicate_window", "Duplicate window", SHOW_DURATION},
    {"config.no_ack", "No acknowledgements", SHOW_FLAG},
    {"config.sealed", "Sealed", SHOW_FLAG},
    {"config.deny_delete", "Deny delete", SHOW_FLAG},
    {"config.deny_purge", "Deny purge", SHOW_FLAG},
    {"config.allow_rollup_hdrs", "Allow rollup", SHOW_FLAG},
    {"config.allow_direct", "Allow direct", SHOW_FLAG},
    {"config.allow_msg_ttl", "Allow message TTL", SHOW_FLAG},
    {"config.first_seq", "First sequence", SHOW_COUNT},
    {"config.subject_transform", "Subject transform", SHOW_TEXT},
    {"config.republish", "Republish", SHOW_TEXT},
    {"config.mirror", "Mirror", SHOW_TEXT},
    {"config.sources", "Sources", SHOW_TEXT},
    {"config.metadata", "Metadata", SHOW_TEXT},
    {NULL, "Limits", SHOW_SECTION},
    {"config.max_msgs", "Messages", SHOW_LIMIT},
    {"config.max_msgs_per_subject", "Per subject", SHOW_LIMIT},
    {"config.max_bytes", "Bytes", SHOW_CAP},
    {"config.max_age", "Age", SHOW_AGE},
    {"config.max_msg_size", "Message size", SHOW_CAP},
    {"config.max_consumers", "Consumers", SHOW_LIMIT},
    {NULL, "State", SHOW_SECTION},
    {"state.messages", "Messages", SHOW_COUNT},
    {"state.bytes", "Bytes", SHOW_BYTES},
    {"state.first_seq", "First sequence", SHOW_COUNT},
    {"state.first_ts", "First stored", SHOW_TIME},
    {"state.last_seq", "Last sequence", SHOW_COUNT},
    {"state.last_ts", "Last stored", SHOW_TIME},
    {"state.num_subjects", "Subjects", SHOW_COUNT},
    {"state.num_deleted", "Deleted", SHOW_COUNT},
    {"state.deleted", "Deleted ones", SHOW_TEXT},
    {"state.lost", "Lost", SHOW_TEXT},
    {"state.consumer_count", "Consumers", SHOW_COUNT},
    {"cluster.leader", "Leader", SHOW_TEXT},
    {0},
};

enum tool_exit stream_show(const struct call *call, Rill__StreamInfo *info)
{
    char title[RILL_NAME_BYTES + 16];
    (void)snprintf(title, sizeof title, "Stream %s", info->config->name);
    json_t *json = show_model(&info->base);
    rill_model_free(&info->base);
    return show_card(call, title, info_fields, json);
}

static enum tool_exit info(struct remote *remote, const char *stream)
{
    Rill__StreamInfoRequest request = RILL__STREAM_INFO_REQUEST__INIT;
    request.has_deleted_details = request.deleted_details = call_has(remote->call, "deleted");
    struct rill_error error = {0};
    Rill__StreamInfo *found = NULL;
    const enum rill_err err = rill_stream_info(remote->js, stream, &request, &found, &error);
    return err ? call_error(remote->call, err, &error, stream) : stream_show(remote->call, found);
}

enum tool_exit stream_run_info(struct call *call)
{
    return stream_with(call, info);
}

// ---- ls and report ----

static bool add_row(const Rill__StreamInfo *found, void *context)
{
    (void)json_array_append_new(context, show_model(&found->base));
    return true;
}

static enum tool_exit collect(struct remote *remote, const char *subject, json_t **ret_rows)
{
    struct rill_error error = {0};
    json_t *rows = json_array();
    const enum rill_err err = rill_stream_each(remote->js, subject, add_row, rows, &error);
    if (err) {
        json_decref(rows);
        return call_error(remote->call, err, &error, "streams");
    }
    *ret_rows = rows;
    return TOOL_DONE;
}

static enum tool_exit ls(struct remote *remote, const char *stream)
{
    static const struct show_field columns[] = {
        {"config.name", "Stream", SHOW_TEXT},        {"config.subjects", "Subjects", SHOW_TEXT},
        {"config.storage", "Storage", SHOW_TEXT},    {"state.messages", "Messages", SHOW_COUNT},
        {"state.bytes", "Size", SHOW_BYTES},         {"state.consumer_count", "Consumers", SHOW_COUNT},
        {"state.last_ts", "Last stored", SHOW_TIME}, {0},
    };
    json_t *rows = NULL;
    (void)stream;
    const enum tool_exit code = collect(remote, call_text(remote->call, "subject"), &rows);
    if (code)
        return code;
    if (call_has(remote->call, "names"))
        return show_names(rows, "config.name");
    return show_table(remote->call, NULL, columns, rows, "There are no streams.");
}

enum tool_exit stream_run_ls(struct call *call)
{
    return stream_with(call, ls);
}

static enum tool_exit report(struct remote *remote, const char *stream)
{
    static const struct show_field columns[] = {
        {"config.name", "Stream", SHOW_TEXT},
        {"config.storage", "Storage", SHOW_TEXT},
        {"state.consumer_count", "Consumers", SHOW_COUNT},
        {"state.messages", "Messages", SHOW_COUNT},
        {"state.bytes", "Bytes", SHOW_BYTES},
        {"state.num_subjects", "Subjects", SHOW_COUNT},
        {"state.num_deleted", "Deleted", SHOW_COUNT},
        {"state.lost.bytes", "Lost", SHOW_BYTES},
        {"cluster.leader", "Leader", SHOW_TEXT},
        {0},
    };
    static const struct show_order orders[] = {
        {"bytes", "state.bytes"},
        {"messages", "state.messages"},
        {"consumers", "state.consumer_count"},
        {"name", "config.name"},
        {0},
    };
    json_t *rows = NULL;
    (void)stream;
    const enum tool_exit code = collect(remote, NULL, &rows);
    if (code)
        return code;
    rows = show_sorted(rows, orders, call_text(remote->call, "sort"));
    return show_table(remote->call, NULL, columns, rows, "There are no streams.");
}

enum tool_exit stream_run_report(struct call *call)
{
    return stream_with(call, report);
}

// ---- subjects ----

static json_t *subject_rows(const Rill__StreamInfo *found)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < found->state->n_subjects; i++)
        (void)json_array_append_new(rows,
                                    json_pack("{s:s, s:I}", "subject", found->state->subjects[i]->key,
                                              "messages", (json_int_t)found->state->subjects[i]->value));
    return rows;
}

static enum tool_exit subjects(struct remote *remote, const char *stream)
{
    static const struct show_field columns[] = {
        {"subject", "Subject", SHOW_TEXT},
        {"messages", "Messages", SHOW_COUNT},
        {0},
    };
    const char *filter = call_text(remote->call, "filter");
    Rill__StreamInfoRequest request = RILL__STREAM_INFO_REQUEST__INIT;
    request.subjects_filter = (char *)(filter ? filter : ">");
    json_t *rows = json_array();
    struct rill_error error = {0};
    // The server gives them page by page.
    for (;;) {
        Rill__StreamInfo *found = NULL;
        const enum rill_err err = rill_stream_info(remote->js, stream, &request, &found, &error);
        if (err) {
            json_decref(rows);
            return call_error(remote->call, err, &error, stream);
        }
        json_t *page = subject_rows(found);
        rill_model_free(&found->base);
        const size_t count = json_array_size(page);
        (void)json_array_extend(rows, page);
        json_decref(page);
        request.has_offset = true;
        request.offset += (int64_t)count;
        if (count < 100000) // nats-server's page
            break;
    }
    return show_table(remote->call, NULL, columns, rows, "There are no such subjects.");
}

enum tool_exit stream_run_subjects(struct call *call)
{
    return stream_with(call, subjects);
}
