// SPDX-License-Identifier: Apache-2.0
//
// From the folder that somebody names to the streams in it.
#pragma once

#include "request.h"

/* Returns an exit code of tool.h. */
typedef int stream_act_fn(const struct request *request, const char *folder);

/* Acts on the stream whose folder this is, or on every stream below it, with its lock held unless the request is live
   or takes it itself.
   The worst exit code. */
int streams_each(const struct request *request, stream_act_fn *act);
/* Says why something could not be done, and a hint when the stream is in use. TOOL_FAILED. */
int streams_fail(const struct request *request, const char *folder, enum rill_err err, const char *why);
/* Has the folder segments? */
bool streams_is_stream(const struct request *request);
