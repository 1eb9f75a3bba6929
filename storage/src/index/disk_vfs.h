// SPDX-License-Identifier: Apache-2.0
//
// SQLite's file layer over the disk seam, for every disk but the real one. What SQLite's connections to one database
// share lies here instead of in a file: the index of the write-ahead log on the heap, and the locks. So one of
// these serves one index and all its connections, on any threads; two of them must not open the same file.
#pragma once

#include "storage/disk.h"

#include <sqlite3.h>

struct disk_vfs;

/* Never registered with SQLite. NULL without memory. */
struct disk_vfs *disk_vfs_create(struct rill_disk *disk, const sqlite3_vfs *system);
/* Nothing on it may be open. NULL is fine. */
void disk_vfs_destroy(struct disk_vfs *vfs);
sqlite3_vfs *disk_vfs_base(struct disk_vfs *vfs);
