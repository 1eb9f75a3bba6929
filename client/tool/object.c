// SPDX-License-Identifier: Apache-2.0
#include "object.h"

#include "families.h"

static enum rill_err open_bucket(struct rill_js *js, const char *bucket, void **ret, struct rill_error *error)
{
    struct rill_objects *objects;
    const enum rill_err err = rill_objects_open(js, bucket, &objects, error);
    if (!err)
        *ret = objects;
    return err;
}

static void close_bucket(void *bucket)
{
    rill_objects_close(bucket);
}

const struct bucket_kind object_kind = {.prefix = "OBJ_", .open = open_bucket, .close = close_bucket};

// ---- buckets ----

static enum tool_exit add_bucket(struct remote *remote, const struct bucket_kind *kind)
{
    const struct call *call = remote->call;
    struct rill_objects_config config = {.struct_bytes = sizeof config,
                                         .bucket = call_text(call, "bucket"),
                                         .description = call_text(call, "description"),
                                         .storage = bucket_storage(call),
                                         .ttl_ms = call_ms(call, "ttl", 0),
                                         .bytes_max = call_number(call, "max-bytes", 0)};
    struct rill_objects *objects = NULL;
    struct rill_error error = {0};
    const enum rill_err err = rill_objects_create_bucket(remote->js, &config, &objects, &error);
    rill_objects_close(objects);
    return err ? call_error(call, err, &error, config.bucket) : bucket_info(remote, kind);
}

static enum tool_exit run_add(struct call *call)
{
    return bucket_run(call, &object_kind, add_bucket);
}

static enum tool_exit run_ls(struct call *call)
{
    return call_has(call, "bucket") ? object_run_list(call) : bucket_run(call, &object_kind, bucket_ls);
}

static enum tool_exit run_info(struct call *call)
{
    return call_has(call, "name") ? object_run_info(call) : bucket_run(call, &object_kind, bucket_info);
}

static enum tool_exit run_rm(struct call *call)
{
    const enum tool_exit asked =
        remote_confirm(call, "Remove bucket %s with all its objects?", call_text(call, "bucket"));
    return asked ? asked : bucket_run(call, &object_kind, bucket_rm);
}

// ---- the family ----

#define BUCKET_ROW                                                                                           \
    {                                                                                                        \
        "bucket", 0, VALUE_OBJECT_BUCKET, .help = "The name of the bucket."                                  \
    }
#define NAME_ROW                                                                                             \
    {                                                                                                        \
        "name", 0, VALUE_TEXT, .help = "The name of the object."                                             \
    }

static const struct parameter bucket_argument[] = {BUCKET_ROW, {0}};
static const struct parameter name_arguments[] = {BUCKET_ROW, NAME_ROW, {0}};
static const struct parameter put_arguments[] = {
    BUCKET_ROW, {"file", 0, VALUE_FILE, .help = "The file; - is standard input."}, {0}};
static const struct parameter ls_arguments[] = {
    {"bucket", 0, VALUE_OBJECT_BUCKET, .help = "List the objects of this bucket.", .optional = true}, {0}};
static const struct parameter info_arguments[] = {
    BUCKET_ROW, {"name", 0, VALUE_TEXT, .help = "Show this object, not the bucket.", .optional = true}, {0}};
static const struct parameter add_options[] = {
    {"ttl", 0, VALUE_DURATION, .help = "Objects go after so long."},
    {"max-bytes", 0, VALUE_BYTES, .help = "The size of all together."},
    {"storage", 0, VALUE_CHOICE, .choices = "file memory", .help = "Where objects are kept."},
    {"description", 0, VALUE_TEXT, .help = "What it is for."},
    {0},
};
static const struct parameter put_options[] = {
    {"name", 0, VALUE_TEXT, .help = "Its name; the name of the file without it."},
    {"description", 0, VALUE_TEXT, .help = "What it is."},
    {"chunk-size", 0, VALUE_BYTES, .help = "The size of its pieces; 128K without it."},
    {0},
};
static const struct parameter get_options[] = {
    {"output", 'o', VALUE_FILE,
     .help = "The file to write, the object's name without it; - is standard output."},
    {"overwrite", 0, VALUE_FLAG, .help = "Replace the file if there is one."},
    {0},
};
static const struct parameter watch_options[] = {
    {"count", 'n', VALUE_COUNT, .help = "End after so many changes."},
    {"wait", 0, VALUE_DURATION, .help = "End when there was no change for so long."},
    {"updates-only", 0, VALUE_FLAG, .help = "Do not begin with what is there."},
    {0},
};

static const struct command commands[] = {
    {.name = "object ls",
     .summary = "List buckets, or the objects of one",
     .arguments = ls_arguments,
     .options = {option_names},
     .examples = "object ls\nobject ls invoices\n",
     .run = run_ls},
    {.name = "object add",
     .summary = "Make a bucket",
     .arguments = bucket_argument,
     .options = {add_options},
     .examples = "object add invoices --max-bytes 10G\n",
     .run = run_add},
    {.name = "object put",
     .summary = "Put a file into a bucket",
     .arguments = put_arguments,
     .options = {put_options},
     .about = "A reader sees the object that was there before, or this one, never a part.",
     .examples = "object put invoices 2026-01.pdf\nobject put invoices - --name 2026-02.pdf < february.pdf\n",
     .run = object_run_put},
    {.name = "object get",
     .summary = "Get an object into a file",
     .arguments = name_arguments,
     .options = {get_options},
     .about = "The file is there when all has come and its digest is right, and not before.",
     .examples =
         "object get invoices 2026-01.pdf\nobject get invoices 2026-01.pdf --output - > january.pdf\n",
     .run = object_run_get},
    {.name = "object del",
     .summary = "Delete an object",
     .arguments = name_arguments,
     .options = {option_force},
     .examples = "object del invoices 2026-01.pdf --force\n",
     .run = object_run_del},
    {.name = "object info",
     .summary = "Show a bucket or an object",
     .arguments = info_arguments,
     .examples = "object info invoices\nobject info invoices 2026-01.pdf\n",
     .run = run_info},
    {.name = "object watch",
     .summary = "Follow the changes of a bucket",
     .arguments = bucket_argument,
     .options = {watch_options},
     .examples = "object watch invoices --updates-only\n",
     .run = object_run_watch},
    {.name = "object rm",
     .summary = "Remove a bucket with all its objects",
     .arguments = bucket_argument,
     .options = {option_force},
     .examples = "object rm invoices --force\n",
     .run = run_rm},
    {0},
};

const struct family object_family = {"object", "Buckets of objects of any size", commands};
