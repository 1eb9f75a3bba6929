// SPDX-License-Identifier: Apache-2.0
//
// A spare: the file of the next segment, made ahead. Every byte of it was written, as zero, and synced, which reserving room
// alone does not do: the sync of a commit that overwrites such bytes has no change of the file's map to write, and takes half
// as long. Writing the zeros takes as much from the disk as writing the messages does. So only a tail that fills fast, with
// commits that are small, gets a spare; large ones are bound by the disk's throughput.
//
// The file of a spent segment can become the spare: it has its room already.
//
// Nothing depends on a spare. One that cannot be made, or taken, is a file that is not there; what a crash leaves of it is
// removed by the next open (C15).
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"

#include <stdlib.h>

enum {
    SPARE_COMMIT_BYTES_MAX = 256 << 10, // on average
    SPARE_WRITE_BYTES = 512 << 10,      // at a time: commits are written meanwhile
};

/* A quarter of a segment in so long, so that a whole one is full, and its spare used, within a minute. */
#define SPARE_QUARTER_NS (15 * RILL_NS_PER_S)

static uint64_t spare_bytes(const struct rill_store *store)
{
    const uint64_t bytes = store->segment_bytes < SPARE_BYTES_MAX ? store->segment_bytes : SPARE_BYTES_MAX;
    return bytes / RILL_DISK_FILL_ALIGN * RILL_DISK_FILL_ALIGN;
}

void store_spare_look(struct rill_store *store)
{
    const struct log_mark *committed = &store->committed;
    struct spare *spare = &store->spare;
    if (spare->from_segment == committed->segment)
        return;
    spare->from_segment = committed->segment;
    spare->from_offset = committed->offset;
    spare->from_commit = committed->commit;
    spare->from_ns = committed->time_ns;
}

static bool fills_fast(const struct rill_store *store)
{
    const struct spare *spare = &store->spare;
    const struct log_mark *committed = &store->committed;
    if (spare->from_segment != committed->segment || spare->from_commit == committed->commit)
        return false;
    const uint64_t bytes = committed->offset - spare->from_offset;
    return bytes >= spare_bytes(store) / 4 && committed->time_ns - spare->from_ns <= SPARE_QUARTER_NS &&
           bytes / (committed->commit - spare->from_commit) <= SPARE_COMMIT_BYTES_MAX;
}

/* One try for each tail. */
static struct spare_job *spare_begin(struct rill_store *store)
{
    struct spare *spare = &store->spare;
    if (!store->keeps_spares || spare->number || spare->tried == store->committed.segment ||
        !fills_fast(store) || !shared_spare_take(store->member.shared))
        return NULL;
    spare->tried = store->committed.segment;
    struct spare_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct spare_job){
        .base = {.kind = JOB_SPARE, .disk = store->disk},
        .folder = store->folder,
        .number = store->next_segment,
        .bytes = spare_bytes(store),
    };
    return job;
}

struct rill_store_job *store_spare_start(struct rill_store *store)
{
    struct spare_job *job = spare_begin(store);
    return job ? &job->base : NULL;
}

/* A load that has opened the file must not find zeros in it. */
struct spare_job *store_spare_recycle(struct rill_store *store)
{
    return store->loads ? NULL : spare_begin(store);
}

void store_spare_finish(struct rill_store *store, struct spare_job *job)
{
    RILL_ASSERT(!store->spare.number);
    if (job->made)
        store->spare.number = job->number;
    else
        shared_spare_give(store->member.shared);
    free(job);
}

uint64_t store_spare_take(struct rill_store *store)
{
    const uint64_t number = store->spare.number;
    if (number)
        shared_spare_give(store->member.shared);
    store->spare.number = 0;
    return number;
}

/* The next open removes it, too. */
static void file_drop(struct rill_disk *disk, const char *folder, uint64_t number)
{
    char *path = spare_file_path(folder, number);
    (void)!disk->ops->unlink(disk, path);
    free(path);
}

void store_spare_drop(struct rill_store *store)
{
    const uint64_t number = store_spare_take(store);
    if (!number || store->read_only)
        return;
    file_drop(store->disk, store->folder, number);
}

// ---- the job ----

static enum rill_err write_zeros(struct rill_disk_file *file, uint8_t *zeros, uint64_t bytes)
{
    enum rill_err err = RILL_OK;
    for (uint64_t at = 0; !err && at < bytes; at += SPARE_WRITE_BYTES) {
        struct iovec part = {zeros, bytes - at < SPARE_WRITE_BYTES ? bytes - at : SPARE_WRITE_BYTES};
        size_t written;
        err = file->disk->ops->pwritev(file, &part, 1, at, &written);
        if (!err && written < part.iov_len)
            err = RILL_ERR_NO_SPACE; // where it would go on is not aligned
    }
    return err;
}

static enum rill_err fill(struct rill_disk_file *file, uint64_t bytes)
{
    const struct rill_disk_ops *ops = file->disk->ops;
    uint64_t size = 0;
    enum rill_err err = ops->size(file, &size);
    if (!err && size > bytes)
        err = ops->truncate(file, bytes);
    if (!err)
        err = ops->fallocate(file, bytes); // on a disk that cannot reserve room nothing is gained
    if (err)
        return err;
    uint8_t *zeros = rill_alloc_zero(SPARE_WRITE_BYTES + RILL_DISK_FILL_ALIGN, 1);
    err = write_zeros(file, zeros + RILL_DISK_FILL_ALIGN - (uintptr_t)zeros % RILL_DISK_FILL_ALIGN, bytes);
    free(zeros);
    return err ? err : ops->fdatasync(file);
}

void spare_job_drop(const struct spare_job *job)
{
    file_drop(job->base.disk, job->folder, job->number);
}

void spare_job_run(struct spare_job *job)
{
    struct rill_disk *disk = job->base.disk;
    char *path = spare_file_path(job->folder, job->number);
    struct rill_disk_file *file;
    enum rill_err err = disk->ops->open(disk, path, RILL_DISK_FILL, &file);
    if (!err) {
        err = fill(file, job->bytes);
        disk->ops->close(file);
    }
    job->made = !err;
    if (err)
        spare_job_drop(job);
    free(path);
}

enum rill_err spare_job_take(struct spare_job *job, uint64_t segment)
{
    char *from = segment_path(job->folder, segment), *to = spare_file_path(job->folder, job->number);
    const enum rill_err err = job->base.disk->ops->rename(job->base.disk, from, to);
    free(from);
    free(to);
    return err;
}
