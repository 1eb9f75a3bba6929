// SPDX-License-Identifier: Apache-2.0
#include "bucket.h"

struct listing {
    json_t *rows;
    const char *prefix;
};

static json_t *row_of(const Rill__StreamInfo *info, const char *prefix)
{
    json_t *row = json_pack("{s:s}", "bucket", info->config->name + strlen(prefix));
    json_t *stream = show_model(&info->base);
    (void)json_object_update(row, stream);
    json_decref(stream);
    return row;
}

static bool add_row(const Rill__StreamInfo *info, void *context)
{
    struct listing *listing = context;
    if (strncmp(info->config->name, listing->prefix, strlen(listing->prefix)) == 0)
        (void)json_array_append_new(listing->rows, row_of(info, listing->prefix));
    return true;
}

enum tool_exit bucket_ls(struct remote *remote, const struct bucket_kind *kind)
{
    static const struct show_field columns[] = {
        {"bucket", "Bucket", SHOW_TEXT},
        {"config.description", "Description", SHOW_TEXT},
        {"created", "Created", SHOW_TIME},
        {"state.bytes", "Size", SHOW_BYTES},
        {"state.messages", "Messages", SHOW_COUNT},
        {"state.last_ts", "Last change", SHOW_TIME},
        {0},
    };
    static const struct bucket_list list = {"buckets", "bucket", columns, "There are no buckets."};
    struct listing listing = {.rows = json_array(), .prefix = kind->prefix};
    struct rill_error error = {0};
    const enum rill_err err = rill_stream_each(remote->js, NULL, add_row, &listing, &error);
    return bucket_show(remote->call, &list, listing.rows, err, &error);
}

static const struct show_field info_fields[] = {
    {"config.description", "Description", SHOW_TEXT},
    {"created", "Created", SHOW_TIME},
    {"config.max_msgs_per_subject", "History", SHOW_LIMIT},
    {"config.max_age", "Kept for", SHOW_AGE},
    {"config.max_bytes", "Size at most", SHOW_CAP},
    {"config.max_msg_size", "Value at most", SHOW_CAP},
    {"config.storage", "Storage", SHOW_TEXT},
    {"state.messages", "Messages", SHOW_COUNT},
    {"state.bytes", "Size", SHOW_BYTES},
    {"state.last_ts", "Last change", SHOW_TIME},
    {"config.name", "Stream", SHOW_TEXT},
    {0},
};

enum { STREAM_BYTES = RILL_NAME_BYTES + 8 };

/* The name of the stream behind the bucket of the command line. */
static const char *stream_of(const struct remote *remote, const struct bucket_kind *kind,
                             char ret[STREAM_BYTES])
{
    (void)snprintf(ret, STREAM_BYTES, "%s%s", kind->prefix, call_text(remote->call, "bucket"));
    return ret;
}

enum tool_exit bucket_info(struct remote *remote, const struct bucket_kind *kind)
{
    const char *bucket = call_text(remote->call, "bucket");
    char name[STREAM_BYTES];
    char title[STREAM_BYTES];
    Rill__StreamInfo *info = NULL;
    struct rill_error error = {0};
    (void)snprintf(title, sizeof title, "Bucket %s", bucket);
    const enum rill_err err =
        rill_stream_info(remote->js, stream_of(remote, kind, name), NULL, &info, &error);
    if (err)
        return call_error(remote->call, err, &error, bucket);
    json_t *row = row_of(info, kind->prefix);
    rill_model_free(&info->base);
    return show_card(remote->call, title, info_fields, row);
}

enum tool_exit bucket_rm(struct remote *remote, const struct bucket_kind *kind)
{
    const char *bucket = call_text(remote->call, "bucket");
    char name[STREAM_BYTES];
    struct rill_error error = {0};
    const enum rill_err err = rill_stream_delete(remote->js, stream_of(remote, kind, name), &error);
    return err ? call_error(remote->call, err, &error, bucket)
               : show_done(remote->call, json_pack("{s:s}", "removed", bucket), "bucket %s is removed",
                           bucket);
}

Rill__Storage bucket_storage(const struct call *call)
{
    const char *storage = call_text(call, "storage");
    return storage && strcmp(storage, "memory") == 0 ? RILL__STORAGE__STORAGE_MEMORY
                                                     : RILL__STORAGE__STORAGE_FILE;
}

enum tool_exit bucket_run(struct call *call, const struct bucket_kind *kind, bucket_act *act)
{
    struct remote remote;
    enum tool_exit code = remote_open(call, &remote);
    if (code)
        return code;
    code = act(&remote, kind);
    remote_close(&remote);
    return code;
}

// ---- what is in one ----

enum tool_exit bucket_with(struct call *call, const struct bucket_kind *kind, bucket_content_act *act)
{
    struct remote remote;
    void *bucket = NULL;
    struct rill_error error = {0};
    enum tool_exit code = remote_open(call, &remote);
    if (code)
        return code;
    const enum rill_err err = kind->open(remote.js, call_text(call, "bucket"), &bucket, &error);
    code = err ? call_error(call, err, &error, call_text(call, "bucket")) : act(call, bucket);
    if (!err)
        kind->close(bucket);
    remote_close(&remote);
    return code;
}

enum tool_exit bucket_show(const struct call *call, const struct bucket_list *list, json_t *take_rows,
                           enum rill_err err, const struct rill_error *error)
{
    if (err) {
        json_decref(take_rows);
        return call_error(call, err, error, list->what);
    }
    json_t *rows = show_sorted(take_rows, (const struct show_order[]){{list->name, list->name}, {0}}, NULL);
    return call_has(call, "names") ? show_names(rows, list->name)
                                   : show_table(call, NULL, list->columns, rows, list->none);
}

enum tool_exit bucket_follow(const struct call *call, clock_attempt *next, bucket_print *print, void *context)
{
    const uint64_t wanted = (uint64_t)call_number(call, "count", INT64_MAX);
    if (!call->json)
        (void)fprintf(stderr, "watching %s\n", call_text(call, "bucket"));
    for (uint64_t shown = 0; shown < wanted && !interrupt_seen();) {
        const enum rill_err err = clock_wait(next, context, call_ms(call, "wait", -1));
        if (err == RILL_ERR_TIMEOUT)
            return TOOL_DONE;
        if (err)
            return call_error(call, err, NULL, call_text(call, "bucket"));
        shown += print(call, context);
    }
    return TOOL_DONE;
}
