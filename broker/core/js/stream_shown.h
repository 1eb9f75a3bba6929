// SPDX-License-Identifier: Apache-2.0
//
// A stream's configuration as clients see it: with what nats-server adds to its metadata, the level of the API that the
// stream needs, the one that the server has, and the release that it behaves like. Nothing of that is in the log. Owned by the
// stream, made when it is first asked for; loop thread only.
#pragma once

#include "stream.h"

/* Lives until the stream's record changes. */
Rill__StreamConfig *stream_shown_config(const struct stream *stream);
/* The record has changed, or the stream ends. */
void stream_shown_forget(struct stream *stream);
/* Is it a key that servers add? */
bool stream_shown_is_added(const char *metadata_key);
