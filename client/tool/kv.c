// SPDX-License-Identifier: Apache-2.0
#include "kv.h"

#include "families.h"
#include "payload.h"

enum { HISTORY_MAX = 64 };

static enum rill_err open_bucket(struct rill_js *js, const char *bucket, void **ret, struct rill_error *error)
{
    struct rill_kv *kv;
    const enum rill_err err = rill_kv_open(js, bucket, &kv, error);
    if (!err)
        *ret = kv;
    return err;
}

static void close_bucket(void *bucket)
{
    rill_kv_close(bucket);
}

const struct bucket_kind kv_kind = {.prefix = "KV_", .open = open_bucket, .close = close_bucket};

// ---- buckets ----

static enum tool_exit add_bucket(struct remote *remote, const struct bucket_kind *kind)
{
    const struct call *call = remote->call;
    struct rill_kv_config config = {.struct_bytes = sizeof config,
                                    .bucket = call_text(call, "bucket"),
                                    .description = call_text(call, "description"),
                                    .storage = bucket_storage(call),
                                    .history = (uint8_t)call_number(call, "history", 1),
                                    .ttl_ms = call_ms(call, "ttl", 0),
                                    .bytes_max = call_number(call, "max-bytes", 0),
                                    .value_bytes_max = (int32_t)call_number(call, "max-value-size", 0)};
    struct rill_kv *kv = NULL;
    struct rill_error error = {0};
    const enum rill_err err = rill_kv_create_bucket(remote->js, &config, &kv, &error);
    rill_kv_close(kv);
    return err ? call_error(call, err, &error, config.bucket) : bucket_info(remote, kind);
}

static enum tool_exit run_add(struct call *call)
{
    if (call_number(call, "history", 1) > HISTORY_MAX || call_number(call, "history", 1) == 0)
        return call_usage(call, "--history cannot be '%s': give a number from 1 to %d",
                          call_text(call, "history"), HISTORY_MAX);
    if (call_number(call, "max-value-size", 0) > INT32_MAX)
        return call_usage(call, "--max-value-size cannot be '%s': give less than 2G",
                          call_text(call, "max-value-size"));
    return bucket_run(call, &kv_kind, add_bucket);
}

static enum tool_exit run_ls(struct call *call)
{
    return call_has(call, "bucket") ? kv_run_keys(call) : bucket_run(call, &kv_kind, bucket_ls);
}

static enum tool_exit run_info(struct call *call)
{
    return bucket_run(call, &kv_kind, bucket_info);
}

static enum tool_exit run_rm(struct call *call)
{
    const enum tool_exit asked =
        remote_confirm(call, "Remove bucket %s with all its keys?", call_text(call, "bucket"));
    return asked ? asked : bucket_run(call, &kv_kind, bucket_rm);
}

// ---- the family ----

#define BUCKET_ROW                                                                                           \
    {                                                                                                        \
        "bucket", 0, VALUE_KV_BUCKET, .help = "The name of the bucket."                                      \
    }
#define KEY_ROW                                                                                              \
    {                                                                                                        \
        "key", 0, VALUE_TEXT, .help = "The key: letters, digits and - / _ = ."                               \
    }
#define VALUE_ROW                                                                                            \
    {                                                                                                        \
        "body", 0, VALUE_TEXT, .help = "The value; without it --stdin.", .optional = true                    \
    }

static const struct parameter bucket_argument[] = {BUCKET_ROW, {0}};
static const struct parameter key_arguments[] = {BUCKET_ROW, KEY_ROW, {0}};
static const struct parameter value_arguments[] = {BUCKET_ROW, KEY_ROW, VALUE_ROW, {0}};
static const struct parameter update_arguments[] = {
    BUCKET_ROW,
    KEY_ROW,
    {"revision", 0, VALUE_COUNT, .help = "The revision that the key has."},
    VALUE_ROW,
    {0}};
static const struct parameter ls_arguments[] = {
    {"bucket", 0, VALUE_KV_BUCKET, .help = "List the keys of this bucket.", .optional = true}, {0}};
static const struct parameter watch_arguments[] = {
    BUCKET_ROW,
    {"key", 0, VALUE_SUBJECT, .help = "Only keys that match this pattern; > is all, as without it.",
     .optional = true},
    {0},
};
static const struct parameter add_options[] = {
    {"history", 0, VALUE_COUNT, .help = "Values kept of each key, 1 to 64; 1 without it."},
    {"ttl", 0, VALUE_DURATION, .help = "Values go after so long."},
    {"max-bytes", 0, VALUE_BYTES, .help = "The size of all together."},
    {"max-value-size", 0, VALUE_BYTES, .help = "The size of one value."},
    {"storage", 0, VALUE_CHOICE, .choices = "file memory", .help = "Where values are kept."},
    {"description", 0, VALUE_TEXT, .help = "What it is for."},
    {0},
};
static const struct parameter get_options[] = {
    {"revision", 0, VALUE_COUNT, .help = "What the key was at this revision."}, {0}};
static const struct parameter create_options[] = {
    {"ttl", 0, VALUE_DURATION, .help = "The value goes after so long."}, {0}};
static const struct parameter watch_options[] = {
    {"count", 'n', VALUE_COUNT, .help = "End after so many changes."},
    {"wait", 0, VALUE_DURATION, .help = "End when there was no change for so long."},
    {"history", 0, VALUE_FLAG, .help = "Begin with all that is kept, not with the last values."},
    {"updates-only", 0, VALUE_FLAG, .help = "Do not begin with what is there."},
    {"ignore-deletes", 0, VALUE_FLAG, .help = "Puts only."},
    {0},
};

static const struct command commands[] = {
    {.name = "kv ls",
     .summary = "List buckets, or the keys of one",
     .arguments = ls_arguments,
     .options = {option_names},
     .examples = "kv ls\nkv ls settings --names\n",
     .run = run_ls},
    {.name = "kv add",
     .summary = "Make a bucket",
     .arguments = bucket_argument,
     .options = {add_options},
     .examples = "kv add settings --history 5\n",
     .run = run_add},
    {.name = "kv get",
     .summary = "Print the value of a key",
     .arguments = key_arguments,
     .options = {get_options, option_raw},
     .examples = "kv get settings shop.open --raw\n",
     .run = kv_run_get},
    {.name = "kv put",
     .summary = "Give a key a value",
     .arguments = value_arguments,
     .options = {payload_option_stdin},
     .examples = "kv put settings shop.open yes\nkv put settings logo --stdin < logo.png\n",
     .run = kv_run_put},
    {.name = "kv create",
     .summary = "Give a key a value if it has none",
     .arguments = value_arguments,
     .options = {create_options, payload_option_stdin},
     .examples = "kv create locks nightly-job host-7 --ttl 1h\n",
     .run = kv_run_create},
    {.name = "kv update",
     .summary = "Give a key a value if nobody has changed it since",
     .arguments = update_arguments,
     .options = {payload_option_stdin},
     .examples = "kv update settings shop.open 17 no\n",
     .run = kv_run_update},
    {.name = "kv del",
     .summary = "Delete a key; its history is kept",
     .arguments = key_arguments,
     .examples = "kv del settings shop.open\n",
     .run = kv_run_del},
    {.name = "kv purge",
     .summary = "Delete a key with its history",
     .arguments = key_arguments,
     .options = {option_force},
     .examples = "kv purge settings shop.open --force\n",
     .run = kv_run_purge},
    {.name = "kv history",
     .summary = "Show the changes of a key that are kept",
     .arguments = key_arguments,
     .examples = "kv history settings shop.open\n",
     .run = kv_run_history},
    {.name = "kv watch",
     .summary = "Follow the changes of keys",
     .arguments = watch_arguments,
     .options = {watch_options},
     .examples = "kv watch settings\nkv watch settings 'shop.>' --updates-only --json\n",
     .run = kv_run_watch},
    {.name = "kv info",
     .summary = "Show a bucket",
     .arguments = bucket_argument,
     .examples = "kv info settings\n",
     .run = run_info},
    {.name = "kv rm",
     .summary = "Remove a bucket with all its keys",
     .arguments = bucket_argument,
     .options = {option_force},
     .examples = "kv rm settings --force\n",
     .run = run_rm},
    {0},
};

const struct family kv_family = {"kv", "Buckets of keys and values", commands};
