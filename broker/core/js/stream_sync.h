// SPDX-License-Identifier: Apache-2.0
//
// With a sync interval: a stream's commits are only written, and what was written is made durable when the interval is over
// since the first of it. Without, there is nothing to do here. Loop thread only.
#pragma once

struct stream;

/* A commit has come back. */
void stream_sync_watch(struct stream *stream);
/* The interval is over. */
void stream_sync_due(struct stream *stream);
