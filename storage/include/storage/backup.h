// SPDX-License-Identifier: Apache-2.0
//
// A stream as one row of bytes, to be kept elsewhere: what a snapshot names, file after file, in blocks with checksums
// (docs/STORAGE-FORMAT.md, "Backups"). A backup reads the files of a snapshot and gives the bytes; a restore takes the
// bytes and writes the files. Both go through a stream of any size with the memory of a few blocks.
//
// Blocking, so on a worker; one thread at a time. The snapshot keeps its files from being removed: it must live as long
// as the backup. While a backup reads, nothing may be overwritten in the files (no job of rill_store_tidy_start() runs).
#pragma once

#include "base/buf.h"
#include "storage/store.h"

struct rill_backup;
struct rill_restore;

enum {
    RILL_BACKUP_BLOCK_BYTES_MAX = 256 * 1024, // with its head
};

enum rill_backup_flags {
    RILL_BACKUP_WITHOUT_CONSUMERS = 1, // whoever restores it shall leave them out
};

/* Never NULL. `disk` and `folder` (copied) are the store's. */
struct rill_backup *rill_backup_open(struct rill_disk *disk, const char *folder,
                                     const struct rill_store_snapshot *snapshot, uint32_t flags);
/* Appends blocks to `out` until it has `wanted` bytes or the backup ends. `out` can grow by the size of a block above that.
   IO, NO_MEMORY; DENIED or LIMIT when a file cannot be opened. */
enum rill_err rill_backup_read(struct rill_backup *backup, size_t wanted, struct rill_buf *out,
                               struct rill_error_text *why) RILL_MUST_CHECK;
bool rill_backup_is_done(const struct rill_backup *backup);
/* NULL is fine. */
void rill_backup_close(struct rill_backup *backup);

/* Where a restore lies until it is whole: "<folder>.restoring", which nobody takes for a stream. On the heap. */
char *rill_restore_path(const char *folder);
/* Begins a restore in rill_restore_path(folder); what lies there from an earlier one is removed. The folders above are
   made. NO_SPACE, DENIED, IO. */
enum rill_err rill_restore_open(struct rill_disk *disk, const char *folder, struct rill_restore **ret_restore,
                                struct rill_error_text *why) RILL_MUST_CHECK;
/* The next bytes, as many as there happen to be. DAMAGED when it is no backup, or one that was changed; UNSUPPORTED when
   a newer version has made it; NO_SPACE, IO. */
enum rill_err rill_restore_write(struct rill_restore *restore, struct rill_bytes bytes,
                                 struct rill_error_text *why) RILL_MUST_CHECK;
/* There are no more. Everything is on the disk when this says OK. DAMAGED when it is not whole. */
enum rill_err rill_restore_finish(struct rill_restore *restore, struct rill_error_text *why) RILL_MUST_CHECK;
/* Of one that is finished: as the backup says. */
uint32_t rill_restore_flags(const struct rill_restore *restore);
/* Lets go of the files, and frees. NULL is fine. */
void rill_restore_close(struct rill_restore *restore);

/* What was finished becomes the folder, in one step. EXISTS when a stream is there; NOT_FOUND, IO. */
enum rill_err rill_restore_place(struct rill_disk *disk, const char *folder,
                                 struct rill_error_text *why) RILL_MUST_CHECK;
/* Removes what lies at rill_restore_path(folder); fine when there is nothing. */
enum rill_err rill_restore_discard(struct rill_disk *disk, const char *folder) RILL_MUST_CHECK;
/* Removes what restores left that a crash interrupted, in all accounts of a store. */
enum rill_err rill_restore_discard_all(struct rill_disk *disk, const char *store_folder) RILL_MUST_CHECK;
