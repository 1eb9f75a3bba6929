// SPDX-License-Identifier: Apache-2.0
//
// A layer under SQLite that keeps a checksum in the last 8 bytes of each page of a database file, and refuses a
// page whose checksum is wrong. On the real disk it stands on SQLite's own file layer of this system, so that the
// sqlite3 shell can read the file meanwhile; on any other disk on disk_vfs.h. Any other reader of the file takes
// these bytes as reserved and works as ever; one that writes makes the index "damaged".
#pragma once

#include "storage/disk.h"

#include <sqlite3.h>

enum { INDEX_PAGE_BYTES = 4096, INDEX_PAGE_RESERVED = 8 };

struct index_vfs;

/* For the index at `path` and all its connections. NULL without memory. */
struct index_vfs *index_vfs_create(struct rill_disk *disk, const char *path);
/* All connections must have been closed. NULL is fine. */
void index_vfs_destroy(struct index_vfs *vfs);
struct rill_disk *index_vfs_disk(const struct index_vfs *vfs);
/* sqlite3_open_v2() on it; any thread. */
int index_vfs_connect(struct index_vfs *vfs, const char *path, int flags, sqlite3 **ret_sqlite);
