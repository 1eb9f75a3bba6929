// SPDX-License-Identifier: Apache-2.0
//
// Records are gathered into runs of about 128 KiB, runs into merged commits of about 1 MiB; a commit of the old file is
// never divided, because its number cannot be.
#include "rewrite_file.h"

#include "base/assert.h"
#include "io.h"
#include "le.h"
#include "pack.h"
#include "reader.h"

#include <stdlib.h>
#include <string.h>

enum { COMMIT_BYTES_AIM = 1 << 20, COMMIT_BYTES_LIMIT = INT32_MAX };

/* Records that may be packed together, as they would stand in the file but for their checksums. */
struct run {
    struct rill_buf bytes;
    struct record_packed counts; // what a packed record would say of them
    uint64_t last_message;       // 0: none yet
};

struct rewriter {
    const struct rewrite_plan *plan;
    struct log_reader reader;
    uint64_t read_commit;   // number of the last commit that was read, and so on
    uint64_t read_sequence; // that it covers
    uint8_t *unpacked;
    size_t unpacked_capacity;
    struct rill_disk_file *file;
    uint64_t offset; // where the open commit goes
    struct rill_buf commit;
    struct record_commit head; // of the open commit; 0 commits are in it when its number is 0
    struct run run;
    uint64_t messages;
    uint32_t rewritten;
};

// ---- writing ----

static enum rill_err write_all(struct rewriter *rewriter, const void *bytes, size_t len, uint64_t offset)
{
    struct iovec part = {(void *)(uintptr_t)bytes, len};
    return io_write_all(rewriter->file, &part, 1, offset);
}

static uint64_t seed_at_end(const struct rewriter *rewriter)
{
    return rewriter->reader.seed + rewriter->offset + rewriter->commit.len;
}

/* The records of the run, each for itself. */
static enum rill_err put_plain(struct rewriter *rewriter)
{
    const struct rill_buf *run = &rewriter->run.bytes;
    const size_t from = rewriter->commit.len;
    const enum rill_err err = rill_buf_append(&rewriter->commit, rill_buf_bytes(run));
    for (size_t at = 0; !err && at < run->len;) {
        uint8_t *record = rewriter->commit.data + from + at;
        record_seal(record, rewriter->reader.seed + rewriter->offset + from + at);
        at += record_view(record).size;
    }
    rewriter->head.record_count += rewriter->run.counts.record_count;
    return err;
}

/* *ret_done is false when packing them would not save enough. */
static enum rill_err put_packed(struct rewriter *rewriter, bool *ret_done)
{
    struct rill_buf *commit = &rewriter->commit;
    struct run *run = &rewriter->run;
    size_t size = 0;
    enum rill_err err = rill_buf_reserve(commit, pack_size_max(run->bytes.len));
    if (!err)
        err = pack_put(commit->data + commit->len, seed_at_end(rewriter), &run->counts,
                       rill_buf_bytes(&run->bytes), &size);
    *ret_done = !err && size;
    commit->len += size;
    rewriter->head.record_count += *ret_done;
    return err;
}

static enum rill_err end_run(struct rewriter *rewriter)
{
    struct run *run = &rewriter->run;
    bool packed = false;
    if (!run->bytes.len)
        return RILL_OK;
    enum rill_err err = rewriter->plan->pack ? put_packed(rewriter, &packed) : RILL_OK;
    if (!err && !packed)
        err = put_plain(rewriter);
    rewriter->head.message_count += run->counts.message_count;
    rewriter->messages += run->counts.message_count;
    run->bytes.len = 0;
    run->counts = (struct record_packed){.sequence = run->counts.last};
    run->last_message = 0;
    return err;
}

static enum rill_err end_commit(struct rewriter *rewriter)
{
    struct record_commit *head = &rewriter->head;
    if (!head->number)
        return RILL_OK;
    enum rill_err err = end_run(rewriter);
    if (err)
        return err;
    head->bytes = (uint32_t)rewriter->commit.len;
    record_put_commit(rewriter->commit.data, rewriter->reader.seed + rewriter->offset, head);
    err = write_all(rewriter, rewriter->commit.data, rewriter->commit.len, rewriter->offset);
    rewriter->offset += rewriter->commit.len;
    rewriter->commit.len = 0;
    *head = (struct record_commit){0};
    return err;
}

/* Takes a commit of the old file into the open one. */
static enum rill_err open_commit(struct rewriter *rewriter, const struct record_commit *commit)
{
    struct record_commit *head = &rewriter->head;
    if (head->number) {
        head->merged += (uint32_t)(commit->number - head->number);
    } else {
        *head = *commit;
        head->head_bytes = RECORD_MERGED_BYTES;
        head->record_count = head->message_count = 0;
        rewriter->run.counts = (struct record_packed){.sequence = commit->sequence, .last = commit->sequence};
        const enum rill_err err = rill_buf_reserve(&rewriter->commit, RECORD_MERGED_BYTES);
        if (err)
            return err;
        rewriter->commit.len = RECORD_MERGED_BYTES;
    }
    head->number = commit->number;
    head->last = commit->last;
    return RILL_OK;
}

// ---- records ----

static bool is_kept_removal(const struct rewrite_plan *plan, const struct record *record)
{
    const uint64_t sequence = record_delete_of(record).sequence;
    const bool is_here = sequence >= plan->first_sequence && sequence < plan->end_sequence;
    const bool is_needed = plan->keeps_erases && record->type == RECORD_ERASE;
    return !is_here && (is_needed || sequence >= plan->said_floor);
}

/* W1. */
static bool is_kept(const struct rewrite_plan *plan, const struct record *record)
{
    switch (record->type) {
    case RECORD_MESSAGE:
        return !rewrite_is_dead(plan, record->sequence);
    case RECORD_DELETE:
    case RECORD_ERASE:
        return is_kept_removal(plan, record);
    case RECORD_PURGE:
        return true;
    default:
        return false;
    }
}

static bool fits_run(const struct run *run, const struct record *record)
{
    const bool is_far = record->type == RECORD_MESSAGE && run->last_message &&
                        record->sequence - run->last_message > PACK_GAP_MAX;
    return run->bytes.len == 0 || (run->bytes.len + record->size <= PACK_BYTES_AIM && !is_far);
}

static enum rill_err keep(struct rewriter *rewriter, const struct record *record, const uint8_t *at)
{
    struct run *run = &rewriter->run;
    enum rill_err err = fits_run(run, record) ? RILL_OK : end_run(rewriter);
    if (!err)
        err = rill_buf_append(&run->bytes, rill_bytes_of(at, record->size));
    if (err)
        return err;
    le_put_u64(run->bytes.data + run->bytes.len - record->size, 0);
    run->counts.record_count++;
    run->counts.last = record->sequence;
    if (record->type == RECORD_MESSAGE) {
        run->counts.message_count++;
        run->last_message = record->sequence;
    }
    return RILL_OK;
}

/* W3: it must be of this segment, in order, and nothing that may not stand here. */
static enum rill_err take_record(struct rewriter *rewriter, const struct record *record, const uint8_t *at)
{
    const bool numbered = record_is_numbered(record->type);
    const struct rewrite_plan *plan = rewriter->plan;
    if (record->type == RECORD_COMMIT || record->type == RECORD_CHECKPOINT || record->type == RECORD_PACKED ||
        record->sequence < rewriter->read_sequence + numbered ||
        (numbered && (record->sequence < plan->first_sequence || record->sequence >= plan->end_sequence)))
        return RILL_ERR_DAMAGED;
    rewriter->read_sequence = record->sequence;
    return is_kept(plan, record) ? keep(rewriter, record, at) : RILL_OK;
}

static enum rill_err take_packed(struct rewriter *rewriter, const struct record *record)
{
    const struct record_packed packed = record_packed_of(record);
    enum rill_err err = pack_open_into(&packed, &rewriter->unpacked, &rewriter->unpacked_capacity);
    for (size_t at = 0; !err && at < packed.bytes;) {
        const struct record one = record_view(rewriter->unpacked + at);
        err = take_record(rewriter, &one, rewriter->unpacked + at);
        at += one.size;
    }
    return err;
}

/* V9, strictly. */
static enum rill_err take_records(struct rewriter *rewriter, const struct record_commit *commit,
                                  const uint8_t *bytes, uint64_t offset)
{
    size_t at = commit->head_bytes;
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < commit->record_count; i++) {
        struct record record;
        if (!record_get(bytes + at, commit->bytes - at, rewriter->reader.seed + offset + at, &record))
            return RILL_ERR_DAMAGED;
        err = record.type == RECORD_PACKED ? take_packed(rewriter, &record)
                                           : take_record(rewriter, &record, bytes + at);
        at += record.size;
    }
    if (!err && (at != commit->bytes || rewriter->read_sequence > commit->last))
        err = RILL_ERR_DAMAGED;
    rewriter->read_sequence = commit->last;
    return err;
}

// ---- commits ----

static enum rill_err get_commit(struct rewriter *rewriter, uint64_t offset, struct record_commit *ret,
                                const uint8_t **ret_bytes)
{
    struct log_reader *reader = &rewriter->reader;
    enum rill_err err = reader_commit_at(reader, offset, rewriter->read_commit, rewriter->read_sequence, ret);
    if (err)
        return err;
    if (record_commit_first(ret) != rewriter->read_commit + 1 || ret->sequence != rewriter->read_sequence ||
        ret->bytes > reader->size - offset)
        return RILL_ERR_DAMAGED;
    return reader_get(reader, offset, ret->bytes, ret_bytes);
}

/* Whatever stands behind the last commit, it must be nothing. */
static enum rill_err check_end(struct rewriter *rewriter, uint64_t offset)
{
    struct reader_search later;
    const enum rill_err err =
        reader_next_commit(&rewriter->reader, offset, rewriter->read_commit, rewriter->read_sequence, &later);
    return err ? err : later.found || later.used > offset ? RILL_ERR_DAMAGED : RILL_OK;
}

static enum rill_err take_commit(struct rewriter *rewriter, uint64_t *offset)
{
    struct record_commit commit;
    const uint8_t *bytes;
    enum rill_err err = get_commit(rewriter, *offset, &commit, &bytes);
    if (!err)
        err = open_commit(rewriter, &commit);
    if (!err)
        err = take_records(rewriter, &commit, bytes, *offset);
    if (err)
        return err;
    rewriter->read_commit = commit.number;
    *offset += commit.bytes;
    return rewriter->commit.len + rewriter->run.bytes.len < COMMIT_BYTES_AIM ? RILL_OK : end_commit(rewriter);
}

static enum rill_err take_commits(struct rewriter *rewriter, uint64_t offset)
{
    enum rill_err err = RILL_OK;
    while (!err)
        err = take_commit(rewriter, &offset);
    if (err != RILL_ERR_NOT_FOUND)
        return err;
    err = check_end(rewriter, offset);
    return err ? err : end_commit(rewriter);
}

// ---- the first commit, and the file ----

/* As it is, at the place where it is. Its records are only looked at. */
static enum rill_err copy_first(struct rewriter *rewriter, uint64_t *ret_end)
{
    struct record_commit commit;
    const uint8_t *bytes;
    enum rill_err err = get_commit(rewriter, SEGMENT_FIRST_OFFSET, &commit, &bytes);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    size_t at = commit.head_bytes;
    for (uint32_t i = 0; i < commit.record_count; i++) {
        struct record record;
        if (!record_get(bytes + at, commit.bytes - at, rewriter->reader.seed + SEGMENT_FIRST_OFFSET + at,
                        &record) ||
            (record.type != RECORD_CHECKPOINT && record.type != RECORD_PURGE))
            return RILL_ERR_DAMAGED;
        at += record.size;
    }
    if (at != commit.bytes || commit.message_count)
        return RILL_ERR_DAMAGED;
    rewriter->read_commit = commit.number;
    rewriter->offset = *ret_end = SEGMENT_FIRST_OFFSET + commit.bytes;
    return write_all(rewriter, bytes, commit.bytes, SEGMENT_FIRST_OFFSET);
}

static enum rill_err write_headers(struct rewriter *rewriter, struct segment_header *header)
{
    uint8_t pages[SEGMENT_FIRST_OFFSET] = {0};
    header->rewritten++;
    rewriter->rewritten = header->rewritten;
    header->version = rewriter->plan->pack ? SEGMENT_VERSION_PACKED : SEGMENT_VERSION_REWRITTEN;
    segment_header_put(pages, header);
    segment_header_put(pages + SEGMENT_COPY_OFFSET, header);
    return write_all(rewriter, pages, sizeof pages, 0);
}

static enum rill_err read_header(struct rewriter *rewriter, struct segment_header *ret)
{
    const uint8_t *at;
    const struct rewrite_plan *plan = rewriter->plan;
    if (rewriter->reader.size <= SEGMENT_FIRST_OFFSET)
        return RILL_ERR_DAMAGED;
    enum rill_err err = reader_get(&rewriter->reader, 0, SEGMENT_HEADER_BYTES, &at);
    if (!err)
        err = segment_header_get(at, ret);
    if (!err && (ret->number != plan->number || ret->first_sequence != plan->first_sequence ||
                 memcmp(ret->identity, plan->identity, sizeof plan->identity) != 0))
        err = RILL_ERR_DAMAGED;
    return err;
}

static enum rill_err rewrite(struct rewriter *rewriter)
{
    struct segment_header header;
    uint64_t end = 0;
    enum rill_err err = read_header(rewriter, &header);
    if (err)
        return err;
    rewriter->read_commit = header.first_commit - 1;
    rewriter->read_sequence = header.first_sequence - 1;
    err = write_headers(rewriter, &header);
    if (!err)
        err = copy_first(rewriter, &end);
    if (!err)
        err = take_commits(rewriter, end);
    return err ? err : rewriter->file->disk->ops->fdatasync(rewriter->file);
}

static enum rill_err make_file(struct rewriter *rewriter)
{
    const struct rewrite_plan *plan = rewriter->plan;
    struct rill_disk *disk = plan->disk;
    enum rill_err err = io_create(disk, plan->new_path, &rewriter->file);
    if (err)
        return err;
    err = rewrite(rewriter);
    if (rewriter->reader.unreadable) // zeros stand for what was not read: that is no damage
        err = RILL_ERR_IO;
    disk->ops->close(rewriter->file);
    if (err)
        (void)disk->ops->unlink(disk, plan->new_path); // else the next try, or the next open, removes it
    return err;
}

enum rill_err rewrite_file(const struct rewrite_plan *plan, struct rewrite_written *ret)
{
    struct rewriter rewriter = {.plan = plan};
    enum rill_err err = reader_open(&rewriter.reader, plan->disk, plan->path);
    if (err)
        return err;
    rewriter.reader.seed = segment_seed(plan->identity, plan->number);
    rill_buf_init(&rewriter.commit, COMMIT_BYTES_LIMIT);
    rill_buf_init(&rewriter.run.bytes, COMMIT_BYTES_LIMIT);
    err = make_file(&rewriter);
    *ret = (struct rewrite_written){rewriter.offset, rewriter.messages, rewriter.read_commit,
                                    rewriter.rewritten};
    rill_buf_fini(&rewriter.run.bytes);
    rill_buf_fini(&rewriter.commit);
    free(rewriter.unpacked);
    reader_close(&rewriter.reader);
    return err;
}
