// SPDX-License-Identifier: Apache-2.0
#include "objects.h"

#include "base/alloc.h"
#include "error.h"
#include "proto/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* An object on its way. */
struct putting {
    struct rill_objects *objects;
    char nuid[RILL_INBOX_BYTES];
    char subject[JS_SUBJECT_BYTES];
    uint8_t *buffer; // heap, one chunk
    size_t buffer_bytes;
    struct sha256 sha;
    uint64_t bytes;
    uint32_t chunks;
};

// ---- chunks ----

/* Fills the buffer as far as there is something. */
static enum rill_err read_chunk(struct putting *putting, rill_object_reader *reader, void *context,
                                size_t *ret_bytes)
{
    size_t len = 0;
    size_t part = 1;
    while (part && len < putting->buffer_bytes) {
        part = 0;
        const enum rill_err err = reader(context, putting->buffer + len, putting->buffer_bytes - len, &part);
        if (err)
            return err;
        if (part > putting->buffer_bytes - len)
            return RILL_ERR_INVALID;
        len += part;
    }
    *ret_bytes = len;
    return RILL_OK;
}

static enum rill_err put_chunk(struct putting *putting, size_t len)
{
    const struct rill_publish publish = {
        .subject = putting->subject, .data = putting->buffer, .data_bytes = len};
    sha256_update(&putting->sha, rill_bytes_of(putting->buffer, len));
    putting->bytes += len;
    putting->chunks++;
    return rill_js_publish_async(putting->objects->js, &publish, NULL, NULL, NULL);
}

/* What a chunk was refused with goes into *ret_failure. */
static enum rill_err put_chunks(struct putting *putting, rill_object_reader *reader, void *context,
                                struct rill_error *ret_failure)
{
    struct rill_js *js = putting->objects->js;
    size_t len = 1;
    enum rill_err err = RILL_OK;
    while (!err && len) {
        err = read_chunk(putting, reader, context, &len);
        if (!err && len)
            err = put_chunk(putting, len);
    }
    uint64_t failed = 0;
    const enum rill_err waited = js_wait(js, wait_deadline_ns(js->timeout_ms, 0), &failed, ret_failure);
    if (!err)
        err = waited;
    return !err && failed ? ret_failure->err : err;
}

// ---- what is known ----

static enum rill_err write_info(struct putting *putting, const struct rill_object_put *put,
                                Rill__ObjectInfo **ret_info, struct rill_error *error)
{
    char digest[OBJECTS_DIGEST_BYTES];
    Rill__ObjectInfo info = RILL__OBJECT_INFO__INIT;
    Rill__ObjectOptions options = RILL__OBJECT_OPTIONS__INIT;
    Rill__Timestamp mtime = RILL__TIMESTAMP__INIT;
    enum rill_err err = objects_digest_text(&putting->sha, digest);
    if (err)
        return error_plain(error, err);
    options.has_max_chunk_size = true;
    options.max_chunk_size = (uint32_t)putting->buffer_bytes;
    mtime.unix_ns = wait_wall_ns();
    info.name = (char *)put->name;
    info.description = (char *)put->description;
    info.options = &options;
    info.bucket = putting->objects->bucket;
    info.nuid = putting->nuid;
    info.size = putting->bytes;
    info.mtime = &mtime;
    info.chunks = putting->chunks;
    info.digest = digest;
    err = objects_write_info(putting->objects, &info, error);
    if (!err && ret_info)
        *ret_info = (Rill__ObjectInfo *)rill_message_copy(&info.base);
    return err;
}

/* The chunks of the object that was there; NULL when there was none. On the heap. */
static enum rill_err find_old(struct rill_objects *objects, const char *name, char **ret_nuid,
                              struct rill_error *error)
{
    Rill__ObjectInfo *old;
    const enum rill_err err = objects_find(objects, name, &old, error);
    if (err == RILL_ERR_NOT_FOUND)
        return RILL_OK;
    if (err)
        return err;
    *ret_nuid = old->deleted ? NULL : rill_alloc_cstr(rill_bytes_from_cstr(old->nuid));
    rill_model_free(&old->base);
    return RILL_OK;
}

static enum rill_err putting_init(struct putting *putting, struct rill_objects *objects, uint32_t chunk_bytes)
{
    *putting = (struct putting){.objects = objects};
    putting->buffer_bytes = chunk_bytes ? chunk_bytes : OBJECTS_CHUNK_BYTES;
    putting->buffer = malloc(putting->buffer_bytes);
    js_random_name(objects->js, putting->nuid);
    objects_chunk_subject(objects, putting->nuid, putting->subject);
    sha256_init(&putting->sha);
    const enum rill_err err = js_publish_subject(objects->js, putting->subject);
    return putting->buffer ? err : RILL_ERR_NO_MEMORY;
}

/* In the server's words when it was the server. */
static void tell_failure(struct rill_error *error, enum rill_err err, const char *name,
                         const struct rill_error *failure)
{
    const bool served = failure->err == err;
    (void)error_set(error, err, "put %s: %s", name, served ? failure->text : rill_err_text(err));
    if (error && served) {
        error->code = failure->code;
        error->err_code = failure->err_code;
    }
}

enum rill_err rill_object_put(struct rill_objects *objects, const struct rill_object_put *put,
                              rill_object_reader *reader, void *context, Rill__ObjectInfo **ret_info,
                              struct rill_error *error)
{
    struct putting putting;
    struct rill_error failure = {0};
    char *old_nuid = NULL;
    enum rill_err err = find_old(objects, put->name, &old_nuid, error);
    if (err)
        return err;
    err = putting_init(&putting, objects, put->chunk_bytes);
    if (!err)
        err = put_chunks(&putting, reader, context, &failure);
    if (err)
        tell_failure(error, err, put->name, &failure);
    else
        err = write_info(&putting, put, ret_info, error);
    // Of the old and the new one, the chunks that nothing names any more go; when they cannot, they are only waste.
    const char *waste = err ? putting.nuid : old_nuid;
    if (waste)
        (void)!objects_drop_chunks(objects, waste, NULL);
    free(putting.buffer);
    free(old_nuid);
    return err;
}

// ---- from memory and from a file ----

static enum rill_err read_bytes(void *context, void *buffer, size_t bytes_max, size_t *ret_bytes)
{
    struct rill_bytes *rest = context;
    const size_t part = rest->len < bytes_max ? rest->len : bytes_max;
    if (part)
        memcpy(buffer, rest->data, part);
    *rest = rill_bytes_from(*rest, part);
    *ret_bytes = part;
    return RILL_OK;
}

enum rill_err rill_object_put_bytes(struct rill_objects *objects, const struct rill_object_put *put,
                                    const void *data, size_t data_bytes, Rill__ObjectInfo **ret_info,
                                    struct rill_error *error)
{
    struct rill_bytes rest = rill_bytes_of(data, data_bytes);
    return rill_object_put(objects, put, read_bytes, &rest, ret_info, error);
}

static enum rill_err read_file(void *context, void *buffer, size_t bytes_max, size_t *ret_bytes)
{
    const int *fd = context;
    ssize_t got;
    do
        got = read(*fd, buffer, bytes_max);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return rill_err_from_errno(errno);
    *ret_bytes = (size_t)got;
    return RILL_OK;
}

enum rill_err rill_object_put_file(struct rill_objects *objects, const struct rill_object_put *put,
                                   const char *path, Rill__ObjectInfo **ret_info, struct rill_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, errno == ENOENT ? RILL_ERR_NOT_FOUND : rill_err_from_errno(errno),
                         "open %s: %s", path, strerrordesc_np(errno));
    const enum rill_err err = rill_object_put(objects, put, read_file, &fd, ret_info, error);
    (void)close(fd);
    return err;
}
