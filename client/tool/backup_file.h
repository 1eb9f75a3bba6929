// SPDX-License-Identifier: Apache-2.0
//
// A stream in one file, as `rill backup` writes it. What is in the chunks is the server's affair.
//
//     "RILL BACKUP 1\n"
//     one line of JSON       stream, taken, server, config, state
//     chunks                 each a length of 4 bytes and so many bytes
//     an end                 a length of 0, and 8 bytes: XXH3 of all bytes of the file before them
//
// Numbers are little-endian. A file without its end, or with another sum, is not whole and is not restored.
#pragma once

#include "base/buf.h"

#include <jansson.h>
#include <stdio.h>

enum { BACKUP_CHUNK_BYTES_MAX = 8 * 1024 * 1024 };

struct backup_file;

/* ---- writing ---- */

/* Writes beside the path; the file has its name when it is whole. `head` is borrowed. On failure errno says why. */
enum rill_err backup_file_create(const char *path, const json_t *head,
                                 struct backup_file **ret) RILL_MUST_CHECK;
enum rill_err backup_file_add(struct backup_file *file, struct rill_bytes chunk) RILL_MUST_CHECK;
/* Writes the end, lets it reach the disk, and gives the file its name. */
enum rill_err backup_file_finish(struct backup_file *file) RILL_MUST_CHECK;

/* ---- reading ---- */

/* Reads the whole file once and checks it, so that a damaged one is known before anything is done with it. *ret_head is
   the caller's. DAMAGED, with the reason. */
enum rill_err backup_file_open(const char *path, json_t **ret_head, struct backup_file **ret,
                               struct rill_error_text *why) RILL_MUST_CHECK;
/* The next chunk, which lives until the next call; empty at the end. */
enum rill_err backup_file_next(struct backup_file *file, struct rill_bytes *ret) RILL_MUST_CHECK;

/* Bytes of chunks in it. */
uint64_t backup_file_bytes(const struct backup_file *file);
/* What was written and not finished is removed. NULL is harmless. */
void backup_file_close(struct backup_file *file);
