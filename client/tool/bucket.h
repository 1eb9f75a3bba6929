// SPDX-License-Identifier: Apache-2.0
//
// Buckets of keys and of objects are streams with a prefix in their names; what can be said of both alike.
#pragma once

#include "remote.h"

/* Lists the streams whose names begin so, with the rest of the name as "bucket"; or their names only. */
enum tool_exit bucket_ls(struct remote *remote, const char *prefix);
/* Shows the one of that name. */
enum tool_exit bucket_info(struct remote *remote, const char *prefix, const char *bucket);
/* Removes it with all that is in it. */
enum tool_exit bucket_rm(struct remote *remote, const char *prefix, const char *bucket);
/* What --storage says. */
Rill__Storage bucket_storage(const struct call *call);
