// SPDX-License-Identifier: Apache-2.0
//
// Following keys: an ordered reader of the bucket's stream.
#include "kv.h"

#include "base/alloc.h"
#include "error.h"

#include <stdlib.h>

struct rill_kv_watch {
    struct rill_kv *kv;
    struct rill_ordered *ordered;
    unsigned flags;
    bool current; // what was there at the beginning has been shown, and that was told
    bool told;
};

static void set_begin(Rill__ConsumerConfig *config, unsigned flags)
{
    config->deliver_policy = RILL__DELIVER_POLICY__DELIVER_POLICY_LAST_PER_SUBJECT;
    if (flags & RILL_KV_WATCH_HISTORY)
        config->deliver_policy = RILL__DELIVER_POLICY__DELIVER_POLICY_ALL;
    if (flags & RILL_KV_WATCH_UPDATES_ONLY)
        config->deliver_policy = RILL__DELIVER_POLICY__DELIVER_POLICY_NEW;
    config->has_headers_only = config->headers_only = (flags & RILL_KV_WATCH_KEYS_ONLY) != 0;
}

enum rill_err rill_kv_watch_open(struct rill_kv *kv, const char *pattern, unsigned flags,
                                 struct rill_kv_watch **ret, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    struct rill_ordered *ordered;
    enum rill_err err = kv_subject(kv, pattern, true, subject);
    if (err)
        return error_set(error, err, "no good pattern of keys");
    config.filter_subject = subject;
    set_begin(&config, flags);
    err = rill_ordered_open(kv->js, kv->stream, &config, &ordered, error);
    if (err)
        return err;
    struct rill_kv_watch *watch = rill_alloc_zero(1, sizeof *watch);
    watch->kv = kv;
    watch->ordered = ordered;
    watch->flags = flags;
    watch->current = (flags & RILL_KV_WATCH_UPDATES_ONLY) || rill_ordered_pending(ordered) == 0;
    watch->told = (flags & RILL_KV_WATCH_UPDATES_ONLY) != 0;
    *ret = watch;
    return RILL_OK;
}

static struct rill_kv_entry *entry_of(const struct rill_kv_watch *watch, const struct rill_msg *msg)
{
    struct rill_msg_meta meta = {0};
    const size_t prefix = sizeof "$KV." - 1 + strlen(watch->kv->bucket) + 1;
    struct rill_kv_entry *entry =
        kv_entry_create(rill_bytes_from(msg_subject(msg), prefix), msg_payload(msg), msg_headers(msg));
    if (rill_msg_meta(msg, &meta) == RILL_OK) {
        entry->revision = meta.stream_seq;
        entry->created_ns = meta.time_ns;
        entry->behind = meta.pending;
    }
    return entry;
}

enum rill_err rill_kv_watch_next(struct rill_kv_watch *watch, int64_t timeout_ms, struct rill_kv_entry **ret)
{
    const int64_t deadline_ns = wait_deadline_ns(timeout_ms, watch->kv->js->timeout_ms);
    for (;;) {
        if (watch->current && !watch->told) {
            watch->told = true;
            *ret = NULL;
            return RILL_OK;
        }
        struct rill_msg *msg = NULL;
        const int64_t left_ms = (deadline_ns - wait_now_ns()) / RILL_NS_PER_MS;
        const enum rill_err err = rill_ordered_next(watch->ordered, left_ms > 0 ? left_ms : 0, &msg);
        if (err)
            return err;
        struct rill_kv_entry *entry = entry_of(watch, msg);
        rill_msg_unref(msg);
        watch->current |= entry->behind == 0;
        if (entry->operation == RILL_KV_PUT || !(watch->flags & RILL_KV_WATCH_IGNORE_DELETES)) {
            *ret = entry;
            return RILL_OK;
        }
        rill_kv_entry_free(entry);
    }
}

void rill_kv_watch_close(struct rill_kv_watch *watch)
{
    if (!watch)
        return;
    rill_ordered_close(watch->ordered);
    free(watch);
}

/* Visits what is there now. */
static enum rill_err visit(struct rill_kv *kv, const char *pattern, unsigned flags, rill_kv_visitor *visitor,
                           void *context, struct rill_error *error)
{
    struct rill_kv_watch *watch;
    enum rill_err err = rill_kv_watch_open(kv, pattern, flags, &watch, error);
    if (err)
        return err;
    bool more = true;
    while (more && !err) {
        struct rill_kv_entry *entry = NULL;
        err = rill_kv_watch_next(watch, RILL_TIMEOUT_DEFAULT, &entry);
        more = !err && entry && visitor(entry, context);
        if (!err)
            rill_kv_entry_free(entry);
    }
    rill_kv_watch_close(watch);
    return err ? error_plain(error, err) : RILL_OK;
}

enum rill_err rill_kv_history(struct rill_kv *kv, const char *key, rill_kv_visitor *visitor, void *context,
                              struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    const enum rill_err err = kv_subject(kv, key, false, subject);
    if (err)
        return error_set(error, err, "no good key");
    return visit(kv, key, RILL_KV_WATCH_HISTORY, visitor, context, error);
}

enum rill_err rill_kv_keys(struct rill_kv *kv, rill_kv_visitor *visitor, void *context,
                           struct rill_error *error)
{
    return visit(kv, ">", RILL_KV_WATCH_IGNORE_DELETES | RILL_KV_WATCH_KEYS_ONLY, visitor, context, error);
}

// ---- deletions that are old ----

struct purging {
    struct rill_kv *kv;
    int64_t before_ns; // deletions before this go, too
    uint64_t purged;
    enum rill_err err;
    struct rill_error *error;
};

static bool purge_deletion(const struct rill_kv_entry *entry, void *context)
{
    struct purging *purging = context;
    char subject[JS_SUBJECT_BYTES];
    Rill__StreamPurgeRequest request = RILL__STREAM_PURGE_REQUEST__INIT;
    if (entry->operation == RILL_KV_PUT)
        return true;
    purging->err = kv_subject(purging->kv, entry->key, false, subject);
    request.filter = subject;
    request.has_keep = entry->created_ns > purging->before_ns;
    request.keep = 1;
    if (!purging->err)
        purging->err =
            rill_stream_purge(purging->kv->js, purging->kv->stream, &request, NULL, purging->error);
    purging->purged += !purging->err;
    return !purging->err;
}

enum rill_err rill_kv_purge_deletes(struct rill_kv *kv, int64_t older_than_ms, uint64_t *ret_purged,
                                    struct rill_error *error)
{
    struct purging purging = {.kv = kv, .before_ns = INT64_MAX, .error = error};
    const int64_t now_ms = wait_wall_ns() / RILL_NS_PER_MS;
    if (older_than_ms >= 0)
        purging.before_ns = older_than_ms < now_ms ? (now_ms - older_than_ms) * RILL_NS_PER_MS : 0;
    const enum rill_err err = visit(kv, ">", RILL_KV_WATCH_KEYS_ONLY, purge_deletion, &purging, error);
    if (err || purging.err)
        return err ? err : purging.err;
    if (ret_purged)
        *ret_purged = purging.purged;
    return RILL_OK;
}
