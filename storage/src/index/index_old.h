// SPDX-License-Identifier: Apache-2.0
//
// The file of an index that is made anew, set aside as `index.db-old` until the new one has its ids (ids_taken.h). What is
// in it was synced with its write-ahead log, so both go, the log first:
//
//     index.db      index.db-wal
//     index.db      index.db-old-wal       a crash here: index_old_settle() goes on
//     index.db-old  index.db-old-wal
//     index.db-old                         it is removed in the other order: without the log it is older, and sound
//
// As long as it is there, the index beside it has only ids, and perhaps not all.
#pragma once

#include "storage/disk.h"

/* Owned by the caller. */
char *index_old_path(const char *path);
bool index_old_is_there(struct rill_disk *disk, const char *path);
/* With one there already, what is at `path` is removed. */
enum rill_err index_old_set_aside(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* After a crash. */
enum rill_err index_old_settle(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
enum rill_err index_old_remove(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
