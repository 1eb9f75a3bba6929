// SPDX-License-Identifier: Apache-2.0
#include "backup_file.h"

#include "base/alloc.h"
#include "whole_file.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

static const char magic[] = "RILL BACKUP 1\n";

enum { LENGTH_BYTES = 4, SUM_BYTES = 8, HEAD_BYTES_MAX = 64 * 1024 * 1024 };

struct backup_file {
    FILE *file;
    XXH3_state_t *sum;       // of all bytes so far
    struct whole_file whole; // of one to be written, which has `file` too
    uint8_t *chunk;          // of one to be read
    uint64_t bytes;
};

static void put_le(uint64_t number, size_t count, uint8_t *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, size_t count)
{
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number |= (uint64_t)from[i] << (8 * i);
    return number;
}

static struct backup_file *file_of(FILE *stream)
{
    struct backup_file *file = rill_alloc_zero(1, sizeof *file);
    file->file = stream;
    file->sum = XXH3_createState();
    if (!file->sum || XXH3_64bits_reset(file->sum) != XXH_OK)
        abort(); // out of memory
    return file;
}

void backup_file_close(struct backup_file *file)
{
    if (!file)
        return;
    if (file->whole.path[0])
        whole_file_drop(&file->whole);
    else if (file->file)
        (void)fclose(file->file);
    (void)XXH3_freeState(file->sum);
    free(file->chunk);
    free(file);
}

uint64_t backup_file_bytes(const struct backup_file *file)
{
    return file->bytes;
}

// ---- writing ----

static enum rill_err write_bytes(struct backup_file *file, const void *bytes, size_t count)
{
    (void)XXH3_64bits_update(file->sum, bytes, count);
    return fwrite(bytes, 1, count, file->file) == count ? RILL_OK : rill_err_from_errno(errno);
}

static enum rill_err write_head(struct backup_file *file, const json_t *head)
{
    char *text = json_dumps(head, JSON_COMPACT);
    enum rill_err err = text ? RILL_OK : RILL_ERR_NO_MEMORY;
    err = err ? err : write_bytes(file, magic, sizeof magic - 1);
    err = err ? err : write_bytes(file, text, strlen(text));
    err = err ? err : write_bytes(file, "\n", 1);
    free(text);
    return err;
}

enum rill_err backup_file_create(const char *path, const json_t *head, struct backup_file **ret)
{
    struct whole_file whole;
    enum rill_err err = whole_file_create(&whole, path, WHOLE_FILE_PRIVATE);
    if (err)
        return err;
    struct backup_file *file = file_of(whole.file);
    file->whole = whole;
    err = write_head(file, head);
    if (err)
        backup_file_close(file);
    else
        *ret = file;
    return err;
}

enum rill_err backup_file_add(struct backup_file *file, struct rill_bytes chunk)
{
    uint8_t length[LENGTH_BYTES];
    if (chunk.len > BACKUP_CHUNK_BYTES_MAX)
        return RILL_ERR_LIMIT;
    put_le(chunk.len, sizeof length, length);
    file->bytes += chunk.len;
    const enum rill_err err = write_bytes(file, length, sizeof length);
    return err || !chunk.len ? err : write_bytes(file, chunk.data, chunk.len);
}

enum rill_err backup_file_finish(struct backup_file *file)
{
    uint8_t sum[SUM_BYTES];
    const enum rill_err err = backup_file_add(file, rill_bytes_of(NULL, 0));
    if (err)
        return err;
    put_le(XXH3_64bits_digest(file->sum), sizeof sum, sum);
    return fwrite(sum, 1, sizeof sum, file->file) == sizeof sum ? whole_file_finish(&file->whole)
                                                                : rill_err_from_errno(errno);
}

// ---- reading ----

static enum rill_err damaged(struct rill_error_text *why, const char *reason)
{
    rill_error_text_set(why, "%s", reason);
    return RILL_ERR_DAMAGED;
}

static bool read_bytes(struct backup_file *file, void *bytes, size_t count)
{
    if (fread(bytes, 1, count, file->file) != count)
        return false;
    (void)XXH3_64bits_update(file->sum, bytes, count);
    return true;
}

static enum rill_err read_head(struct backup_file *file, json_t **ret_head, struct rill_error_text *why)
{
    char begin[sizeof magic - 1];
    char *line = NULL;
    size_t capacity = 0;
    if (!read_bytes(file, begin, sizeof begin) || memcmp(begin, magic, sizeof begin) != 0)
        return damaged(why, "this is no backup, or one of a newer rill");
    const ssize_t len = getline(&line, &capacity, file->file);
    if (len > 0 && len < HEAD_BYTES_MAX) {
        (void)XXH3_64bits_update(file->sum, line, (size_t)len);
        *ret_head = json_loadb(line, (size_t)len, 0, NULL);
    }
    free(line);
    return json_is_object(*ret_head) ? RILL_OK : damaged(why, "its head is damaged");
}

static bool read_chunk(struct backup_file *file, struct rill_bytes *ret)
{
    uint8_t length[LENGTH_BYTES];
    if (!read_bytes(file, length, sizeof length))
        return false;
    const uint64_t bytes = get_le(length, sizeof length);
    if (bytes > BACKUP_CHUNK_BYTES_MAX || !read_bytes(file, file->chunk, bytes))
        return false;
    *ret = rill_bytes_of(file->chunk, bytes);
    return true;
}

/* Reads to the end, and goes back to where the chunks begin. */
static enum rill_err check_chunks(struct backup_file *file, struct rill_error_text *why)
{
    uint8_t sum[SUM_BYTES];
    struct rill_bytes chunk;
    const off_t begin = ftello(file->file);
    do {
        if (!read_chunk(file, &chunk))
            return damaged(why, "it ends too early, or is damaged");
        file->bytes += chunk.len;
    } while (chunk.len);
    const uint64_t expected = XXH3_64bits_digest(file->sum);
    if (fread(sum, 1, sizeof sum, file->file) != sizeof sum || get_le(sum, sizeof sum) != expected)
        return damaged(why, "its check sum is wrong");
    if (begin < 0 || fseeko(file->file, begin, SEEK_SET) != 0)
        return rill_err_from_errno(errno);
    return RILL_OK;
}

enum rill_err backup_file_open(const char *path, json_t **ret_head, struct backup_file **ret,
                               struct rill_error_text *why)
{
    FILE *stream = fopen(path, "rbe");
    json_t *head = NULL;
    if (!stream) {
        rill_error_text_set(why, "%s", strerror(errno));
        return rill_err_from_errno(errno);
    }
    struct backup_file *file = file_of(stream);
    file->chunk = rill_alloc_zero(1, BACKUP_CHUNK_BYTES_MAX);
    enum rill_err err = read_head(file, &head, why);
    err = err ? err : check_chunks(file, why);
    if (err) {
        json_decref(head);
        backup_file_close(file);
        return err;
    }
    *ret_head = head;
    *ret = file;
    return RILL_OK;
}

enum rill_err backup_file_next(struct backup_file *file, struct rill_bytes *ret)
{
    return read_chunk(file, ret) ? RILL_OK : RILL_ERR_DAMAGED;
}
