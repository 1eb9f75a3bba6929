// SPDX-License-Identifier: Apache-2.0
#include "reader.h"

#include "base/assert.h"
#include "io.h"
#include "le.h"

#include <stdlib.h>

enum { READER_WINDOW_BYTES = 1 << 20, READER_PAGE_BYTES = 4096 };

enum rill_err reader_open(struct log_reader *reader, struct rill_disk *disk, const char *path)
{
    *reader = (struct log_reader){0};
    enum rill_err err = disk->ops->open(disk, path, RILL_DISK_READ, &reader->file);
    if (err)
        return err;
    err = disk->ops->size(reader->file, &reader->size);
    if (err)
        reader_close(reader);
    return err;
}

void reader_close(struct log_reader *reader)
{
    if (reader->file)
        reader->file->disk->ops->close(reader->file);
    free(reader->window);
    *reader = (struct log_reader){0};
}

static enum rill_err window_grow(struct log_reader *reader, size_t len)
{
    if (len <= reader->window_capacity)
        return RILL_OK;
    uint8_t *window = malloc(len);
    if (!window)
        return RILL_ERR_NO_MEMORY;
    free(reader->window);
    reader->window = window;
    reader->window_capacity = len;
    reader->window_len = 0;
    return RILL_OK;
}

/* Reads page by page and leaves zeros for the pages that the disk cannot read. */
static void window_read_pages(struct log_reader *reader, size_t len)
{
    memset(reader->window, 0, len);
    for (size_t at = 0; at < len; at += READER_PAGE_BYTES) {
        const size_t page = len - at < READER_PAGE_BYTES ? len - at : READER_PAGE_BYTES;
        size_t got;
        if (io_read_all(reader->file, reader->window + at, page, reader->window_offset + at, &got))
            reader->unreadable = true;
    }
}

static enum rill_err window_fill(struct log_reader *reader, uint64_t offset, size_t len)
{
    const enum rill_err err = window_grow(reader, len);
    if (err)
        return err;
    size_t got;
    reader->window_offset = offset;
    reader->window_len = len;
    if (io_read_all(reader->file, reader->window, len, offset, &got))
        window_read_pages(reader, len);
    else
        memset(reader->window + got, 0, len - got);
    return RILL_OK;
}

enum rill_err reader_get(struct log_reader *reader, uint64_t offset, size_t len, const uint8_t **ret)
{
    RILL_ASSERT(offset <= reader->size && len <= reader->size - offset);
    const uint64_t end = reader->window_offset + reader->window_len;
    if (offset < reader->window_offset || offset > end || len > end - offset) {
        const uint64_t left = reader->size - offset;
        const uint64_t ahead = left < READER_WINDOW_BYTES ? left : READER_WINDOW_BYTES;
        const enum rill_err err = window_fill(reader, offset, len > ahead ? len : (size_t)ahead);
        if (err)
            return err;
    }
    *ret = reader->window + (offset - reader->window_offset);
    return RILL_OK;
}

enum rill_err reader_commit_at(struct log_reader *reader, uint64_t offset, uint64_t last, uint64_t sequence,
                               struct record_commit *ret)
{
    const uint8_t *at;
    if (offset >= reader->size || reader->size - offset < RECORD_COMMIT_BYTES)
        return RILL_ERR_NOT_FOUND;
    const uint64_t left = reader->size - offset;
    const size_t room = left < RECORD_MERGED_BYTES ? (size_t)left : RECORD_MERGED_BYTES;
    const enum rill_err err = reader_get(reader, offset, room, &at);
    if (err)
        return err;
    const bool valid = record_get_commit(at, room, reader->seed + offset, last, sequence, ret);
    return valid ? RILL_OK : RILL_ERR_NOT_FOUND;
}

/* Searches one stretch: the commit record must begin in the first `len` of the `room` bytes at `at`. */
static void search_stretch(const struct log_reader *reader, const uint8_t *at, size_t len, size_t room,
                           uint64_t offset, uint64_t last, uint64_t sequence, struct reader_search *search)
{
    for (size_t i = 0; i < len && room - i >= 8; i += RECORD_ALIGN) {
        if (le_get_u64(at + i) == 0)
            continue;
        search->offset = offset + i;
        search->found =
            record_get_commit(at + i, room - i, reader->seed + offset + i, last, sequence, &search->commit);
        if (search->found)
            return;
        search->used = offset + i + 8;
    }
}

enum rill_err reader_next_commit(struct log_reader *reader, uint64_t offset, uint64_t last, uint64_t sequence,
                                 struct reader_search *ret)
{
    struct reader_search search = {.used = offset};
    while (!search.found && offset < reader->size) {
        const uint64_t left = reader->size - offset;
        const size_t room = left < READER_WINDOW_BYTES ? (size_t)left : READER_WINDOW_BYTES;
        const size_t len = room < left ? room - RECORD_MERGED_BYTES : room;
        const uint8_t *at;
        const enum rill_err err = reader_get(reader, offset, room, &at);
        if (err)
            return err;
        search_stretch(reader, at, len, room, offset, last, sequence, &search);
        offset += len;
    }
    if (!search.found)
        search.offset = reader->size;
    *ret = search;
    return RILL_OK;
}
