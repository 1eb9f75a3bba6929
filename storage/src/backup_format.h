// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a backup, see docs/STORAGE-FORMAT.md, "Backups". Little-endian.
//
//      header (32) │ block │ block │ …          a block:  kind (4) length (4) checksum (8) │ payload
#pragma once

#include "base/bytes.h"

enum {
    BACKUP_HEADER_BYTES = 32,
    BACKUP_HEAD_BYTES = 16, // of a block
    BACKUP_VERSION = 1,
};

#define BACKUP_MAGIC "RILLBAK\n"

enum backup_kind {
    BACKUP_FILE = 1, // a segment begins: its number (8)
    BACKUP_DATA = 2, // the next bytes of it
    BACKUP_END = 3,  // how many files (8) and bytes of data (8) there were
};

struct backup_header {
    uint32_t version;
    uint32_t flags;
    uint64_t last_sequence;
};

void backup_header_put(uint8_t at[BACKUP_HEADER_BYTES], const struct backup_header *header);
/* False when it is no such header, or a damaged one. */
bool backup_header_get(const uint8_t at[BACKUP_HEADER_BYTES], struct backup_header *ret);

/* A block's place is in its checksum: `number` counts from 1. */
uint64_t backup_checksum(uint64_t number, enum backup_kind kind, struct rill_bytes payload);
void backup_head_put(uint8_t at[BACKUP_HEAD_BYTES], uint64_t number, enum backup_kind kind,
                     struct rill_bytes payload);
