// SPDX-License-Identifier: Apache-2.0
#include "salvage_log.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "folder.h"
#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    COMMIT_BYTES_AIM = 1 << 20,
    COMMIT_BYTES_MAX = 1 << 30,
};

struct salvage_log {
    struct rill_disk *disk;
    char *folder;                 // its name in the end
    char *part;                   // its name until then
    struct segment_header header; // of the segment that is written
    struct rill_disk_file *file;
    uint64_t seed;
    uint64_t offset;        // of the open commit
    struct rill_buf commit; // with room for its record in front
    uint32_t head_bytes;    // of that
    uint32_t record_count;
    uint32_t message_count;
    uint64_t commit_number;  // of the last one written
    uint64_t first_sequence; // the open commit's: that of the last message before it
    uint64_t last_sequence;
    int64_t time_ns;
    uint64_t floor; // what the purges say; a segment begins with it (R1)
    bool finished;
};

// ---- segments ----

static enum rill_err begin_segment(struct salvage_log *log, struct rill_bytes checkpoint,
                                   struct rill_error_text *why)
{
    log->header.number++;
    log->header.first_sequence = log->last_sequence + 1;
    log->header.first_commit = log->commit_number + 1;
    struct segment_plan *plan = segment_plan_create(&log->header, log->time_ns, log->floor, checkpoint);
    enum rill_err err = RILL_ERR_NO_MEMORY;
    if (!plan)
        return err;
    if (segment_make(log->disk, log->part, plan, 0, 0, &log->file, &err, why) == SEGMENT_MADE) {
        err = RILL_OK;
        log->seed = segment_seed(log->header.identity, log->header.number);
        log->offset = segment_plan_end(plan);
        log->commit_number++;
    }
    segment_plan_destroy(plan);
    return err;
}

static enum rill_err end_segment(struct salvage_log *log)
{
    const enum rill_err err = log->disk->ops->fdatasync(log->file);
    log->disk->ops->close(log->file);
    log->file = NULL;
    return err;
}

// ---- commits ----

static enum rill_err write_commit(struct salvage_log *log)
{
    const struct record_commit commit = {
        .number = log->commit_number + 1,
        .sequence = log->first_sequence,
        .time_ns = log->time_ns,
        .bytes = (uint32_t)log->commit.len,
        .record_count = log->record_count,
        .message_count = log->message_count,
        .head_bytes = log->head_bytes,
        .last = log->last_sequence,
    };
    RILL_ASSERT(log->head_bytes == RECORD_MERGED_BYTES ||
                log->first_sequence + log->message_count == log->last_sequence);
    record_put_commit(log->commit.data, log->seed + log->offset, &commit);
    struct iovec part = {log->commit.data, log->commit.len};
    const enum rill_err err = io_write_all(log->file, &part, 1, log->offset);
    if (err)
        return err;
    log->offset += log->commit.len;
    log->commit_number++;
    log->commit.len = 0;
    log->record_count = log->message_count = 0;
    log->first_sequence = log->last_sequence;
    return RILL_OK;
}

static enum rill_err flush(struct salvage_log *log)
{
    const bool open = log->record_count || log->last_sequence > log->first_sequence;
    return open ? write_commit(log) : RILL_OK;
}

/* Makes sure that a commit is open that a record may join which has `sequence` in front of it. */
static enum rill_err open_commit(struct salvage_log *log, uint64_t sequence)
{
    RILL_ASSERT(sequence >= log->last_sequence);
    enum rill_err err = RILL_OK;
    if (sequence > log->last_sequence || log->commit.len >= COMMIT_BYTES_AIM)
        err = flush(log);
    if (err)
        return err;
    if (sequence > log->last_sequence)
        log->first_sequence = log->last_sequence = sequence; // a gap (I9)
    if (log->commit.len == 0) {
        err = rill_buf_reserve(&log->commit, log->head_bytes);
        if (!err)
            log->commit.len = log->head_bytes;
    }
    return err;
}

static void put_message(struct salvage_log *log, uint8_t *at, uint64_t seed, const struct record *record)
{
    const struct rill_store_message message = {record->sequence, record->time_ns, record->subject,
                                               record->headers, record->body};
    record_put_message(at, seed, &message);
    log->message_count++;
    log->last_sequence = record->sequence;
}

enum rill_err salvage_log_leave_out(struct salvage_log *log, uint64_t last)
{
    RILL_ASSERT(log->head_bytes == RECORD_MERGED_BYTES);
    const enum rill_err err = open_commit(log, log->last_sequence);
    if (err)
        return err;
    log->last_sequence = last > log->last_sequence ? last : log->last_sequence;
    return RILL_OK;
}

static void put_erased(struct salvage_log *log, uint8_t *at, uint64_t seed, const struct record *record)
{
    record_put_erased(at, seed, record->sequence, record->size);
    log->message_count++;
    log->last_sequence = record->sequence;
}

static void note_floor(struct salvage_log *log, const struct record *purge)
{
    const uint64_t next = purge->sequence + 1, said = record_purge_of(purge);
    const uint64_t floor = said < next ? said : next;
    log->floor = floor > log->floor ? floor : log->floor;
}

enum rill_err salvage_log_add(struct salvage_log *log, const struct record *record)
{
    enum rill_err err = open_commit(log, record->sequence - record_is_numbered(record->type));
    if (!err)
        err = rill_buf_reserve(&log->commit, record->size);
    if (err)
        return err;
    uint8_t *at = log->commit.data + log->commit.len;
    const uint64_t seed = log->seed + log->offset + log->commit.len;
    if (record->type == RECORD_MESSAGE)
        put_message(log, at, seed, record);
    else if (record->type == RECORD_ERASED)
        put_erased(log, at, seed, record);
    else
        record_put_body(at, seed, record->type, record->sequence, record->time_ns, record->body);
    if (record->type == RECORD_PURGE)
        note_floor(log, record);
    log->time_ns = record->time_ns > log->time_ns ? record->time_ns : log->time_ns;
    log->commit.len += record->size;
    log->record_count++;
    return RILL_OK;
}

enum rill_err salvage_log_next_segment(struct salvage_log *log, const struct record *checkpoint)
{
    struct rill_error_text why;
    enum rill_err err = flush(log);
    if (!err)
        err = end_segment(log);
    if (err)
        return err;
    log->commit.len = 0;
    if (checkpoint->sequence > log->last_sequence)
        log->last_sequence = checkpoint->sequence; // a gap (I9)
    log->first_sequence = log->last_sequence;
    return begin_segment(log, checkpoint->body, &why);
}

// ---- the folder ----

static bool is_there(struct rill_disk *disk, const char *path)
{
    struct rill_disk_file *file;
    const enum rill_err err = disk->ops->open(disk, path, RILL_DISK_READ, &file);
    if (!err)
        disk->ops->close(file);
    return err != RILL_ERR_NOT_FOUND;
}

static enum rill_err make_folder(struct salvage_log *log, struct rill_error_text *why)
{
    if (is_there(log->disk, log->folder) || is_there(log->disk, log->part)) {
        rill_error_text_set(why, "%s is there already, and nothing is overwritten",
                            is_there(log->disk, log->folder) ? log->folder : log->part);
        return RILL_ERR_EXISTS;
    }
    const enum rill_err err = folder_make(log->disk, log->part);
    if (err)
        rill_error_text_set(why, "make %s: %s", log->part, rill_err_text(err));
    return err;
}

static char *part_path(const char *folder)
{
    struct rill_buf path;
    rill_buf_init(&path, SIZE_MAX / 2);
    const enum rill_err err = rill_buf_appendf(&path, "%s.part", folder);
    RILL_ASSERT(err == RILL_OK);
    char *text = rill_alloc_cstr(rill_buf_bytes(&path));
    rill_buf_fini(&path);
    return text;
}

/* A new identity: a segment of the damaged folder can never be taken for one of the new. */
static enum rill_err draw_identity(uint8_t identity[RILL_STORE_IDENTITY_BYTES])
{
    return getrandom(identity, RILL_STORE_IDENTITY_BYTES, 0) == RILL_STORE_IDENTITY_BYTES
               ? RILL_OK
               : rill_err_from_errno(errno);
}

enum rill_err salvage_log_create(struct rill_disk *disk, const char *folder, bool merged,
                                 struct rill_bytes checkpoint, struct salvage_log **ret_log,
                                 struct rill_error_text *why)
{
    struct salvage_log *log = rill_alloc_zero(1, sizeof *log);
    log->disk = disk;
    log->floor = 1;
    log->header.rewritten = merged;
    log->header.version = merged ? SEGMENT_VERSION_REWRITTEN : SEGMENT_VERSION;
    log->head_bytes = merged ? RECORD_MERGED_BYTES : RECORD_COMMIT_BYTES;
    struct rill_bytes name = rill_bytes_from_cstr(folder);
    while (name.len > 1 && name.data[name.len - 1] == '/')
        name.len--;
    log->folder = rill_alloc_cstr(name);
    log->part = part_path(log->folder);
    rill_buf_init(&log->commit, COMMIT_BYTES_MAX);
    enum rill_err err = make_folder(log, why);
    log->finished = err != RILL_OK; // then there is nothing of ours to remove
    if (!err)
        err = draw_identity(log->header.identity);
    if (!err)
        err = begin_segment(log, checkpoint, why);
    if (err)
        salvage_log_destroy(log);
    else
        *ret_log = log;
    return err;
}

enum rill_err salvage_log_finish(struct salvage_log *log, uint64_t last_sequence)
{
    struct rill_disk *disk = log->disk;
    const uint64_t last = last_sequence > log->last_sequence ? last_sequence : log->last_sequence;
    enum rill_err err = flush(log);
    if (!err)
        err = open_commit(log, last);
    if (!err)
        err = write_commit(log); // the seal
    if (!err)
        err = end_segment(log);
    if (!err)
        err = disk->ops->rename(disk, log->part, log->folder);
    if (err)
        return err;
    log->finished = true;
    char *parent = io_parent(log->folder);
    err = disk->ops->sync_folder(disk, parent);
    free(parent);
    return err;
}

void salvage_log_destroy(struct salvage_log *log)
{
    if (!log)
        return;
    if (log->file)
        log->disk->ops->close(log->file);
    if (!log->finished)
        (void)!folder_remove(log->disk, log->part);
    rill_buf_fini(&log->commit);
    free(log->part);
    free(log->folder);
    free(log);
}
