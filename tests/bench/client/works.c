// SPDX-License-Identifier: Apache-2.0
#include "works.h"

#include <stdio.h>
#include <time.h>

bool side_failed(const char *library, const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", library, what, why);
    return false;
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool finish(const struct side *side, const struct work *work, struct client *client, double begin_s,
                   bool holds, double *ret_per_s)
{
    *ret_per_s = work->messages / (now_s() - begin_s);
    side->close(client);
    return holds;
}

static bool times(int count, bool (*once)(struct client *), struct client *client)
{
    bool holds = true;
    for (int i = 0; i < count && holds; i++)
        holds = once(client);
    return holds;
}

bool work_publish(const struct side *side, const struct work *work, double *ret_per_s)
{
    struct client *client = side->open(work);
    const double begin_s = now_s();
    const bool holds = client && times(work->messages, side->publish, client) && side->flush(client);
    return finish(side, work, client, begin_s, holds, ret_per_s);
}

bool work_take(const struct side *side, const struct work *work, double *ret_per_s)
{
    struct client *client = side->open(work);
    bool holds = client && side->listen(client);
    const double begin_s = now_s();
    holds =
        holds && times(work->messages, side->publish, client) && times(work->messages, side->take, client);
    return finish(side, work, client, begin_s, holds, ret_per_s);
}

bool work_callback(const struct side *side, const struct work *work, double *ret_per_s)
{
    struct client *client = side->open(work);
    int counted = 0;
    bool holds = client && side->listen_counting(client);
    const double begin_s = now_s();
    holds = holds && times(work->messages, side->publish, client) && side->flush(client) &&
            side->drain(client, &counted) &&
            (counted == work->messages || side_failed(side->name, "callback", "some are missing"));
    return finish(side, work, client, begin_s, holds, ret_per_s);
}

bool work_request(const struct side *side, const struct work *work, double *ret_per_s)
{
    struct client *client = side->open(work);
    bool holds = client && side->listen_answering(client);
    const double begin_s = now_s();
    for (int i = 0; i < work->messages && holds; i++) {
        const double asked_s = now_s();
        holds = side->request(client);
        work->samples[i] = (now_s() - asked_s) * 1e6;
    }
    return finish(side, work, client, begin_s, holds, ret_per_s);
}

bool work_stream_publish(const struct side *side, const struct work *work, double *ret_per_s)
{
    struct client *client = side->open(work);
    bool holds = client && side->stream_open(client);
    const double begin_s = now_s();
    holds = holds && times(work->messages, side->store, client) && side->store_wait(client);
    const double end_s = now_s();
    if (client)
        side->stream_close(client);
    // What it takes to delete the stream is not counted.
    return finish(side, work, client, begin_s + (now_s() - end_s), holds, ret_per_s);
}

static bool fetch_all(const struct side *side, const struct work *work, struct client *client)
{
    int left = work->messages;
    while (left > 0) {
        int count = 0;
        if (!side->fetch(client, &count))
            return false;
        if (!count)
            return side_failed(side->name, "fetch", "some are missing");
        left -= count;
    }
    return side->flush(client);
}

bool work_pull(const struct side *side, const struct work *work, double *ret_per_s)
{
    struct client *client = side->open(work);
    bool holds = client && side->stream_open(client) && times(work->messages, side->store, client) &&
                 side->store_wait(client) && side->consumer_open(client);
    const double begin_s = now_s();
    holds = holds && fetch_all(side, work, client);
    const double end_s = now_s();
    if (client)
        side->stream_close(client);
    return finish(side, work, client, begin_s + (now_s() - end_s), holds, ret_per_s);
}
