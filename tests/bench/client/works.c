// SPDX-License-Identifier: Apache-2.0
#include "works.h"

#include <stdio.h>
#include <time.h>

bool side_failed(const char *library, const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", library, what, why);
    return false;
}

static double clock_s(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

/* What is measured begins, and ends. */
struct watch {
    double wall_s, cpu_s;
};

static struct watch watch_start(void)
{
    return (struct watch){now_s(), clock_s(CLOCK_PROCESS_CPUTIME_ID)};
}

static struct worked watch_stop(const struct watch *begun, const struct work *work)
{
    const struct watch now = watch_start();
    return (struct worked){work->messages / (now.wall_s - begun->wall_s),
                           (now.cpu_s - begun->cpu_s) / work->messages * 1e6};
}

static bool times(int count, bool (*once)(struct client *), struct client *client)
{
    bool holds = true;
    for (int i = 0; i < count && holds; i++)
        holds = once(client);
    return holds;
}

bool work_publish(const struct side *side, struct work *work, struct worked *ret)
{
    struct client *client = side->open(work);
    const struct watch watch = watch_start();
    const bool holds = client && times(work->messages, side->publish, client) && side->flush(client);
    *ret = watch_stop(&watch, work);
    side->close(client);
    return holds;
}

bool work_take(const struct side *side, struct work *work, struct worked *ret)
{
    struct client *client = side->open(work);
    bool holds = client && side->listen(client);
    const struct watch watch = watch_start();
    holds =
        holds && times(work->messages, side->publish, client) && times(work->messages, side->take, client);
    *ret = watch_stop(&watch, work);
    side->close(client);
    return holds;
}

bool work_callback(const struct side *side, struct work *work, struct worked *ret)
{
    struct client *client = side->open(work);
    bool holds = client && side->listen_counting(client);
    const struct watch watch = watch_start();
    holds = holds && times(work->messages, side->publish, client) && side->flush(client) &&
            side->drain(client) &&
            (atomic_load(&work->counted) == work->messages ||
             side_failed(side->name, "callback", "some are missing"));
    *ret = watch_stop(&watch, work);
    side->close(client);
    return holds;
}

bool work_request(const struct side *side, struct work *work, struct worked *ret)
{
    struct client *client = side->open(work);
    bool holds = client && side->listen_answering(client);
    const struct watch watch = watch_start();
    for (int i = 0; i < work->messages && holds; i++) {
        const double asked_s = now_s();
        holds = side->request(client);
        work->samples[i] = (now_s() - asked_s) * 1e6;
    }
    *ret = watch_stop(&watch, work);
    side->close(client);
    return holds;
}

bool work_stream_publish(const struct side *side, struct work *work, struct worked *ret)
{
    struct client *client = side->open(work);
    bool holds = client && side->stream_open(client);
    const struct watch watch = watch_start();
    holds = holds && times(work->messages, side->store, client) && side->store_wait(client);
    *ret = watch_stop(&watch, work);
    if (client)
        side->stream_close(client);
    side->close(client);
    return holds;
}

static bool fetch_all(const struct side *side, const struct work *work, struct client *client)
{
    int left = work->messages;
    while (left > 0) {
        int count = 0;
        if (!side->fetch(client, left < FETCH_MSGS ? left : FETCH_MSGS, &count))
            return false;
        if (!count)
            return side_failed(side->name, "fetch", "some are missing");
        left -= count;
    }
    return side->flush(client);
}

bool work_pull(const struct side *side, struct work *work, struct worked *ret)
{
    struct client *client = side->open(work);
    bool holds = client && side->stream_open(client) && times(work->messages, side->store, client) &&
                 side->store_wait(client) && side->consumer_open(client);
    const struct watch watch = watch_start();
    holds = holds && fetch_all(side, work, client);
    *ret = watch_stop(&watch, work);
    if (client)
        side->stream_close(client);
    side->close(client);
    return holds;
}
