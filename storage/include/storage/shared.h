// SPDX-License-Identifier: Apache-2.0
//
// What the stores of one process share: how many files they keep open together, how much of their logs they keep in
// memory, and one lock for the folder that they all lie in. Ten thousand streams work with a thousand file
// descriptors this way.
//
// Made before the first store, destroyed after the last one; the stores that are given it in their options
// hold a pointer. Any thread may open and close stores with it; one thread, the loop, makes the other calls
// on all of them.
#pragma once

#include "storage/disk.h"

struct rill_store_shared;

/* Zero stands for the default in every number. */
struct rill_store_shared_options {
    uint64_t
        cache_bytes_max; // blocks in memory of all stores together; 64 MiB. What is not committed comes on top.
    size_t open_files_max; // tail files that stay open between commits; 256. Each running job has one more.
    size_t
        open_indexes_max; // indexes that stay connected to their files; 64. Three descriptors each, and two more from
                          // the first job on, which its jobs hand on.
    struct rill_disk *disk; // of `root`
    const char *root;       // <store>: its lock stands for those of all streams in it; NULL for none; copied
};

/* [blocking] Makes the root's folder when it is not there, and takes its lock. LOCKED when another process has it, or a
   store of a stream in it looks whether somebody has it just now; NO_SPACE, IO. */
enum rill_err rill_store_shared_create(const struct rill_store_shared_options *options,
                                       struct rill_store_shared **ret_shared,
                                       struct rill_error_text *why) RILL_MUST_CHECK;
/* No store may use it any more. NULL is fine. */
void rill_store_shared_destroy(struct rill_store_shared *shared);

struct rill_store_shared_state {
    size_t open_files; // tail files
    size_t open_indexes;
    uint64_t cache_bytes; // of blocks in memory
};

void rill_store_shared_state(struct rill_store_shared *shared, struct rill_store_shared_state *ret_state);

/* [blocking] As rill_store_delete(), for a stream in the root, whose store the caller has closed. */
enum rill_err rill_store_shared_delete(struct rill_store_shared *shared, struct rill_disk *disk,
                                       const char *folder, struct rill_error_text *why) RILL_MUST_CHECK;
