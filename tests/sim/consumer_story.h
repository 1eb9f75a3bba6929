// SPDX-License-Identifier: Apache-2.0
//
// Stories about a consumer W of a stream S with the subjects ev.>
#pragma once

#include "story.h"

/* Both are there; `config` holds fields of the consumer's configuration besides its durable_name. */
void consumer_story_begin(struct story *story, const char *config);
/* A request for messages, whose inbox is "pull"; returns what was heard. */
const char *story_pull(struct story *story, const char *body);
/* Writes into the format's only %s the time that is so many seconds ahead. */
void consumer_story_time(struct story *story, int64_t seconds, char *to, size_t size, const char *format);
