// SPDX-License-Identifier: Apache-2.0
//
// A stream's folder as a whole: making, cleaning. Blocking.
#pragma once

#include "storage/disk.h"

struct rill_store_shared;

/* Makes the folder and those above it. Fine when they are there. */
enum rill_err folder_make_names(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* The same, and makes the names of stream, account and store durable. */
enum rill_err folder_make(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* Removes the segments that were being made when the last owner ended (C2), and its spare (C15). Call with the lock held. */
enum rill_err folder_clean(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* Removes a folder and the files in it; fine when it is not there. */
enum rill_err folder_remove(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* Removes the folders whose names end so, in all accounts of a store. */
enum rill_err folder_remove_all(struct rill_disk *disk, const char *store_folder,
                                const char *suffix) RILL_MUST_CHECK;
/* "<path>.deleted", on the heap. */
char *folder_deleted_path(const char *path);
/* As rill_store_delete(); `shared` may be NULL. */
enum rill_err folder_delete(struct rill_disk *disk, const char *folder,
                            const struct rill_store_shared *shared,
                            struct rill_error_text *why) RILL_MUST_CHECK;
