// SPDX-License-Identifier: Apache-2.0
//
// Reading a backup. A message in a segment may be overwritten between two reads, and whoever restores must find it whole,
// or overwritten as a whole: so of each read only whole records are kept, and what follows is read again. Where the log has no
// records (its headers, damage) it ends anywhere.
#include "storage/backup.h"

#include "backup_format.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "io.h"
#include "le.h"
#include "record.h"
#include "segment.h"

#include <stdlib.h>

enum {
    PAYLOAD_BYTES_MAX = RILL_BACKUP_BLOCK_BYTES_MAX - BACKUP_HEAD_BYTES,
    READ_BYTES = 1 << 20,      // at a time
    HELD_BYTES_MAX = 64 << 20, // a record that is longer is none
};

struct rill_backup {
    struct rill_disk *disk;
    char *folder;
    struct rill_store_snapshot_file *files;
    size_t file_count;
    size_t file; // the one that is read
    struct backup_header header;
    uint64_t number; // of the block written last
    uint64_t bytes;  // of data, so far

    // the file that is read
    struct rill_disk_file *open;
    uint64_t offset;      // read so far
    bool at_end;          // there is no more to read in it
    struct rill_buf held; // read and not given: whole records

    bool begun;
    bool done;
};

struct rill_backup *rill_backup_open(struct rill_disk *disk, const char *folder,
                                     const struct rill_store_snapshot *snapshot, uint32_t flags)
{
    struct rill_backup *backup = rill_alloc_zero(1, sizeof *backup);
    backup->disk = disk;
    backup->folder = rill_alloc_cstr(rill_bytes_from_cstr(folder));
    backup->file_count = snapshot->file_count;
    backup->files = rill_alloc_zero(snapshot->file_count, sizeof backup->files[0]);
    memcpy(backup->files, snapshot->files, snapshot->file_count * sizeof backup->files[0]);
    backup->header = (struct backup_header){BACKUP_VERSION, flags, snapshot->last_sequence};
    rill_buf_init(&backup->held, HELD_BYTES_MAX);
    return backup;
}

void rill_backup_close(struct rill_backup *backup)
{
    if (!backup)
        return;
    if (backup->open)
        backup->disk->ops->close(backup->open);
    rill_buf_fini(&backup->held);
    free(backup->files);
    free(backup->folder);
    free(backup);
}

bool rill_backup_is_done(const struct rill_backup *backup)
{
    return backup->done;
}

// ---- writing blocks ----

static enum rill_err put_block(struct rill_backup *backup, enum backup_kind kind, struct rill_bytes payload,
                               struct rill_buf *out)
{
    RILL_ASSERT(payload.len <= PAYLOAD_BYTES_MAX);
    const enum rill_err err = rill_buf_reserve(out, BACKUP_HEAD_BYTES + payload.len);
    if (err)
        return err;
    backup_head_put(out->data + out->len, ++backup->number, kind, payload);
    memcpy(out->data + out->len + BACKUP_HEAD_BYTES, payload.data, payload.len);
    out->len += BACKUP_HEAD_BYTES + payload.len;
    return RILL_OK;
}

static enum rill_err put_header(struct rill_backup *backup, struct rill_buf *out)
{
    const enum rill_err err = rill_buf_reserve(out, BACKUP_HEADER_BYTES);
    if (err)
        return err;
    backup_header_put(out->data + out->len, &backup->header);
    out->len += BACKUP_HEADER_BYTES;
    backup->begun = true;
    return RILL_OK;
}

static enum rill_err put_end(struct rill_backup *backup, struct rill_buf *out)
{
    uint8_t totals[16];
    le_put_u64(totals, backup->file_count);
    le_put_u64(totals + 8, backup->bytes);
    const enum rill_err err = put_block(backup, BACKUP_END, rill_bytes_of(totals, sizeof totals), out);
    backup->done = !err;
    return err;
}

static enum rill_err put_data(struct rill_backup *backup, struct rill_buf *out)
{
    const size_t len = backup->held.len < PAYLOAD_BYTES_MAX ? backup->held.len : PAYLOAD_BYTES_MAX;
    const enum rill_err err = put_block(backup, BACKUP_DATA, rill_bytes_of(backup->held.data, len), out);
    if (err)
        return err;
    rill_buf_drop(&backup->held, len);
    backup->bytes += len;
    return RILL_OK;
}

// ---- reading files ----

static const struct rill_store_snapshot_file *current(const struct rill_backup *backup)
{
    return &backup->files[backup->file];
}

/* How many of `len` bytes at this offset of a segment are whole records, and in *ret_wanted how many bytes the one
   behind them has. */
static size_t whole_records(const uint8_t *bytes, size_t len, uint64_t offset, size_t *ret_wanted)
{
    size_t whole = 0;
    while (whole < len) {
        const size_t left = len - whole;
        size_t size = RECORD_HEADER_BYTES;
        if (offset + whole < SEGMENT_FIRST_OFFSET)
            size = (size_t)(SEGMENT_FIRST_OFFSET - offset) - whole;
        else if (left >= RECORD_HEADER_BYTES)
            size = record_align(le_get_u32(bytes + whole + 8));
        if (size < RECORD_HEADER_BYTES || size > HELD_BYTES_MAX)
            size = left; // no record stands here
        *ret_wanted = size;
        if (size > left)
            break;
        whole += size;
    }
    return whole;
}

/* Reads so many bytes, keeps those that are whole records, and says how many the next one needs. */
static enum rill_err read_some(struct rill_backup *backup, size_t wanted, size_t *ret_wanted)
{
    struct rill_buf *held = &backup->held;
    size_t got = 0;
    RILL_ASSERT(held->len == 0);
    enum rill_err err = rill_buf_reserve(held, wanted);
    if (!err)
        err = io_read_all(backup->open, held->data, wanted, backup->offset, &got);
    if (err)
        return err;
    // A segment that was made anew meanwhile has less than was said.
    backup->at_end = got < wanted || backup->offset + got == current(backup)->bytes;
    held->len = backup->at_end ? got : whole_records(held->data, got, backup->offset, ret_wanted);
    backup->offset += held->len;
    return RILL_OK;
}

static enum rill_err read_more(struct rill_backup *backup)
{
    const uint64_t left = current(backup)->bytes - backup->offset;
    size_t wanted = READ_BYTES;
    enum rill_err err = RILL_OK;
    while (!err && !backup->held.len && !backup->at_end)
        err = read_some(backup, wanted < left ? wanted : (size_t)left, &wanted);
    return err;
}

static enum rill_err begin_file(struct rill_backup *backup, struct rill_buf *out)
{
    uint8_t number[8];
    char *path = io_path(backup->folder, current(backup)->name);
    enum rill_err err = backup->disk->ops->open(backup->disk, path, RILL_DISK_READ, &backup->open);
    free(path);
    if (err)
        return err;
    backup->offset = 0;
    backup->at_end = current(backup)->bytes == 0;
    le_put_u64(number, segment_number_of(current(backup)->name, ".seg"));
    return put_block(backup, BACKUP_FILE, rill_bytes_of(number, sizeof number), out);
}

static void end_file(struct rill_backup *backup)
{
    backup->disk->ops->close(backup->open);
    backup->open = NULL;
    backup->file++;
}

/* One thing that is next. */
static enum rill_err step(struct rill_backup *backup, struct rill_buf *out)
{
    if (!backup->begun)
        return put_header(backup, out);
    if (backup->file == backup->file_count)
        return put_end(backup, out);
    if (!backup->open)
        return begin_file(backup, out);
    if (backup->held.len)
        return put_data(backup, out);
    if (!backup->at_end)
        return read_more(backup);
    end_file(backup);
    return RILL_OK;
}

enum rill_err rill_backup_read(struct rill_backup *backup, size_t wanted, struct rill_buf *out,
                               struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    while (!err && !backup->done && out->len < wanted)
        err = step(backup, out);
    if (err)
        rill_error_text_set(why, "%s: %s",
                            backup->file < backup->file_count ? current(backup)->name : backup->folder,
                            rill_err_text(err));
    return err;
}
