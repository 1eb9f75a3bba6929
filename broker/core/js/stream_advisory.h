// SPDX-License-Identifier: Apache-2.0
//
// What is told, unasked, about streams: one JSON message on a subject of its own, made only when somebody listens, after
// what it tells of is durable. Loop thread only. A stream may be among the listeners, this one too.
#pragma once

#include "stream.h"

enum stream_action {
    STREAM_ACTION_CREATED,
    STREAM_ACTION_UPDATED,
    STREAM_ACTION_DELETED,
};

/* At $JS.EVENT.ADVISORY.STREAM.CREATED.<stream>, UPDATED and DELETED. */
void stream_advise(const struct stream *stream, enum stream_action action);

/* What is told of a snapshot or a restore. */
struct stream_transfer {
    enum stream_transfer_kind {
        STREAM_SNAPSHOT_CREATE,
        STREAM_SNAPSHOT_COMPLETE,
        STREAM_RESTORE_CREATE,
        STREAM_RESTORE_COMPLETE,
    } kind;
    uint64_t segments; // of SNAPSHOT_CREATE; so the next
    uint64_t segment_bytes;
    int64_t start_wall_ns; // of the COMPLETE ones
    uint64_t bytes;        // of RESTORE_COMPLETE
};
/* At $JS.EVENT.ADVISORY.STREAM.SNAPSHOT_CREATE.<stream> and so on. */
void stream_advise_transfer(struct jetstream *js, const char *stream_name,
                            const struct stream_transfer *transfer);

/* At $JS.EVENT.ADVISORY.SERVER.OUT_OF_STORAGE. */
void stream_advise_no_space(const struct stream *stream);
