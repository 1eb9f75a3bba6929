// SPDX-License-Identifier: Apache-2.0
//
// Copies of files on any disk, as they are at the moment.
#pragma once

#include "storage/disk.h"

/* Makes `to`, which must not be there, of the first `bytes` of `from`; *ret_copied is less when there are not so
   many. Nothing is synced. */
enum rill_err disk_copy_file(struct rill_disk *disk, const char *from, const char *to, uint64_t bytes,
                             uint64_t *ret_copied) RILL_MUST_CHECK;
/* Makes the folder `to`, with the files of `from`. */
enum rill_err disk_copy_folder(struct rill_disk *disk, const char *from, const char *to) RILL_MUST_CHECK;
/* Removes a folder with its files. */
enum rill_err disk_remove_folder(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
