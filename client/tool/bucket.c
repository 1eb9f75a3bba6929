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

enum tool_exit bucket_ls(struct remote *remote, const char *prefix)
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
    struct listing listing = {.rows = json_array(), .prefix = prefix};
    struct rill_error error = {0};
    const enum rill_err err = rill_stream_each(remote->js, NULL, add_row, &listing, &error);
    if (err) {
        json_decref(listing.rows);
        return call_error(remote->call, err, &error, "buckets");
    }
    if (call_has(remote->call, "names"))
        return show_names(listing.rows, "bucket");
    return show_table(remote->call, NULL, columns, listing.rows, "There are no buckets.");
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

enum tool_exit bucket_info(struct remote *remote, const char *prefix, const char *bucket)
{
    char name[RILL_NAME_BYTES + 8];
    char title[RILL_NAME_BYTES + 8];
    Rill__StreamInfo *info = NULL;
    struct rill_error error = {0};
    (void)snprintf(name, sizeof name, "%s%s", prefix, bucket);
    (void)snprintf(title, sizeof title, "Bucket %s", bucket);
    const enum rill_err err = rill_stream_info(remote->js, name, NULL, &info, &error);
    if (err)
        return call_error(remote->call, err, &error, bucket);
    json_t *row = row_of(info, prefix);
    rill_model_free(&info->base);
    return show_card(remote->call, title, info_fields, row);
}

enum tool_exit bucket_rm(struct remote *remote, const char *prefix, const char *bucket)
{
    char name[RILL_NAME_BYTES + 8];
    struct rill_error error = {0};
    (void)snprintf(name, sizeof name, "%s%s", prefix, bucket);
    const enum rill_err err = rill_stream_delete(remote->js, name, &error);
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
