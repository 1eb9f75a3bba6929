// SPDX-License-Identifier: Apache-2.0
#include "kv.h"

#include "clock.h"
#include "message.h"
#include "payload.h"
#include "proto/rfc3339.h"

#include <inttypes.h>

static const char *const operation_words[] = {
    [RILL_KV_PUT] = "PUT", [RILL_KV_DELETE] = "DEL", [RILL_KV_PURGE] = "PURGE"};

static json_t *entry_json(const struct rill_kv_entry *entry)
{
    char time[RILL_RFC3339_BYTES_MAX];
    json_t *object = json_pack("{s:s, s:s, s:I, s:s#}", "key", entry->key, "operation",
                               operation_words[entry->operation], "revision", (json_int_t)entry->revision,
                               "created", time, (size_t)rill_rfc3339_format(entry->created_ns, time));
    if (entry->operation == RILL_KV_PUT)
        message_put_bytes(object, "value", entry->value, entry->value_bytes);
    return object;
}

static const struct show_field columns[] = {
    {"key", "Key", SHOW_TEXT},
    {"revision", "Revision", SHOW_COUNT},
    {"operation", "Operation", SHOW_TEXT},
    {"created", "Created", SHOW_TIME},
    {"value", "Value", SHOW_TEXT},
    {"value_base64", "Value (base64)", SHOW_TEXT},
    {0},
};

// ---- get ----

static enum tool_exit show_entry(const struct call *call, const struct rill_kv_entry *entry)
{
    if (call->json) {
        show_line(entry_json(entry));
        return TOOL_DONE;
    }
    if (!call_has(call, "raw"))
        (void)printf("%s%s%s  revision %" PRIu64 "\n\n", show_bold(call), entry->key, show_plain(call),
                     entry->revision);
    if (entry->value_bytes)
        (void)fwrite(entry->value, 1, entry->value_bytes, stdout);
    (void)putchar('\n');
    return TOOL_DONE;
}

static enum tool_exit get(const struct call *call, void *kv)
{
    const char *key = call_text(call, "key");
    struct rill_kv_entry *entry = NULL;
    struct rill_error error = {0};
    const enum rill_err err =
        call_has(call, "revision")
            ? rill_kv_get_revision(kv, key, (uint64_t)call_number(call, "revision", 0), &entry, &error)
            : rill_kv_get(kv, key, &entry, &error);
    const enum tool_exit code = err ? call_error(call, err, &error, key) : show_entry(call, entry);
    rill_kv_entry_free(entry);
    return code;
}

enum tool_exit kv_run_get(struct call *call)
{
    return bucket_with(call, &kv_kind, get);
}

// ---- put, create, update ----

typedef enum rill_err store_fn(struct rill_kv *kv, const struct call *call, struct rill_bytes value,
                               uint64_t *ret_revision, struct rill_error *error);

static enum tool_exit store_value(const struct call *call, struct rill_kv *kv, store_fn *store)
{
    struct payload payload;
    struct rill_bytes value;
    struct rill_error error = {0};
    uint64_t revision = 0;
    enum tool_exit code = payload_open_whole(&payload, call);
    if (!code) {
        value = payload_whole(&payload);
        const enum rill_err err = store(kv, call, value, &revision, &error);
        code = err ? call_error(call, err, &error, call_text(call, "key"))
                   : show_done(call,
                               json_pack("{s:s, s:I}", "key", call_text(call, "key"), "revision",
                                         (json_int_t)revision),
                               "%s has revision %" PRIu64, call_text(call, "key"), revision);
    }
    payload_close(&payload);
    return code;
}

static enum rill_err store_put(struct rill_kv *kv, const struct call *call, struct rill_bytes value,
                               uint64_t *ret_revision, struct rill_error *error)
{
    return rill_kv_put(kv, call_text(call, "key"), value.data, value.len, ret_revision, error);
}

static enum rill_err store_create(struct rill_kv *kv, const struct call *call, struct rill_bytes value,
                                  uint64_t *ret_revision, struct rill_error *error)
{
    return rill_kv_create(kv, call_text(call, "key"), value.data, value.len, call_ms(call, "ttl", 0),
                          ret_revision, error);
}

static enum rill_err store_update(struct rill_kv *kv, const struct call *call, struct rill_bytes value,
                                  uint64_t *ret_revision, struct rill_error *error)
{
    return rill_kv_update(kv, call_text(call, "key"), value.data, value.len,
                          (uint64_t)call_number(call, "revision", 0), ret_revision, error);
}

static enum tool_exit put(const struct call *call, void *kv)
{
    return store_value(call, kv, store_put);
}

static enum tool_exit create(const struct call *call, void *kv)
{
    return store_value(call, kv, store_create);
}

static enum tool_exit update(const struct call *call, void *kv)
{
    return store_value(call, kv, store_update);
}

enum tool_exit kv_run_put(struct call *call)
{
    return bucket_with(call, &kv_kind, put);
}

enum tool_exit kv_run_create(struct call *call)
{
    return bucket_with(call, &kv_kind, create);
}

enum tool_exit kv_run_update(struct call *call)
{
    return bucket_with(call, &kv_kind, update);
}

// ---- del and purge ----

static enum tool_exit del(const struct call *call, void *kv)
{
    const char *key = call_text(call, "key");
    struct rill_error error = {0};
    const enum rill_err err = rill_kv_delete(kv, key, &error);
    return err ? call_error(call, err, &error, key)
               : show_done(call, json_pack("{s:s}", "deleted", key), "%s is deleted", key);
}

static enum tool_exit purge(const struct call *call, void *kv)
{
    const char *key = call_text(call, "key");
    struct rill_error error = {0};
    const enum rill_err err = rill_kv_purge(kv, key, &error);
    return err ? call_error(call, err, &error, key)
               : show_done(call, json_pack("{s:s}", "purged", key), "%s is purged", key);
}

enum tool_exit kv_run_del(struct call *call)
{
    return bucket_with(call, &kv_kind, del);
}

enum tool_exit kv_run_purge(struct call *call)
{
    const enum tool_exit asked =
        remote_confirm(call, "Delete key %s with its history?", call_text(call, "key"));
    return asked ? asked : bucket_with(call, &kv_kind, purge);
}

// ---- keys and history ----

static bool add_row(const struct rill_kv_entry *entry, void *context)
{
    (void)json_array_append_new(context, entry_json(entry));
    return true;
}

static bool add_key(const struct rill_kv_entry *entry, void *context)
{
    (void)json_array_append_new(
        context, json_pack("{s:s, s:I}", "key", entry->key, "revision", (json_int_t)entry->revision));
    return true;
}

static enum tool_exit keys(const struct call *call, void *kv)
{
    static const struct show_field key_columns[] = {
        {"key", "Key", SHOW_TEXT}, {"revision", "Revision", SHOW_COUNT}, {0}};
    static const struct bucket_list list = {"keys", "key", key_columns, "There are no keys."};
    json_t *rows = json_array();
    struct rill_error error = {0};
    const enum rill_err err = rill_kv_keys(kv, add_key, rows, &error);
    return bucket_show(call, &list, rows, err, &error);
}

enum tool_exit kv_run_keys(struct call *call)
{
    return bucket_with(call, &kv_kind, keys);
}

static enum tool_exit history(const struct call *call, void *kv)
{
    const char *key = call_text(call, "key");
    json_t *rows = json_array();
    struct rill_error error = {0};
    const enum rill_err err = rill_kv_history(kv, key, add_row, rows, &error);
    if (!err && json_array_size(rows))
        return show_table(call, NULL, columns, rows, "");
    json_decref(rows);
    return err ? call_error(call, err, &error, key)
               : call_fail(call, TOOL_NOTHING, "there is no key %s", key);
}

enum tool_exit kv_run_history(struct call *call)
{
    return bucket_with(call, &kv_kind, history);
}

// ---- watch ----

static void print_change(const struct call *call, const struct rill_kv_entry *entry)
{
    if (call->json) {
        show_line(entry_json(entry));
        return;
    }
    (void)printf("%s%" PRIu64 " %s%s %s", show_faint(call), entry->revision,
                 operation_words[entry->operation], show_plain(call), entry->key);
    if (entry->operation == RILL_KV_PUT) {
        (void)fputs(": ", stdout);
        (void)fwrite(entry->value, 1, entry->value_bytes, stdout);
    }
    (void)putchar('\n');
}

struct watching {
    struct rill_kv_watch *watch;
    struct rill_kv_entry *entry; // NULL: all that was there has been shown
};

static enum rill_err next_change(void *context, int64_t timeout_ms)
{
    struct watching *watching = context;
    return rill_kv_watch_next(watching->watch, timeout_ms, &watching->entry);
}

static bool show_change(const struct call *call, void *context)
{
    const struct watching *watching = context;
    if (!watching->entry)
        return false;
    print_change(call, watching->entry);
    rill_kv_entry_free(watching->entry);
    return true;
}

static enum tool_exit watch(const struct call *call, void *kv)
{
    const char *pattern = call_text(call, "key");
    const unsigned flags = (call_has(call, "history") ? RILL_KV_WATCH_HISTORY : 0u) |
                           (call_has(call, "updates-only") ? RILL_KV_WATCH_UPDATES_ONLY : 0u) |
                           (call_has(call, "ignore-deletes") ? RILL_KV_WATCH_IGNORE_DELETES : 0u);
    struct watching watching;
    struct rill_error error = {0};
    const enum rill_err err = rill_kv_watch_open(kv, pattern ? pattern : ">", flags, &watching.watch, &error);
    if (err)
        return call_error(call, err, &error, pattern);
    const enum tool_exit code = bucket_follow(call, next_change, show_change, &watching);
    rill_kv_watch_close(watching.watch);
    return code;
}

enum tool_exit kv_run_watch(struct call *call)
{
    if (call_has(call, "history") && call_has(call, "updates-only"))
        return call_usage(call, "--history and --updates-only exclude each other: give one of them");
    interrupt_catch();
    return bucket_with(call, &kv_kind, watch);
}
