// SPDX-License-Identifier: Apache-2.0
#include "story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static void hear(struct story *story, struct rill_bytes bytes)
{
    cr_assert(lt(sz, story->heard_len + bytes.len + 1, sizeof story->heard));
    memcpy(story->heard + story->heard_len, bytes.data, bytes.len);
    story->heard_len += bytes.len;
    story->heard[story->heard_len] = 0;
}

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct story *story = context;
    if (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG)
        return;
    hear(story, RILL_BYTES("("));
    hear(story, command->subject);
    hear(story, RILL_BYTES("|"));
    hear(story, command->headers);
    hear(story, command->payload);
    hear(story, RILL_BYTES(")"));
}

void story_connect_only(struct story *story)
{
    story->client = sim_client_open(&story->sim, on_command, story);
    sim_client_sendf(story->client,
                     "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB in 1\r\nSUB pull 2\r\n");
}

void story_connect(struct story *story)
{
    story_connect_only(story);
    sim_core_settle(&story->sim);
}

void story_begin(struct story *story, const struct sim_options *options)
{
    *story = (struct story){.disk = sim_disk_create(1)};
    if (options)
        story->options = *options;
    story->options.seed = 1;
    story->options.calm = true;
    story->options.disk = story->disk;
    sim_core_start(&story->sim, &story->options);
    story_connect(story);
}

void story_restart(struct story *story)
{
    story->options.now = story->sim.now;
    sim_core_stop(&story->sim);
    sim_core_start(&story->sim, &story->options);
    story_connect(story);
}

void story_come_back(struct story *story, bool killed)
{
    story->options.now = story->sim.now;
    sim_core_crash(&story->sim);
    if (killed)
        sim_disk_restart_killed(story->disk);
    else
        sim_disk_restart(story->disk);
    sim_core_start(&story->sim, &story->options);
    story_connect(story);
}

void story_end(struct story *story)
{
    sim_core_stop(&story->sim);
    sim_disk_destroy(story->disk);
}

void story_listen(struct story *story, const char *subject)
{
    sim_client_sendf(story->client, "SUB %s %u\r\n", subject, 3 + story->listening++);
    sim_core_settle(&story->sim);
}

static void listen_anew(struct story *story)
{
    story->heard_len = 0;
    story->heard[0] = 0;
}

const char *story_say(struct story *story, const char *subject, const char *body)
{
    listen_anew(story);
    sim_client_publish(story->client, subject, "in", NULL, rill_bytes_from_cstr(body));
    sim_core_settle(&story->sim);
    return story->heard;
}

const char *story_say_with(struct story *story, const char *subject, const char *headers, const char *body)
{
    char block[512];
    listen_anew(story);
    (void)snprintf(block, sizeof block, "NATS/1.0\r\n%s\r\n\r\n", headers);
    sim_client_publish(story->client, subject, "in", block, rill_bytes_from_cstr(body));
    sim_core_settle(&story->sim);
    return story->heard;
}

const char *story_wait(struct story *story, int64_t ns)
{
    listen_anew(story);
    sim_core_advance(&story->sim, ns);
    return story->heard;
}

void story_tell(struct story *story, const struct story_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool absent = lines[i].answer[0] == '!';
        const char *heard = story_say(story, lines[i].subject, lines[i].body);
        const bool found = strstr(heard, lines[i].answer + absent) != NULL;
        cr_expect(found != absent, "line %zu: %s %s -> %s, expected %s", i, lines[i].subject, lines[i].body,
                  heard, lines[i].answer);
    }
}
