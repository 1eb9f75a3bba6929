// SPDX-License-Identifier: Apache-2.0
//
// A disk over another one that fails chosen calls. Calls are counted from 1; close() is not counted. With the
// same calls it fails in the same place, so a test can walk through all n. One thread at a time.
#pragma once

#include "storage/disk.h"

struct faulty_disk {
    struct rill_disk base; // hand out &disk->base
    struct rill_disk *below;
    const char *only;    // calls on paths that contain this count and fail; NULL: all do
    uint64_t calls;      // so far
    uint64_t fail_at;    // the first call that fails; 0 for none
    uint64_t fail_count; // and how many in a row
    enum rill_err err;   // with this
    bool half_written;   // a write that fails has written half of its bytes
    uint64_t write_max;  // a write or read transfers at most so many bytes; 0 for no limit
    uint64_t failed;     // calls that did
    uint64_t syncs;      // of files, so far; of those that `only` names
};

void faulty_disk_init(struct faulty_disk *disk, struct rill_disk *below);
