// SPDX-License-Identifier: Apache-2.0
//
// Blocks of the log on their way into memory. Loop thread only.
#pragma once

#include "stream.h"

/* Has the job done. When it is back, everything that waits at the stream is tried again; when it failed, what was asked
   is answered with an error and the rest tries a second later. */
void stream_load(struct stream *stream, struct rill_store_job *store_job);
