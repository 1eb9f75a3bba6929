// SPDX-License-Identifier: Apache-2.0
//
// What a stream's configuration lets it keep. The store removes what is too much, in the commit that would exceed a limit;
// age is looked at when the oldest message comes of age. Loop thread only.
#pragma once

#include "stream.h"

struct rill_store_limits stream_limits_of(const Rill__StreamConfig *config);
/* The stream goes to work, or its configuration has changed. */
void stream_limits_apply(struct stream *stream);
/* Messages have come or gone. */
void stream_limits_watch(struct stream *stream);
/* A message was appended that lives so long. */
void stream_limits_note_ttl(struct stream *stream, int64_t ttl_ns);
/* Its bytes no longer count. */
void stream_limits_forget(struct stream *stream);
/* All streams of its kind take as much as the server allows them together. */
bool stream_limits_server_is_full(const struct stream *stream);
/* The deadline `age_due`. */
void stream_limits_due(struct stream *stream);
