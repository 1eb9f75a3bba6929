// SPDX-License-Identifier: Apache-2.0
#include "objects.h"

#include "base/alloc.h"
#include "error.h"
#include "kv.h"
#include "proto/base64.h"
#include "proto/json_codec.h"

#include <stdio.h>
#include <stdlib.h>

enum { INFO_BYTES_MAX = 1024 * 1024, NAME_BYTES_MAX = 600 };

// ---- buckets ----

static enum rill_err bad_bucket(struct rill_error *error)
{
    return error_set(error, RILL_ERR_INVALID, "a bucket's name has letters, digits, - and _ only");
}

static enum rill_err objects_create(struct rill_js *js, const char *bucket, struct rill_objects **ret,
                                    struct rill_error *error)
{
    struct rill_objects *objects = rill_alloc_zero(1, sizeof *objects);
    const struct rill_js_options options = {.struct_bytes = sizeof options, .timeout_ms = js->timeout_ms};
    const enum rill_err err = rill_js_open(js->conn, &options, &objects->js);
    if (err) {
        free(objects);
        return error_plain(error, err);
    }
    memcpy(objects->js->prefix, js->prefix, sizeof objects->js->prefix);
    (void)snprintf(objects->bucket, sizeof objects->bucket, "%s", bucket);
    (void)snprintf(objects->stream, sizeof objects->stream, "OBJ_%s", bucket);
    *ret = objects;
    return RILL_OK;
}

static enum rill_err create_stream(struct rill_js *js, const struct rill_objects_config *config,
                                   struct rill_error *error)
{
    char name[OBJECTS_BUCKET_BYTES + 4], chunks[OBJECTS_BUCKET_BYTES + 8], infos[OBJECTS_BUCKET_BYTES + 8];
    char *subjects[] = {chunks, infos};
    Rill__StreamConfig stream = RILL__STREAM_CONFIG__INIT;
    (void)snprintf(name, sizeof name, "OBJ_%s", config->bucket);
    (void)snprintf(chunks, sizeof chunks, "$O.%s.C.>", config->bucket);
    (void)snprintf(infos, sizeof infos, "$O.%s.M.>", config->bucket);
    stream.name = name;
    stream.description = (char *)config->description;
    stream.subjects = subjects;
    stream.n_subjects = 2;
    stream.discard = RILL__DISCARD__DISCARD_NEW;
    stream.storage = config->storage;
    stream.num_replicas = 1;
    stream.allow_rollup_hdrs = stream.allow_direct = true;
    stream.max_age = config->ttl_ms > 0 ? config->ttl_ms * RILL_NS_PER_MS : 0;
    stream.max_bytes = config->bytes_max > 0 ? config->bytes_max : -1;
    stream.max_msgs = stream.max_consumers = stream.max_msgs_per_subject = stream.max_msg_size = -1;
    return rill_stream_create(js, &stream, NULL, error);
}

enum rill_err rill_objects_create_bucket(struct rill_js *js, const struct rill_objects_config *config,
                                         struct rill_objects **ret, struct rill_error *error)
{
    struct rill_objects_config given = {0};
    memcpy(&given, config,
           config->struct_bytes && config->struct_bytes < sizeof given ? config->struct_bytes : sizeof given);
    if (!kv_is_bucket(given.bucket))
        return bad_bucket(error);
    const enum rill_err err = create_stream(js, &given, error);
    return err ? err : objects_create(js, given.bucket, ret, error);
}

enum rill_err rill_objects_open(struct rill_js *js, const char *bucket, struct rill_objects **ret,
                                struct rill_error *error)
{
    char name[OBJECTS_BUCKET_BYTES + 4];
    if (!kv_is_bucket(bucket))
        return bad_bucket(error);
    (void)snprintf(name, sizeof name, "OBJ_%s", bucket);
    const enum rill_err err = rill_stream_info(js, name, NULL, NULL, error);
    return err ? err : objects_create(js, bucket, ret, error);
}

void rill_objects_close(struct rill_objects *objects)
{
    if (!objects)
        return;
    rill_js_destroy(objects->js);
    free(objects);
}

enum rill_err rill_objects_delete_bucket(struct rill_js *js, const char *bucket, struct rill_error *error)
{
    char name[OBJECTS_BUCKET_BYTES + 4];
    if (!kv_is_bucket(bucket))
        return bad_bucket(error);
    (void)snprintf(name, sizeof name, "OBJ_%s", bucket);
    return rill_stream_delete(js, name, error);
}

// ---- names ----

/* The alphabet of base64 that subjects can bear. */
static void make_url_safe(struct rill_buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '+')
            text->data[i] = '-';
        else if (text->data[i] == '/')
            text->data[i] = '_';
    }
}

enum rill_err objects_info_subject(const struct rill_objects *objects, const char *name,
                                   char ret[JS_SUBJECT_BYTES])
{
    const struct rill_bytes bytes = rill_bytes_from_cstr(name);
    struct rill_buf text;
    if (bytes.len == 0)
        return RILL_ERR_INVALID;
    if (bytes.len > NAME_BYTES_MAX)
        return RILL_ERR_LIMIT;
    rill_buf_init(&text, JS_SUBJECT_BYTES);
    const enum rill_err err = rill_base64_encode(bytes, &text);
    make_url_safe(&text);
    if (!err)
        (void)snprintf(ret, JS_SUBJECT_BYTES, "$O.%s.M." RILL_PRI, objects->bucket,
                       RILL_ARG(rill_buf_bytes(&text)));
    rill_buf_fini(&text);
    return err;
}

void objects_chunk_subject(const struct rill_objects *objects, const char *nuid, char ret[JS_SUBJECT_BYTES])
{
    (void)snprintf(ret, JS_SUBJECT_BYTES, "$O.%s.C.%s", objects->bucket, nuid);
}

enum rill_err objects_digest_text(struct sha256 *sha, char ret[OBJECTS_DIGEST_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    struct rill_buf text;
    sha256_final(sha, digest);
    rill_buf_init(&text, OBJECTS_DIGEST_BYTES);
    const enum rill_err err = rill_base64_encode(rill_bytes_of(digest, sizeof digest), &text);
    make_url_safe(&text);
    if (!err)
        (void)snprintf(ret, OBJECTS_DIGEST_BYTES, "SHA-256=" RILL_PRI, RILL_ARG(rill_buf_bytes(&text)));
    rill_buf_fini(&text);
    return err;
}

// ---- what is known ----

enum rill_err objects_decode_info(struct rill_bytes json, Rill__ObjectInfo **ret, struct rill_error *error)
{
    ProtobufCMessage *message;
    struct rill_error_text why;
    const enum rill_err err =
        rill_json_decode(&rill__object_info__descriptor, json, RILL_JSON_UNKNOWN_IGNORED, &message, &why);
    if (err)
        return error_set(error, RILL_ERR_DAMAGED, "what is known of the object cannot be read: %s", why.text);
    *ret = (Rill__ObjectInfo *)message;
    return RILL_OK;
}

enum rill_err objects_find(struct rill_objects *objects, const char *name, Rill__ObjectInfo **ret,
                           struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    Rill__StoredMessage *message;
    Rill__MsgGetRequest request = RILL__MSG_GET_REQUEST__INIT;
    enum rill_err err = objects_info_subject(objects, name, subject);
    if (err)
        return error_set(error, err, "no good name of an object");
    request.last_by_subj = subject;
    err = rill_stream_get_msg(objects->js, objects->stream, &request, &message, error);
    if (err)
        return err;
    err = objects_decode_info(rill_bytes_of(message->data.data, message->data.len), ret, error);
    rill_model_free(&message->base);
    return err;
}

enum rill_err rill_object_info(struct rill_objects *objects, const char *name, Rill__ObjectInfo **ret_info,
                               struct rill_error *error)
{
    Rill__ObjectInfo *info;
    const enum rill_err err = objects_find(objects, name, &info, error);
    if (err)
        return err;
    if (info->deleted) {
        rill_model_free(&info->base);
        return error_set(error, RILL_ERR_NOT_FOUND, "the object was deleted");
    }
    *ret_info = info;
    return RILL_OK;
}

enum rill_err objects_write_info(struct rill_objects *objects, const Rill__ObjectInfo *info,
                                 struct rill_error *error)
{
    static const struct rill_header rollup[] = {{"Nats-Rollup", "sub"}};
    char subject[JS_SUBJECT_BYTES];
    struct rill_buf json;
    rill_buf_init(&json, INFO_BYTES_MAX);
    enum rill_err err = objects_info_subject(objects, info->name, subject);
    if (!err)
        err = js_publish_subject(objects->js, subject);
    if (!err)
        err = rill_json_encode(&info->base, &json);
    const struct rill_publish publish = {
        .subject = subject, .headers = rollup, .headers_count = 1, .data = json.data, .data_bytes = json.len};
    if (err)
        (void)error_plain(error, err);
    else
        err = rill_js_publish(objects->js, &publish, NULL, NULL, error);
    rill_buf_fini(&json);
    return err;
}

enum rill_err objects_drop_chunks(struct rill_objects *objects, const char *nuid, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    Rill__StreamPurgeRequest request = RILL__STREAM_PURGE_REQUEST__INIT;
    objects_chunk_subject(objects, nuid, subject);
    request.filter = subject;
    return rill_stream_purge(objects->js, objects->stream, &request, NULL, error);
}

enum rill_err rill_object_delete(struct rill_objects *objects, const char *name, struct rill_error *error)
{
    Rill__ObjectInfo *info;
    enum rill_err err = rill_object_info(objects, name, &info, error);
    if (err)
        return err;
    info->has_deleted = info->deleted = true;
    info->size = info->chunks = 0;
    err = objects_write_info(objects, info, error);
    if (!err)
        err = objects_drop_chunks(objects, info->nuid, error);
    rill_model_free(&info->base);
    return err;
}
