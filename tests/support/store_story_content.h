// SPDX-License-Identifier: Apache-2.0
//
// What the records of a story are made of: for store_story.c and store_story_replay.c.
#pragma once

#include "store_story.h"

struct story_content {
    char subject[32];
    char headers[64];
    uint8_t payload[4096];
    struct rill_store_message message;
};

/* The content of a record is a function of its id. Every seventh has a large payload. */
void story_content_of(const struct story *story, uint64_t id, struct story_content *ret);
enum rill_store_event story_event_type_of(uint64_t id);
/* Is the message removed by the first `count` records? */
bool story_is_removed(const struct story *story, size_t count, uint64_t sequence);
