// SPDX-License-Identifier: Apache-2.0
//
// A layer under SQLite that keeps a checksum in the last 8 bytes of each page of a database file, and refuses a
// page whose checksum is wrong. It stands on SQLite's own file layer of this system. Any other reader of the
// file takes these bytes as reserved and works as ever; one that writes makes the index "damaged".
#pragma once

#include <sqlite3.h>

enum { INDEX_PAGE_BYTES = 4096, INDEX_PAGE_RESERVED = 8 };

/* The name to give to sqlite3_open_v2(); registered with the first call. NULL when SQLite cannot. */
const char *index_vfs_name(void);
