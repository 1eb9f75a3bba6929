// SPDX-License-Identifier: Apache-2.0
//
// Walks the records in a stretch of the log and finds its way behind damage: where no valid record stands, it
// searches in steps of 8 bytes for the next one. The checksum's seed makes a false find as good as
// impossible; a budget of hashed bytes bounds what a search may cost.
#pragma once

#include "record.h"

struct record_scan {
    const uint8_t *bytes;
    size_t len;
    uint64_t seed; // of bytes[0]
    size_t at;     // where the search goes on
    size_t budget; // bytes that may still be hashed in vain
    bool any_type; // also records of types that are not known
};

struct record_found {
    struct record record;
    size_t at;    // in the bytes
    bool damaged; // something that is not a record lies between this one and the one before
};

struct record_scan record_scan_of(const uint8_t *bytes, size_t len, uint64_t seed);

/* False at the end; then ret->damaged says whether the last bytes were no record. */
bool record_scan_next(struct record_scan *scan, struct record_found *ret);

/* Is the commit whole (V9)? Its record is valid and its bytes are all here. */
bool record_commit_is_whole(const uint8_t *bytes, uint64_t seed, const struct record_commit *commit);
