// SPDX-License-Identifier: Apache-2.0
//
// Buckets of keys and of objects are streams with a prefix in their names; what is done with both alike.
#pragma once

#include "clock.h"
#include "remote.h"

struct bucket_kind {
    const char *prefix; // of the stream's name
    /* Opens the one of that name; to be closed. */
    enum rill_err (*open)(struct rill_js *js, const char *bucket, void **ret, struct rill_error *error);
    void (*close)(void *bucket);
};

// ---- buckets ----

/* Connects, does one thing with buckets of that kind, closes. */
typedef enum tool_exit bucket_act(struct remote *remote, const struct bucket_kind *kind);
enum tool_exit bucket_run(struct call *call, const struct bucket_kind *kind, bucket_act *act);

/* Lists all of that kind, or their names only. */
enum tool_exit bucket_ls(struct remote *remote, const struct bucket_kind *kind);
/* Shows the one that the command line names. */
enum tool_exit bucket_info(struct remote *remote, const struct bucket_kind *kind);
/* Removes it with all that is in it. */
enum tool_exit bucket_rm(struct remote *remote, const struct bucket_kind *kind);
/* What --storage says. */
Rill__Storage bucket_storage(const struct call *call);

// ---- what is in one ----

/* Connects, opens the bucket that the command line names, does one thing with it, closes both. */
typedef enum tool_exit bucket_content_act(const struct call *call, void *bucket);
enum tool_exit bucket_with(struct call *call, const struct bucket_kind *kind, bucket_content_act *act);

struct bucket_list {
    const char *what; // "keys"
    const char *name; // the field by which rows are sorted, and all that --names shows
    const struct show_field *columns;
    const char *none; // said to people when there are none
};

/* Shows what was listed, or tells the error. Takes the rows over. */
enum tool_exit bucket_show(const struct call *call, const struct bucket_list *list, json_t *take_rows,
                           enum rill_err err, const struct rill_error *error);

/* Follows the changes of a bucket for as long as the command line says: `next` brings one into the context, `print` shows and
   frees it, or gives false when there was nothing to show. */
typedef bool bucket_print(const struct call *call, void *context);
enum tool_exit bucket_follow(const struct call *call, clock_attempt *next, bucket_print *print,
                             void *context);
