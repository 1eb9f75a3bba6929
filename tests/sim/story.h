// SPDX-License-Identifier: Apache-2.0
//
// A story of the JetStream API: one client says something through the wire, and hears all that comes of it before it
// says the next thing. Calm, with a virtual clock and a simulated disk.
#pragma once

#include "sim_core.h"
#include "sim_disk.h"

struct story {
    struct rill_disk *disk;
    struct sim_core sim;
    struct sim_options options;
    struct sim_client *client; // listens to "in", to "pull", and to what story_listen names
    char heard[256 * 1024];    // since it said something: (subject|headers and payload) of each message
    size_t heard_len;
    uint32_t listening; // how often story_listen was called
};

/* `options` may be NULL; the disk and the seed are the story's. */
void story_begin(struct story *story, const struct sim_options *options);
/* For a broker that the caller started himself. */
void story_connect(struct story *story);
/* The same, without waiting for anything. */
void story_connect_only(struct story *story);
/* The broker stops and starts again; the client connects anew. */
void story_restart(struct story *story);
/* The power was gone, or the process alone was killed; the broker begins anew, and the client connects. */
void story_come_back(struct story *story, bool killed);
void story_end(struct story *story);

void story_listen(struct story *story, const char *subject);
/* Publishes with the reply "in" and returns what was heard until nothing more happens. */
const char *story_say(struct story *story, const char *subject, const char *body);
/* With headers: lines parted by CR LF, none at the end. */
const char *story_say_with(struct story *story, const char *subject, const char *headers, const char *body);
/* Lets time pass and returns what was heard meanwhile. */
const char *story_wait(struct story *story, int64_t ns);

struct story_line {
    const char *subject;
    const char *body;
    const char *answer; // a part of it; with a ! in front what must not be in it
};

/* Says each line and expects its answer. */
void story_tell(struct story *story, const struct story_line *lines, size_t count);
#define STORY_TELL(story, lines) story_tell(story, lines, sizeof(lines) / sizeof((lines)[0]))
