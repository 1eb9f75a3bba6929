// SPDX-License-Identifier: Apache-2.0
#include "objects.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// ---- chunks ----

static enum rill_err read_chunks(struct rill_objects *objects, struct rill_ordered *ordered,
                                 const Rill__ObjectInfo *info, rill_object_writer *writer, void *context,
                                 struct sha256 *sha)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < info->chunks; i++) {
        struct rill_msg *msg;
        enum rill_err err = rill_ordered_next(ordered, objects->js->timeout_ms, &msg);
        if (err)
            return err;
        bytes += msg->payload_bytes;
        sha256_update(sha, msg_payload(msg));
        err = bytes > info->size ? RILL_ERR_DAMAGED : writer(context, rill_msg_data(msg), msg->payload_bytes);
        rill_msg_unref(msg);
        if (err)
            return err;
    }
    return bytes == info->size ? RILL_OK : RILL_ERR_DAMAGED;
}

static enum rill_err check_digest(const Rill__ObjectInfo *info, struct sha256 *sha)
{
    char digest[OBJECTS_DIGEST_BYTES];
    const enum rill_err err = objects_digest_text(sha, digest);
    if (err || !info->digest || !info->digest[0])
        return err;
    return strcmp(digest, info->digest) == 0 ? RILL_OK : RILL_ERR_DAMAGED;
}

static enum rill_err get_content(struct rill_objects *objects, const Rill__ObjectInfo *info,
                                 rill_object_writer *writer, void *context, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    struct sha256 sha;
    struct rill_ordered *ordered;
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    sha256_init(&sha);
    if (info->chunks == 0)
        return RILL_OK;
    objects_chunk_subject(objects, info->nuid, subject);
    config.filter_subject = subject;
    enum rill_err err = rill_ordered_open(objects->js, objects->stream, &config, &ordered, error);
    if (err)
        return err;
    err = read_chunks(objects, ordered, info, writer, context, &sha);
    rill_ordered_close(ordered);
    if (!err)
        err = check_digest(info, &sha);
    return err ? error_set(error, err, "get %s: %s", info->name, rill_err_text(err)) : RILL_OK;
}

/* Content and information of an object that is no link. */
static enum rill_err get_object(struct rill_objects *objects, Rill__ObjectInfo *take_info,
                                rill_object_writer *writer, void *context, Rill__ObjectInfo **ret_info,
                                struct rill_error *error)
{
    const enum rill_err err = get_content(objects, take_info, writer, context, error);
    if (err || !ret_info)
        rill_model_free(&take_info->base);
    else
        *ret_info = take_info;
    return err;
}

/* One step: where a link may lead is not a link, or somebody has made it one since. */
static enum rill_err get_linked(struct rill_objects *objects, const Rill__ObjectLink *link,
                                rill_object_writer *writer, void *context, Rill__ObjectInfo **ret_info,
                                struct rill_error *error)
{
    struct rill_objects *target;
    Rill__ObjectInfo *info;
    if (!link->name || !link->name[0])
        return error_set(error, RILL_ERR_UNSUPPORTED, "a link to the whole bucket %s", link->bucket);
    enum rill_err err = rill_objects_open(objects->js, link->bucket, &target, error);
    if (err)
        return err;
    err = rill_object_info(target, link->name, &info, error);
    if (!err && objects_link(info)) {
        rill_model_free(&info->base);
        err = error_set(error, RILL_ERR_INVALID, "%s is a link behind a link", link->name);
    } else if (!err) {
        err = get_object(target, info, writer, context, ret_info, error);
    }
    rill_objects_close(target);
    return err;
}

enum rill_err rill_object_get(struct rill_objects *objects, const char *name, rill_object_writer *writer,
                              void *context, Rill__ObjectInfo **ret_info, struct rill_error *error)
{
    Rill__ObjectInfo *info;
    enum rill_err err = rill_object_info(objects, name, &info, error);
    if (err)
        return err;
    const Rill__ObjectLink *link = objects_link(info);
    if (!link)
        return get_object(objects, info, writer, context, ret_info, error);
    err = get_linked(objects, link, writer, context, ret_info, error);
    rill_model_free(&info->base);
    return err;
}

// ---- into memory ----

static enum rill_err write_bytes(void *context, const void *bytes, size_t count)
{
    struct rill_buf *buf = context;
    const enum rill_err err = rill_buf_reserve(buf, count + 1);
    if (err)
        return err;
    memcpy(buf->data + buf->len, bytes, count);
    buf->len += count;
    return RILL_OK;
}

enum rill_err rill_object_get_bytes(struct rill_objects *objects, const char *name, void **ret_data,
                                    size_t *ret_bytes, struct rill_error *error)
{
    struct rill_buf buf;
    rill_buf_init(&buf, SIZE_MAX / 4);
    enum rill_err err = rill_object_get(objects, name, write_bytes, &buf, NULL, error);
    if (!err)
        err = rill_buf_reserve(&buf, 1);
    if (err) {
        rill_buf_fini(&buf);
        return err;
    }
    buf.data[buf.len] = '\0';
    *ret_data = buf.data;
    *ret_bytes = buf.len;
    return RILL_OK;
}

// ---- into a file ----

static enum rill_err write_file(void *context, const void *bytes, size_t count)
{
    const int *fd = context;
    const char *at = bytes;
    while (count) {
        const ssize_t put = write(*fd, at, count);
        if (put < 0 && errno != EINTR)
            return rill_err_from_errno(errno);
        if (put > 0) {
            at += put;
            count -= (size_t)put;
        }
    }
    return RILL_OK;
}

enum rill_err rill_object_get_file(struct rill_objects *objects, const char *name, const char *path,
                                   struct rill_error *error)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= (int)sizeof beside)
        return error_plain(error, RILL_ERR_LIMIT);
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return error_set(error, rill_err_from_errno(errno), "make a file beside %s: %s", path,
                         strerrordesc_np(errno));
    enum rill_err err = rill_object_get(objects, name, write_file, &fd, NULL, error);
    if (close(fd) && !err)
        err = error_set(error, rill_err_from_errno(errno), "write %s: %s", beside, strerrordesc_np(errno));
    if (!err && rename(beside, path))
        err = error_set(error, rill_err_from_errno(errno), "rename to %s: %s", path, strerrordesc_np(errno));
    if (err)
        (void)unlink(beside);
    return err;
}
