// SPDX-License-Identifier: Apache-2.0
#include "stage.h"

#include <stdio.h>
#include <string.h>

struct stage stage_open(int64_t timeout_ms)
{
    struct stage stage = {.conn = story_connect()};
    const struct rill_js_options options = {.struct_bytes = sizeof options, .timeout_ms = timeout_ms};
    cr_assert(eq(int, (int)rill_js_open(stage.conn, &options, &stage.js), RILL_OK));
    return stage;
}

void stage_close(struct stage *stage, int disconnects)
{
    cr_expect(eq(int, story_heard.counts[RILL_EVENT_DISCONNECTED], disconnects));
    rill_js_destroy(stage->js);
    story_end(stage->conn);
}

void stage_call_begin(struct stage_call *call, struct stage *stage, void *(*function)(void *), void *context)
{
    *call = (struct stage_call){.stage = stage, .context = context};
    cr_assert(eq(int, pthread_create(&call->thread, NULL, function, call), 0));
}

void stage_call_end(struct stage_call *call)
{
    cr_assert(eq(int, pthread_join(call->thread, NULL), 0));
    for (size_t i = 0; i < call->count; i++)
        rill_msg_unref(call->msgs[i]);
}

void stage_answers(const char *subject, const char *payload, const char *why)
{
    char text[128], reply[FAKE_WORD_BYTES];
    (void)snprintf(text, sizeof text, "PUB %s", subject);
    cr_assert(fake_hears(&story_server, text), "%s", why);
    cr_assert(fake_hears_word(&story_server, " ", reply), "%s", why);
    cr_assert(fake_answers(&story_server, reply, "", payload), "%s", why);
}

void stage_says(const char *sid, const char *subject, const char *reply, const char *headers,
                const char *payload)
{
    char text[512];
    const size_t header_bytes = strlen(headers);
    if (header_bytes)
        (void)snprintf(text, sizeof text, "HMSG %s %s %s %zu %zu\r\n%s%s\r\n", subject, sid, reply,
                       header_bytes, header_bytes + strlen(payload), headers, payload);
    else
        (void)snprintf(text, sizeof text, "MSG %s %s %s %zu\r\n%s\r\n", subject, sid, reply, strlen(payload),
                       payload);
    cr_assert(fake_say(&story_server, text));
}
