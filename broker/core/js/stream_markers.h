// SPDX-License-Identifier: Apache-2.0
//
// Markers: what a stream puts in the place of the last message of a subject that it removes by itself, when its configuration
// says for how long they stay (subject_delete_marker_ttl). Whoever watches the subject so hears that it is gone. A marker goes
// into the same commit as the removal; nothing marks the end of a marker, or of what a client has put in its place. Loop
// thread only.
#pragma once

#include "stream.h"

#define STREAM_MARKER_MAX_AGE "MaxAge"
#define STREAM_MARKER_REMOVE  "Remove"

struct stream_markers {
    struct stream_marker *first;
    struct stream_marker **last;
};

bool stream_markers_are_wanted(const struct stream *stream);
/* Is a message with these headers one, or a client's word that the subject has no value? */
bool stream_marker_is(struct rill_bytes headers);

void stream_markers_init(struct stream_markers *markers);
/* Notes one for the subject. */
void stream_markers_add(struct stream_markers *markers, struct rill_bytes subject);
/* Appends those that were noted, and frees them. */
void stream_markers_append(struct stream *stream, struct stream_markers *markers, const char *reason);
