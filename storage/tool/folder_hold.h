// SPDX-License-Identifier: Apache-2.0
//
// Keeps a broker out of a stream's folder while somebody looks at it, without writing to the folder: a shared lock on
// the lock file, if there is one. Several lookers may hold it at once. (The store's own lock is exclusive and makes
// the file.) Without a lock file nobody ever opened the stream, or it is a copy.
#pragma once

#include "base/err.h"

/* *ret_fd is -1 when there is nothing to hold. LOCKED when a broker has the stream; DENIED, IO. */
enum rill_err folder_hold(const char *folder, int *ret_fd) RILL_MUST_CHECK;
void folder_release(int fd);
