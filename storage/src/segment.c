// SPDX-License-Identifier: Apache-2.0
#include "segment.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io.h"
#include "le.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

static const char segment_magic[8] = "RILLSEG\n";

static_assert(SEGMENT_FIRST_OFFSET % RECORD_ALIGN == 0, "V4");
static_assert(SEGMENT_COPY_OFFSET + SEGMENT_HEADER_BYTES <= SEGMENT_FIRST_OFFSET,
              "the copy ends before the log");

void segment_header_put(uint8_t at[SEGMENT_HEADER_BYTES], const struct segment_header *header)
{
    memcpy(at, segment_magic, sizeof segment_magic);
    le_put_u32(at + 8, header->version ? header->version : SEGMENT_VERSION);
    le_put_u32(at + 12, header->rewritten ? header->rewritten : SEGMENT_FIRST_OFFSET);
    memcpy(at + 16, header->identity, sizeof header->identity);
    le_put_u64(at + 32, header->number);
    le_put_u64(at + 40, header->first_sequence);
    le_put_u64(at + 48, header->first_commit);
    le_put_u64(at + 56, XXH3_64bits_withSeed(at, 56, 0));
}

enum rill_err segment_header_get(const uint8_t at[SEGMENT_HEADER_BYTES], struct segment_header *ret)
{
    if (memcmp(at, segment_magic, sizeof segment_magic) != 0 ||
        le_get_u64(at + 56) != XXH3_64bits_withSeed(at, 56, 0))
        return RILL_ERR_DAMAGED;
    if (le_get_u32(at + 8) > SEGMENT_VERSION_PACKED)
        return RILL_ERR_UNSUPPORTED;
    const uint32_t version = le_get_u32(at + 8), twelve = le_get_u32(at + 12);
    const bool fits = version == SEGMENT_VERSION ? twelve == SEGMENT_FIRST_OFFSET : twelve > 0;
    if (version == 0 || !fits || le_get_u64(at + 32) == 0)
        return RILL_ERR_DAMAGED;
    ret->version = version;
    ret->rewritten = version == SEGMENT_VERSION ? 0 : twelve;
    memcpy(ret->identity, at + 16, sizeof ret->identity);
    ret->number = le_get_u64(at + 32);
    ret->first_sequence = le_get_u64(at + 40);
    ret->first_commit = le_get_u64(at + 48);
    return ret->first_sequence && ret->first_commit ? RILL_OK : RILL_ERR_DAMAGED;
}

uint64_t segment_seed(const uint8_t identity[RILL_STORE_IDENTITY_BYTES], uint64_t number)
{
    uint8_t place[RILL_STORE_IDENTITY_BYTES + 8];
    memcpy(place, identity, RILL_STORE_IDENTITY_BYTES);
    le_put_u64(place + RILL_STORE_IDENTITY_BYTES, number);
    return XXH3_64bits_withSeed(place, sizeof place, 0);
}

void segment_name(uint64_t number, const char *suffix, char ret_name[SEGMENT_NAME_BYTES])
{
    (void)snprintf(ret_name, SEGMENT_NAME_BYTES, "%016" PRIx64 "%s", number, suffix);
}

uint64_t segment_number_of(const char *name, const char *suffix)
{
    char expected[SEGMENT_NAME_BYTES];
    const uint64_t number = strtoull(name, NULL, 16);
    segment_name(number, suffix, expected);
    return strcmp(name, expected) == 0 ? number : 0;
}

static char *named_path(const char *folder, uint64_t number, const char *suffix)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, suffix, name);
    return io_path(folder, name);
}

char *segment_path(const char *folder, uint64_t number)
{
    return named_path(folder, number, ".seg");
}

char *spare_file_path(const char *folder, uint64_t number)
{
    return named_path(folder, number, SPARE_SUFFIX);
}

static void plan_put_commit(struct segment_plan *plan, int64_t time_ns, struct rill_bytes checkpoint)
{
    const struct segment_header *header = &plan->header;
    const uint64_t seed = segment_seed(header->identity, header->number) + SEGMENT_FIRST_OFFSET;
    const struct record_commit commit = {
        .number = header->first_commit,
        .sequence = header->first_sequence - 1,
        .time_ns = time_ns,
        .bytes = (uint32_t)plan->commit.len,
        .record_count = plan->floor > 1 ? 2 : 1,
    };
    const size_t end = RECORD_COMMIT_BYTES + record_body_size(checkpoint.len);
    record_put_commit(plan->commit.data, seed, &commit);
    record_put_body(plan->commit.data + RECORD_COMMIT_BYTES, seed + RECORD_COMMIT_BYTES, RECORD_CHECKPOINT,
                    commit.sequence, time_ns, checkpoint);
    if (plan->floor > 1)
        record_put_purge(plan->commit.data + end, seed + end, commit.sequence, time_ns, plan->floor);
}

struct segment_plan *segment_plan_create(const struct segment_header *header, int64_t time_ns, uint64_t floor,
                                         struct rill_bytes checkpoint)
{
    RILL_ASSERT(header->number > 0 && header->first_sequence > 0);
    if (checkpoint.len > UINT32_MAX / 2)
        return NULL;
    const size_t len =
        RECORD_COMMIT_BYTES + record_body_size(checkpoint.len) + (floor > 1 ? RECORD_PURGE_BYTES : 0);
    struct segment_plan *plan = rill_alloc_zero(1, sizeof *plan);
    plan->floor = floor;
    plan->header = *header;
    segment_header_put(plan->pages, header);
    segment_header_put(plan->pages + SEGMENT_COPY_OFFSET, header);
    rill_buf_init(&plan->commit, len);
    if (rill_buf_reserve(&plan->commit, len)) {
        segment_plan_destroy(plan);
        return NULL;
    }
    plan->commit.len = len;
    plan_put_commit(plan, time_ns, checkpoint);
    return plan;
}

void segment_plan_destroy(struct segment_plan *plan)
{
    if (!plan)
        return;
    rill_buf_fini(&plan->commit);
    free(plan);
}

static enum rill_err new_file_fill(struct rill_disk_file *file, const struct segment_plan *plan,
                                   uint64_t reserve_bytes)
{
    const uint64_t end = segment_plan_end(plan);
    enum rill_err err = file->disk->ops->fallocate(file, reserve_bytes > end ? reserve_bytes : end);
    if (err && err != RILL_ERR_UNSUPPORTED)
        return err;
    struct iovec parts[] = {
        {(void *)(uintptr_t)plan->pages, sizeof plan->pages},
        {plan->commit.data, plan->commit.len},
    };
    return io_write_all(file, parts, 2, 0);
}

/* A spare is full of zeros, as one that is made here. Without it, or when it cannot be had, there is always that. */
static enum rill_err new_file_open(struct rill_disk *disk, const char *path, const char *spare,
                                   struct rill_disk_file **ret_file)
{
    if (spare && disk->ops->rename(disk, spare, path))
        (void)!disk->ops->unlink(disk, spare); // so does the next open
    else if (spare && !disk->ops->open(disk, path, RILL_DISK_WRITE, ret_file))
        return RILL_OK;
    return io_create(disk, path, ret_file);
}

/* Up to the sync a failure is one of a file without meaning, and says nothing about the log. */
static enum segment_outcome new_file_make(struct rill_disk *disk, const char *path, const char *spare,
                                          const struct segment_plan *plan, uint64_t reserve_bytes,
                                          struct rill_disk_file **ret_file, enum rill_err *ret_err)
{
    *ret_err = new_file_open(disk, path, spare, ret_file);
    if (*ret_err)
        return *ret_err == RILL_ERR_IO ? SEGMENT_FAILED : SEGMENT_REFUSED;
    *ret_err = new_file_fill(*ret_file, plan, reserve_bytes);
    const enum rill_err fill_err = *ret_err;
    if (!fill_err)
        *ret_err = disk->ops->fdatasync(*ret_file);
    if (!*ret_err)
        return SEGMENT_MADE;
    disk->ops->close(*ret_file);
    (void)disk->ops->unlink(disk, path); // else the next try, or the next open, removes it
    return fill_err == RILL_ERR_NO_SPACE ? SEGMENT_REFUSED : SEGMENT_FAILED;
}

/* A rename that fails for want of space has not happened; after any other failure nobody knows. */
static enum segment_outcome new_file_name(struct rill_disk *disk, const char *folder, const char *from,
                                          const char *to, enum rill_err *ret_err)
{
    *ret_err = disk->ops->rename(disk, from, to);
    if (*ret_err)
        return *ret_err == RILL_ERR_NO_SPACE ? SEGMENT_REFUSED : SEGMENT_FAILED;
    *ret_err = disk->ops->sync_folder(disk, folder);
    return *ret_err ? SEGMENT_FAILED : SEGMENT_MADE;
}

enum segment_outcome segment_make(struct rill_disk *disk, const char *folder, const struct segment_plan *plan,
                                  uint64_t spare, uint64_t reserve_bytes, struct rill_disk_file **ret_file,
                                  enum rill_err *ret_err, struct rill_error_text *why)
{
    char *new_path = named_path(folder, plan->header.number, ".new");
    char *spare_path = spare ? spare_file_path(folder, spare) : NULL;
    char *path = segment_path(folder, plan->header.number);
    struct rill_disk_file *file = NULL;
    enum segment_outcome outcome =
        new_file_make(disk, new_path, spare_path, plan, reserve_bytes, &file, ret_err);
    if (outcome == SEGMENT_MADE) {
        outcome = new_file_name(disk, folder, new_path, path, ret_err);
        if (outcome == SEGMENT_MADE)
            *ret_file = file;
        else
            disk->ops->close(file);
    }
    if (outcome != SEGMENT_MADE)
        rill_error_text_set(why, "make segment %" PRIu64 ": %s", plan->header.number,
                            rill_err_text(*ret_err));
    free(path);
    free(spare_path);
    free(new_path);
    return outcome;
}
