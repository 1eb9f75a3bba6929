// SPDX-License-Identifier: Apache-2.0
//
// What a user may publish and subscribe to. Pure functions on the plain data of auth_config.h, and the grants
// that allow_responses gives: a bounded table per connection. A NULL rill_permissions allows everything.
// Source: nats-server 2.9's behaviour, asked for in the wire tests.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "core/auth_config.h"

bool permissions_allow_publish(const struct rill_permissions *permissions, struct rill_bytes subject);

/* May subscribe to the pattern, in this queue group if one is given? *ret_checks_deny says that some of what
   the pattern matches is denied, so each delivery must ask permissions_deny_delivery. */
bool permissions_allow_subscribe(const struct rill_permissions *permissions, struct rill_bytes pattern,
                                 struct rill_bytes queue, bool *ret_checks_deny);
bool permissions_deny_delivery(const struct rill_permissions *permissions, struct rill_bytes subject);

// ---- replies ----

struct reply_grants;

enum { REPLY_GRANTS_MAX = 4096 }; // per connection; the oldest goes first

/* NULL when the user has no such permission. */
struct reply_grants *reply_grants_create(const struct rill_permissions *permissions);
void reply_grants_destroy(struct reply_grants *grants);
/* A message with this reply subject was delivered. */
void reply_grants_add(struct reply_grants *grants, struct rill_bytes reply, int64_t mono_ns);
/* May it publish to this subject as a reply? Uses one of the replies up. */
bool reply_grants_use(struct reply_grants *grants, struct rill_bytes reply, int64_t mono_ns);
