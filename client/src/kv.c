// SPDX-License-Identifier: Apache-2.0
#include "kv.h"

#include "base/alloc.h"
#include "error.h"
#include "proto/headers.h"
#include "proto/message.h"
#include "proto/rfc3339.h"

#include <stdio.h>
#include <stdlib.h>

#define KV_DUPLICATES_NS (120 * RILL_NS_PER_S)

enum { HISTORY_MAX = 64 };

// ---- names ----

static bool all_of(const char *text, const char *more)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (size_t i = 0; text[i]; i++)
        if (!strchr(letters, text[i]) && !strchr(more, text[i]))
            return false;
    return text[0] != '\0';
}

bool kv_is_bucket(const char *bucket)
{
    return bucket && strlen(bucket) < KV_BUCKET_BYTES && all_of(bucket, "");
}

/* Tokens between dots, none of them empty. */
static bool is_key(const char *key, bool pattern)
{
    const size_t len = key ? strlen(key) : 0;
    if (len == 0 || len >= KV_KEY_BYTES || key[0] == '.' || key[len - 1] == '.' || strstr(key, ".."))
        return false;
    return all_of(key, pattern ? "/=.*>" : "/=.");
}

enum rill_err kv_subject(const struct rill_kv *kv, const char *key, bool pattern, char ret[JS_SUBJECT_BYTES])
{
    if (!is_key(key, pattern))
        return RILL_ERR_INVALID;
    (void)snprintf(ret, JS_SUBJECT_BYTES, "$KV.%s.%s", kv->bucket, key);
    return RILL_OK;
}

// ---- buckets ----

static struct rill_kv *kv_create(struct rill_js *js, const char *bucket, bool direct)
{
    struct rill_kv *kv = rill_alloc_zero(1, sizeof *kv);
    kv->js = js;
    kv->direct = direct;
    (void)snprintf(kv->bucket, sizeof kv->bucket, "%s", bucket);
    (void)snprintf(kv->stream, sizeof kv->stream, "KV_%s", bucket);
    return kv;
}

static enum rill_err bad_bucket(struct rill_error *error)
{
    return error_set(error, RILL_ERR_INVALID, "a bucket's name has letters, digits, - and _ only");
}

static void set_limits(Rill__StreamConfig *stream, const struct rill_kv_config *config)
{
    stream->max_msgs_per_subject = config->history ? config->history : 1;
    stream->max_age = config->ttl_ms > 0 ? config->ttl_ms * RILL_NS_PER_MS : 0;
    stream->max_bytes = config->bytes_max > 0 ? config->bytes_max : -1;
    stream->max_msg_size = config->value_bytes_max > 0 ? config->value_bytes_max : -1;
    stream->max_msgs = stream->max_consumers = -1;
    stream->has_duplicate_window = true;
    stream->duplicate_window =
        stream->max_age && stream->max_age < KV_DUPLICATES_NS ? stream->max_age : KV_DUPLICATES_NS;
}

static enum rill_err create_stream(struct rill_js *js, const struct rill_kv_config *config,
                                   struct rill_error *error)
{
    char name[KV_BUCKET_BYTES + 4], subject[KV_BUCKET_BYTES + 8];
    char *subjects[] = {subject};
    Rill__StreamConfig stream = RILL__STREAM_CONFIG__INIT;
    (void)snprintf(name, sizeof name, "KV_%s", config->bucket);
    (void)snprintf(subject, sizeof subject, "$KV.%s.>", config->bucket);
    stream.name = name;
    stream.description = (char *)config->description;
    stream.subjects = subjects;
    stream.n_subjects = 1;
    stream.discard = RILL__DISCARD__DISCARD_NEW;
    stream.storage = config->storage;
    stream.num_replicas = 1;
    stream.allow_rollup_hdrs = stream.deny_delete = stream.allow_direct = true;
    set_limits(&stream, config);
    return rill_stream_create(js, &stream, NULL, error);
}

enum rill_err rill_kv_create_bucket(struct rill_js *js, const struct rill_kv_config *config,
                                    struct rill_kv **ret, struct rill_error *error)
{
    struct rill_kv_config given = {0};
    memcpy(&given, config,
           config->struct_bytes && config->struct_bytes < sizeof given ? config->struct_bytes : sizeof given);
    if (!kv_is_bucket(given.bucket))
        return bad_bucket(error);
    if (given.history > HISTORY_MAX)
        return error_set(error, RILL_ERR_INVALID, "a history of more than %d", HISTORY_MAX);
    const enum rill_err err = create_stream(js, &given, error);
    if (!err)
        *ret = kv_create(js, given.bucket, true);
    return err;
}

enum rill_err rill_kv_open(struct rill_js *js, const char *bucket, struct rill_kv **ret,
                           struct rill_error *error)
{
    Rill__StreamInfo *info;
    char name[KV_BUCKET_BYTES + 4];
    if (!kv_is_bucket(bucket))
        return bad_bucket(error);
    (void)snprintf(name, sizeof name, "KV_%s", bucket);
    const enum rill_err err = rill_stream_info(js, name, NULL, &info, error);
    if (err)
        return err;
    *ret = kv_create(js, bucket, info->config->allow_direct);
    rill_model_free(&info->base);
    return RILL_OK;
}

void rill_kv_close(struct rill_kv *kv)
{
    free(kv);
}

enum rill_err rill_kv_delete_bucket(struct rill_js *js, const char *bucket, struct rill_error *error)
{
    char name[KV_BUCKET_BYTES + 4];
    if (!kv_is_bucket(bucket))
        return bad_bucket(error);
    (void)snprintf(name, sizeof name, "KV_%s", bucket);
    return rill_stream_delete(js, name, error);
}

// ---- entries ----

static enum rill_kv_operation operation_of(struct rill_bytes headers)
{
    struct rill_bytes value;
    if (!headers.len)
        return RILL_KV_PUT;
    if (rill_headers_find(headers, RILL_BYTES("KV-Operation"), &value)) {
        if (rill_bytes_equal(value, RILL_BYTES("DEL")))
            return RILL_KV_DELETE;
        return rill_bytes_equal(value, RILL_BYTES("PURGE")) ? RILL_KV_PURGE : RILL_KV_PUT;
    }
    // What a server leaves behind when it takes a value away itself.
    if (!rill_headers_find(headers, RILL_BYTES("Nats-Marker-Reason"), &value))
        return RILL_KV_PUT;
    return rill_bytes_equal(value, RILL_BYTES("MaxAge")) ? RILL_KV_PURGE : RILL_KV_DELETE;
}

struct rill_kv_entry *kv_entry_create(struct rill_bytes key, struct rill_bytes value,
                                      struct rill_bytes headers)
{
    struct rill_kv_entry *entry = rill_alloc_zero(1, sizeof *entry + key.len + value.len + 2);
    char *text = (char *)(entry + 1);
    memcpy(text, key.data, key.len);
    if (value.len)
        memcpy(text + key.len + 1, value.data, value.len);
    entry->key = text;
    entry->value = text + key.len + 1;
    entry->value_bytes = value.len;
    entry->operation = operation_of(headers);
    return entry;
}

void rill_kv_entry_free(struct rill_kv_entry *entry)
{
    free(entry);
}

// ---- reading one ----

/* What DIRECT.GET answers: the message itself, and where it was in headers. */
static enum rill_err entry_of_direct(const struct rill_msg *msg, const char *key, struct rill_kv_entry **ret,
                                     struct rill_error *error)
{
    struct rill_bytes seq, time;
    uint64_t revision = 0;
    int64_t created_ns = 0;
    const struct rill_bytes headers = msg_headers(msg);
    if (!rill_headers_find(headers, RILL_BYTES("Nats-Sequence"), &seq) ||
        !rill_bytes_to_u64(seq, UINT64_MAX, &revision))
        return error_set(error, RILL_ERR_DAMAGED, "an answer without a sequence");
    if (rill_headers_find(headers, RILL_BYTES("Nats-Time-Stamp"), &time))
        (void)rill_rfc3339_parse(time, &created_ns);
    struct rill_kv_entry *entry = kv_entry_create(rill_bytes_from_cstr(key), msg_payload(msg), headers);
    entry->revision = revision;
    entry->created_ns = created_ns;
    *ret = entry;
    return RILL_OK;
}

static enum rill_err read_direct(const struct rill_msg *reply, const char *key, struct rill_kv_entry **ret,
                                 struct rill_error *error)
{
    uint32_t status = 0;
    struct rill_bytes text = {0};
    if (!reply->headers_bytes || !rill_headers_status(msg_headers(reply), &status, &text))
        return entry_of_direct(reply, key, ret, error);
    if (status == 404)
        return error_set(error, RILL_ERR_NOT_FOUND, "no key %s", key);
    return error_set(error, RILL_ERR_REFUSED, "%u " RILL_PRI, status, RILL_ARG(text));
}

static enum rill_err get_direct(struct rill_kv *kv, const char *key, struct rill_kv_entry **ret,
                                struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    struct rill_msg *reply = NULL;
    const int len = snprintf(subject, sizeof subject, "%s.DIRECT.GET.%s.$KV.%s.%s", kv->js->prefix,
                             kv->stream, kv->bucket, key);
    if (len >= (int)sizeof subject)
        return error_plain(error, RILL_ERR_LIMIT);
    enum rill_err err = rill_request(kv->js->conn, subject, NULL, 0, kv->js->timeout_ms, &reply);
    if (err)
        return error_set(error, err, "get %s: %s", key, rill_err_text(err));
    err = read_direct(reply, key, ret, error);
    rill_msg_unref(reply);
    return err;
}

/* By the stream's API: by revision, or where there is no DIRECT.GET. */
static enum rill_err get_stored(struct rill_kv *kv, const char *key, uint64_t revision,
                                struct rill_kv_entry **ret, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    Rill__StoredMessage *message;
    Rill__MsgGetRequest request = RILL__MSG_GET_REQUEST__INIT;
    enum rill_err err = kv_subject(kv, key, false, subject);
    if (err)
        return error_plain(error, err);
    request.has_seq = revision != 0;
    request.seq = revision;
    request.last_by_subj = revision ? NULL : subject;
    err = rill_stream_get_msg(kv->js, kv->stream, &request, &message, error);
    if (err)
        return err;
    if (strcmp(message->subject, subject) == 0) {
        struct rill_kv_entry *entry =
            kv_entry_create(rill_bytes_from_cstr(key), rill_bytes_of(message->data.data, message->data.len),
                            rill_bytes_of(message->hdrs.data, message->hdrs.len));
        entry->revision = message->seq;
        entry->created_ns = message->time->unix_ns;
        *ret = entry;
    } else {
        err = error_set(error, RILL_ERR_NOT_FOUND, "that revision is of another key");
    }
    rill_model_free(&message->base);
    return err;
}

/* The last change of a key, deletions included. */
static enum rill_err get_last(struct rill_kv *kv, const char *key, struct rill_kv_entry **ret,
                              struct rill_error *error)
{
    if (!is_key(key, false))
        return error_set(error, RILL_ERR_INVALID, "no good key");
    return kv->direct ? get_direct(kv, key, ret, error) : get_stored(kv, key, 0, ret, error);
}

/* Keeps it only when it is a value. */
static enum rill_err only_value(struct rill_kv_entry *take_entry, struct rill_kv_entry **ret,
                                struct rill_error *error)
{
    if (take_entry->operation == RILL_KV_PUT) {
        *ret = take_entry;
        return RILL_OK;
    }
    rill_kv_entry_free(take_entry);
    return error_set(error, RILL_ERR_NOT_FOUND, "the key was deleted");
}

enum rill_err rill_kv_get(struct rill_kv *kv, const char *key, struct rill_kv_entry **ret,
                          struct rill_error *error)
{
    struct rill_kv_entry *entry;
    const enum rill_err err = get_last(kv, key, &entry, error);
    return err ? err : only_value(entry, ret, error);
}

enum rill_err rill_kv_get_revision(struct rill_kv *kv, const char *key, uint64_t revision,
                                   struct rill_kv_entry **ret, struct rill_error *error)
{
    struct rill_kv_entry *entry;
    if (!is_key(key, false) || revision == 0)
        return error_set(error, RILL_ERR_INVALID, "no good key or revision");
    const enum rill_err err = get_stored(kv, key, revision, &entry, error);
    return err ? err : only_value(entry, ret, error);
}

// ---- writing ----

static enum rill_err write_key(struct rill_kv *kv, const char *key, struct rill_bytes value,
                               const struct rill_header *headers, size_t headers_count,
                               const struct rill_expect *expect, uint64_t *ret_revision,
                               struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    struct rill_stored stored;
    enum rill_err err = kv_subject(kv, key, false, subject);
    if (!err)
        err = js_publish_subject(kv->js, subject);
    if (err)
        return error_set(error, err, "no good key");
    const struct rill_publish publish = {.subject = subject,
                                         .headers = headers,
                                         .headers_count = headers_count,
                                         .data = value.data,
                                         .data_bytes = value.len};
    err = rill_js_publish(kv->js, &publish, expect, &stored, error);
    if (!err && ret_revision)
        *ret_revision = stored.seq;
    return err;
}

enum rill_err rill_kv_put(struct rill_kv *kv, const char *key, const void *value, size_t value_bytes,
                          uint64_t *ret_revision, struct rill_error *error)
{
    return write_key(kv, key, rill_bytes_of(value, value_bytes), NULL, 0, NULL, ret_revision, error);
}

static enum rill_err write_at(struct rill_kv *kv, const char *key, struct rill_bytes value, uint64_t revision,
                              int64_t ttl_ms, uint64_t *ret_revision, struct rill_error *error)
{
    const struct rill_expect expect = {
        .check_last_subject_seq = true, .last_subject_seq = revision, .ttl_ms = ttl_ms};
    return write_key(kv, key, value, NULL, 0, &expect, ret_revision, error);
}

/* A key that was deleted is created behind its deletion. */
enum rill_err rill_kv_create(struct rill_kv *kv, const char *key, const void *value, size_t value_bytes,
                             int64_t ttl_ms, uint64_t *ret_revision, struct rill_error *error)
{
    const struct rill_bytes bytes = rill_bytes_of(value, value_bytes);
    struct rill_kv_entry *last = NULL;
    const enum rill_err err = write_at(kv, key, bytes, 0, ttl_ms, ret_revision, error);
    if (err != RILL_ERR_EXISTS || get_last(kv, key, &last, NULL))
        return err;
    const bool deleted = last->operation != RILL_KV_PUT;
    const uint64_t revision = last->revision;
    rill_kv_entry_free(last);
    return deleted ? write_at(kv, key, bytes, revision, ttl_ms, ret_revision, error) : err;
}

enum rill_err rill_kv_update(struct rill_kv *kv, const char *key, const void *value, size_t value_bytes,
                             uint64_t revision, uint64_t *ret_revision, struct rill_error *error)
{
    return write_at(kv, key, rill_bytes_of(value, value_bytes), revision, 0, ret_revision, error);
}

enum rill_err rill_kv_delete(struct rill_kv *kv, const char *key, struct rill_error *error)
{
    static const struct rill_header headers[] = {{"KV-Operation", "DEL"}};
    return write_key(kv, key, rill_bytes_of(NULL, 0), headers, 1, NULL, NULL, error);
}

enum rill_err rill_kv_purge(struct rill_kv *kv, const char *key, struct rill_error *error)
{
    static const struct rill_header headers[] = {{"KV-Operation", "PURGE"}, {"Nats-Rollup", "sub"}};
    return write_key(kv, key, rill_bytes_of(NULL, 0), headers, 2, NULL, NULL, error);
}
