// SPDX-License-Identifier: Apache-2.0
#include "puller.h"

#include "base/assert.h"

#include <strings.h>

enum { GRACE_NS = 1000000000 }; // for a request's last words to arrive

void puller_init(struct puller *puller, const struct puller_config *config, int64_t now_ns)
{
    RILL_ASSERT(config->prefetch > 0 && config->heartbeat_ns > 0);
    RILL_ASSERT(config->heartbeat_ns <= config->expires_ns / 2);
    *puller = (struct puller){.config = *config, .silent_ns = RILL_NEVER_NS, .retry_ns = now_ns};
}

static void heard(struct puller *puller, int64_t now_ns)
{
    puller->silent_ns = puller->asked ? now_ns + 2 * puller->config.heartbeat_ns : RILL_NEVER_NS;
}

static void forget(struct puller *puller)
{
    puller->asked = 0;
    puller->silent_ns = RILL_NEVER_NS;
}

uint32_t puller_ask(struct puller *puller, int64_t now_ns)
{
    const uint64_t at_hand = puller->asked + puller->held;
    if (puller->ended || now_ns < puller->retry_ns || at_hand > puller->config.prefetch / 2)
        return 0;
    const uint32_t count = puller->config.prefetch - (uint32_t)at_hand;
    puller->asked += count;
    puller->expires_ns = now_ns + puller->config.expires_ns + GRACE_NS;
    heard(puller, now_ns);
    return count;
}

void puller_not_sent(struct puller *puller, uint32_t count, int64_t now_ns)
{
    RILL_ASSERT(count <= puller->asked);
    puller->asked -= count;
    puller->retry_ns = now_ns + puller->config.retry_ns;
    heard(puller, now_ns);
}

void puller_message(struct puller *puller, int64_t now_ns)
{
    puller->held++;
    if (puller->asked)
        puller->asked--;
    heard(puller, now_ns);
}

void puller_taken(struct puller *puller)
{
    if (puller->held)
        puller->held--;
}

static bool says(struct rill_bytes text, const char *word)
{
    const size_t len = strlen(word);
    return text.len >= len && strncasecmp((const char *)text.data, word, len) == 0;
}

/* A request has ended; without a number nothing is owed any more. */
static void request_ended(struct puller *puller, int64_t left, int64_t now_ns)
{
    const uint64_t rest = left < 0 ? puller->asked : (uint64_t)left;
    puller->asked -= rest < puller->asked ? rest : puller->asked;
    heard(puller, now_ns);
}

static void try_later(struct puller *puller, int64_t now_ns)
{
    forget(puller);
    puller->retry_ns = now_ns + puller->config.retry_ns;
}

static void conflict(struct puller *puller, struct rill_bytes text, int64_t left, int64_t now_ns)
{
    if (says(text, "Consumer Deleted"))
        puller->ended = RILL_ERR_NOT_FOUND;
    else if (says(text, "Consumer is push based") || says(text, "Exceeded MaxRequest"))
        puller->ended = RILL_ERR_INVALID;
    else if (says(text, "Batch Completed") || says(text, "Message Size Exceeds MaxBytes"))
        request_ended(puller, left, now_ns);
    else // another leader, a server that stops, too many waiting
        try_later(puller, now_ns);
}

void puller_status(struct puller *puller, uint32_t code, struct rill_bytes text, int64_t left, int64_t now_ns)
{
    switch (code) {
    case 100:
        heard(puller, now_ns);
        return;
    case 404:
    case 408:
        request_ended(puller, left, now_ns);
        return;
    case 409:
        conflict(puller, text, left, now_ns);
        return;
    case 400:
        puller->ended = RILL_ERR_INVALID;
        return;
    case 503:
        if (puller->config.ends_when_lost)
            puller->ended = RILL_ERR_DISCONNECTED;
        // fall through
    default:
        try_later(puller, now_ns);
    }
}

static void lost(struct puller *puller)
{
    forget(puller);
    if (puller->config.ends_when_lost && !puller->ended)
        puller->ended = RILL_ERR_DISCONNECTED;
}

void puller_link_up(struct puller *puller, int64_t now_ns)
{
    lost(puller);
    puller->retry_ns = now_ns;
}

void puller_tick(struct puller *puller, int64_t now_ns)
{
    if (now_ns >= puller->silent_ns)
        lost(puller);
    else if (puller->asked && now_ns >= puller->expires_ns)
        forget(puller);
}

int64_t puller_deadline_ns(const struct puller *puller)
{
    if (puller->ended)
        return RILL_NEVER_NS;
    if (!puller->asked)
        return puller->held ? RILL_NEVER_NS : puller->retry_ns;
    return puller->silent_ns < puller->expires_ns ? puller->silent_ns : puller->expires_ns;
}
