// SPDX-License-Identifier: Apache-2.0
//
// Whole reads and writes over the disk's partial ones, and paths.
#pragma once

#include "storage/disk.h"

/* Writes all parts. `parts` is used up. */
enum rill_err io_write_all(struct rill_disk_file *file, struct iovec *parts, size_t part_count,
                           uint64_t offset) RILL_MUST_CHECK;
/* Reads until `len` bytes or the end of the file. *ret_read is set on success. */
enum rill_err io_read_all(struct rill_disk_file *file, void *data, size_t len, uint64_t offset,
                          size_t *ret_read) RILL_MUST_CHECK;

/* Makes a file; one that a try before has left there goes. What is in the way, and cannot be removed, is the error. */
enum rill_err io_create(struct rill_disk *disk, const char *path,
                        struct rill_disk_file **ret_file) RILL_MUST_CHECK;

/* "folder/name", on the heap, never NULL. */
char *io_path(const char *folder, const char *name);
/* The folder that holds `path`, on the heap; "." when there is no slash. */
char *io_parent(const char *path);
