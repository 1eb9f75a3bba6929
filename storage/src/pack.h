// SPDX-License-Identifier: Apache-2.0
//
// What is in a packed record, and putting records into one. Pure functions over bytes; docs/STORAGE-FORMAT.md,
// "Rewritten segments", has the layout and the condition V10.
//
//     packed record in the file          unpacked: records one behind the other, each with 0 for its checksum
//     ┌────────┬─────────────────┐       ┌─────────┬────────┬─────────┬────────┬─────────┐
//     │ fields │ one zstd frame  │ ────► │ message │ delete │ message │ purge  │ message │
//     └────────┴─────────────────┘       └─────────┴────────┴─────────┴────────┴─────────┘
#pragma once

#include "record.h"

enum { PACK_ZSTD = 1 }; // codec: one zstd frame

enum {
    PACK_BYTES_AIM = 128 * 1024, // unpacked
    PACK_BYTES_MAX = 1 << 30,
    PACK_GAP_MAX = 4096, // from one message in it to the next
};

/* Writes the records to `out`, which has room for packed->bytes. DAMAGED when it is not what it says (V10),
   UNSUPPORTED for a codec that is not known, NO_MEMORY. */
enum rill_err pack_open(const struct record_packed *packed, uint8_t *out) RILL_MUST_CHECK;
/* May so many bytes be allocated for it? Ask first. DAMAGED, UNSUPPORTED as above. */
enum rill_err pack_check(const struct record_packed *packed) RILL_MUST_CHECK;
/* Both, into memory of the caller's that grows: *buffer has *capacity bytes, from malloc. */
enum rill_err pack_open_into(const struct record_packed *packed, uint8_t **buffer,
                             size_t *capacity) RILL_MUST_CHECK;

/* How many bytes a packed record takes at most for so many of records. */
size_t pack_size_max(size_t bytes);
/* Packs `run`: whole records with zeros for their checksums. The counts and sequences in `packed` are given; bytes, codec
   and run are set. `at` has room for pack_size_max(). *ret_size is what the record takes; 0 when it does not save enough to
   be worth the work of unpacking. NO_MEMORY. */
enum rill_err pack_put(uint8_t *at, uint64_t seed, struct record_packed *packed, struct rill_bytes run,
                       size_t *ret_size) RILL_MUST_CHECK;
