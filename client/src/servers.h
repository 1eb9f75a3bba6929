// SPDX-License-Identifier: Apache-2.0
//
// The servers that a connection may use: those that the user named and those that servers have told of. They
// are tried in turn; a round is one try of each. Pure; guarded by the connection's lock.
#pragma once

#include "base/random.h"
#include "url.h"

enum { SERVERS_MAX = 256 };

struct server {
    struct url url;
    bool discovered;
    uint32_t denials; // times in a row that it refused our credentials
};

struct servers {
    struct server *list; // heap
    size_t count;
    size_t current; // index
    size_t tried;   // of this round, the current one included
};

/* Takes a comma-separated list. INVALID with a reason, LIMIT above SERVERS_MAX. */
enum rill_err servers_init(struct servers *servers, struct rill_bytes urls,
                           struct rill_error_text *why) RILL_MUST_CHECK;
/* Overwrites the secrets. */
void servers_fini(struct servers *servers);

/* Changes the order by chance. */
void servers_shuffle(struct servers *servers, struct rill_random *random);

/* Adds the server if it is new; "host:port" as INFO has them. True when it was. The secrets of the server in
   use go with it, as nothing else is known. */
bool servers_discover(struct servers *servers, struct rill_bytes address);

static inline struct server *servers_current(struct servers *servers)
{
    return &servers->list[servers->current];
}

/* On to the next. False when the round is over: then a new one begins with that server. */
bool servers_advance(struct servers *servers);

/* A new round begins behind the current one, as it has just been lost. */
void servers_begin_round(struct servers *servers);

/* Did every server refuse us twice or more in a row? */
bool servers_all_deny(const struct servers *servers);
