// SPDX-License-Identifier: Apache-2.0
#include "servers.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

enum { DENIALS_MAX = 2 };

static bool knows(const struct servers *servers, const struct url *url)
{
    for (size_t i = 0; i < servers->count; i++)
        if (strcmp(servers->list[i].url.dial, url->dial) == 0)
            return true;
    return false;
}

static void add(struct servers *servers, const struct url *url, bool discovered)
{
    servers->list = rill_alloc_resize(servers->list, servers->count + 1, sizeof servers->list[0]);
    servers->list[servers->count++] = (struct server){.url = *url, .discovered = discovered};
}

static enum rill_err add_named(struct servers *servers, struct rill_bytes text, struct rill_error_text *why)
{
    struct url url;
    const enum rill_err err = url_parse(text, &url, why);
    if (err)
        return err;
    if (servers->count == SERVERS_MAX) {
        rill_error_text_set(why, "more than %d servers", SERVERS_MAX);
        return RILL_ERR_LIMIT;
    }
    if (!knows(servers, &url))
        add(servers, &url, false);
    explicit_bzero(&url, sizeof url);
    return RILL_OK;
}

enum rill_err servers_init(struct servers *servers, struct rill_bytes urls, struct rill_error_text *why)
{
    *servers = (struct servers){.tried = 1};
    struct rill_bytes rest = urls;
    while (rest.data) {
        const uint8_t *comma = rest.len ? memchr(rest.data, ',', rest.len) : NULL;
        const size_t len = comma ? (size_t)(comma - rest.data) : rest.len;
        const enum rill_err err = add_named(servers, rill_bytes_of(rest.data, len), why);
        if (err) {
            servers_fini(servers);
            return err;
        }
        rest = comma ? rill_bytes_of(comma + 1, rest.len - len - 1) : rill_bytes_of(NULL, 0);
    }
    if (servers->count)
        return RILL_OK;
    rill_error_text_set(why, "no server was named");
    return RILL_ERR_INVALID;
}

void servers_fini(struct servers *servers)
{
    if (servers->list)
        explicit_bzero(servers->list, servers->count * sizeof servers->list[0]);
    free(servers->list);
    *servers = (struct servers){0};
}

void servers_shuffle(struct servers *servers, struct rill_random *random)
{
    for (size_t i = servers->count; i > 1; i--) {
        const size_t other = rill_random_below(random, (uint32_t)i);
        const struct server moved = servers->list[i - 1];
        servers->list[i - 1] = servers->list[other];
        servers->list[other] = moved;
    }
}

bool servers_discover(struct servers *servers, struct rill_bytes address)
{
    struct url url;
    struct rill_error_text why;
    if (servers->count == SERVERS_MAX || url_parse(address, &url, &why) || knows(servers, &url))
        return false;
    const struct url *known = &servers_current(servers)->url;
    memcpy(url.user, known->user, sizeof url.user);
    memcpy(url.password, known->password, sizeof url.password);
    memcpy(url.token, known->token, sizeof url.token);
    add(servers, &url, true);
    explicit_bzero(&url, sizeof url);
    return true;
}

bool servers_advance(struct servers *servers)
{
    RILL_ASSERT(servers->count > 0);
    servers->current = (servers->current + 1) % servers->count;
    if (servers->tried < servers->count) {
        servers->tried++;
        return true;
    }
    servers->tried = 1;
    return false;
}

void servers_begin_round(struct servers *servers)
{
    RILL_ASSERT(servers->count > 0);
    servers->current = (servers->current + 1) % servers->count;
    servers->tried = 1;
}

bool servers_all_deny(const struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++)
        if (servers->list[i].denials < DENIALS_MAX)
            return false;
    return true;
}
