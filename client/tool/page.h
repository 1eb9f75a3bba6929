// SPDX-License-Identifier: Apache-2.0
//
// The server's monitoring pages.
#pragma once

#include "remote.h"

/* Gets a page such as "/varz" from `base` (remote_monitor_url()). *ret is the caller's. When it gives something other than
   TOOL_DONE the reason was told. */
enum tool_exit page_get(const struct call *call, const char *base, const char *path, json_t **ret);

/* The same for a command that needs one page only. */
enum tool_exit page_get_one(const struct call *call, const char *path, json_t **ret);

/* --monitor */
extern const struct parameter page_options[];
