// SPDX-License-Identifier: Apache-2.0
//
// The header Nats-TTL: how long a message lives. Any thread. Source: NATS' ADR-43.
#pragma once

#include "base/bytes.h"

/* For ever, in spite of the stream's max_age. */
#define RILL_MESSAGE_TTL_NEVER_NS INT64_C(-1)

/* Seconds, a duration of at least one (proto/duration.h), or "never"; parts of a second do not count. An empty text and "0"
   give 0: it has none of its own. False when it is none of these; then *ret is untouched. */
bool rill_message_ttl_parse(struct rill_bytes text, int64_t *ret_ns);

/* The same of a message's headers, of which a wrong one counts as none. */
int64_t rill_message_ttl_of(struct rill_bytes headers);
