// SPDX-License-Identifier: Apache-2.0
//
// Configuration in a bucket: a program that learns of each change while it runs.
//
//     kv-config [URL]
//
// The watch begins with what is there, says when that is all, and goes on with what changes. Here the program changes its
// configuration itself; with `nats kv put settings log.level debug` others do.
#include <rill.h>

#include <stdio.h>
#include <string.h>

static enum rill_err open_bucket(struct rill_js *js, struct rill_kv **ret, struct rill_error *error)
{
    const struct rill_kv_config config = {.struct_bytes = sizeof config,
                                          .bucket = "settings",
                                          .history = 3,
                                          .storage = RILL__STORAGE__STORAGE_FILE};
    return rill_kv_create_bucket(js, &config, ret, error);
}

static enum rill_err put(struct rill_kv *kv, const char *key, const char *value, struct rill_error *error)
{
    return rill_kv_put(kv, key, value, strlen(value), NULL, error);
}

/* The next change; *ret_more is false when all that there was has been shown. */
static enum rill_err show_next(struct rill_kv_watch *watch, bool *ret_more)
{
    struct rill_kv_entry *entry;
    const enum rill_err err = rill_kv_watch_next(watch, RILL_TIMEOUT_DEFAULT, &entry);
    if (err)
        return err;
    *ret_more = entry != NULL;
    if (entry && entry->operation == RILL_KV_PUT)
        printf("%s is %s\n", entry->key, (const char *)entry->value);
    else if (entry)
        printf("%s is gone\n", entry->key);
    rill_kv_entry_free(entry);
    return RILL_OK;
}

static enum rill_err change(struct rill_kv *kv, struct rill_error *error)
{
    struct rill_kv_entry *entry;
    enum rill_err err = rill_kv_get(kv, "log.level", &entry, error);
    if (err)
        return err;
    // Only if nobody else has changed it meanwhile; EXISTS says that somebody has.
    err = rill_kv_update(kv, "log.level", "debug", 5, entry->revision, NULL, error);
    rill_kv_entry_free(entry);
    return err ? err : rill_kv_delete(kv, "log.file", error);
}

static enum rill_err follow(struct rill_kv *kv, struct rill_kv_watch *watch, struct rill_error *error)
{
    enum rill_err err = RILL_OK;
    bool more = true;
    while (!err && more)
        err = show_next(watch, &more);
    if (!err && printf("and now it changes\n") > 0)
        err = change(kv, error);
    for (int i = 0; i < 2 && !err; i++)
        err = show_next(watch, &more);
    return err;
}

static enum rill_err run(struct rill_js *js, struct rill_error *error)
{
    struct rill_kv *kv = NULL;
    struct rill_kv_watch *watch = NULL;
    enum rill_err err = open_bucket(js, &kv, error);
    if (!err && !(err = put(kv, "log.level", "info", error)) &&
        !(err = put(kv, "log.file", "/var/log/shop", error)) &&
        !(err = rill_kv_watch_open(kv, "log.>", 0, &watch, error)))
        err = follow(kv, watch, error);
    rill_kv_watch_close(watch);
    rill_kv_close(kv);
    return err;
}

int main(int argc, char **argv)
{
    struct rill_conn *conn = NULL;
    struct rill_js *js = NULL;
    struct rill_error error = {.err = RILL_OK};
    enum rill_err err = rill_connect_why(&conn, argc > 1 ? argv[1] : "nats://127.0.0.1:4222", NULL, &error);
    if (!err && !(err = rill_js_open(conn, NULL, &js)))
        err = run(js, &error);
    if (err) // not every function has more to say than a code
        (void)fprintf(stderr, "kv-config: %s\n", error.err ? error.text : rill_error_string(err));
    rill_js_destroy(js);
    rill_destroy(conn);
    return err ? 1 : 0;
}
