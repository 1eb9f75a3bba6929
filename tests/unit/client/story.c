// SPDX-License-Identifier: Apache-2.0
#include "story.h"

#include "wait.h"

#include <string.h>

struct fake_server story_server;
struct story_heard story_heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_event(struct rill_conn *conn, const struct rill_event *event, void *context)
{
    (void)conn;
    (void)context;
    (void)pthread_mutex_lock(&story_heard.lock);
    story_heard.counts[event->kind]++;
    if (event->error.err)
        story_heard.error = event->error;
    (void)pthread_cond_broadcast(&story_heard.changed);
    (void)pthread_mutex_unlock(&story_heard.lock);
}

bool story_happens(enum rill_event_kind kind, int times)
{
    const int64_t deadline_ns = wait_deadline_ns(STORY_DEADLINE_MS, 0);
    bool in_time = true;
    (void)pthread_mutex_lock(&story_heard.lock);
    while (story_heard.counts[kind] < times && in_time)
        in_time = wait_until(&story_heard.changed, &story_heard.lock, deadline_ns);
    const bool happened = story_heard.counts[kind] >= times;
    (void)pthread_mutex_unlock(&story_heard.lock);
    return happened;
}

struct rill_options story_options(void)
{
    (void)wait_cond_init(&story_heard.changed);
    fake_open(&story_server);
    return (struct rill_options){.struct_bytes = sizeof(struct rill_options),
                                 .retry_first = true,
                                 .timeout_ms = STORY_DEADLINE_MS,
                                 .reconnect_wait_ms = 1,
                                 .reconnect_wait_max_ms = 5,
                                 .reconnect_jitter_ms = 1,
                                 .on_event = on_event};
}

struct rill_conn *story_start(const struct rill_options *options)
{
    struct rill_conn *conn = NULL;
    cr_assert(eq(int, (int)rill_connect(&conn, story_server.url, options), RILL_OK));
    return conn;
}

struct rill_conn *story_connect(void)
{
    const struct rill_options options = story_options();
    struct rill_conn *conn = story_start(&options);
    cr_assert(fake_greet(&story_server));
    cr_assert(story_happens(RILL_EVENT_CONNECTED, 1));
    return conn;
}

void story_end(struct rill_conn *conn)
{
    rill_destroy(conn);
    fake_close(&story_server);
    cr_expect(story_happens(RILL_EVENT_CLOSED, 1), "the last event comes before the end of destroy");
}

bool story_next_is(struct rill_sub *sub, const char *text)
{
    struct rill_msg *msg = NULL;
    if (rill_next_msg(sub, STORY_DEADLINE_MS, &msg))
        return false;
    const bool same = strcmp(rill_msg_data(msg), text) == 0;
    rill_msg_unref(msg);
    return same;
}
