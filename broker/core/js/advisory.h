// SPDX-License-Identifier: Apache-2.0
//
// What is told, unasked, about consumers: one JSON message on a subject of its own for each kind, and only when somebody
// listens. Loop thread only. A stream may be among the listeners, so nothing that was read from a store is held over
// advisory_send.
#pragma once

#include "durable.h"
#include "proto/advisory.pb-c.h"

/* X(name, subject behind $JS.EVENT., type behind io.nats.jetstream.) */
#define ADVISORY_TABLE(X)                                                                                    \
    X(CREATED, "ADVISORY.CONSUMER.CREATED", "advisory.v1.consumer_action")                                   \
    X(DELETED, "ADVISORY.CONSUMER.DELETED", "advisory.v1.consumer_action")                                   \
    X(MAX_DELIVERIES, "ADVISORY.CONSUMER.MAX_DELIVERIES", "advisory.v1.max_deliver")                         \
    X(TERMINATED, "ADVISORY.CONSUMER.MSG_TERMINATED", "advisory.v1.terminated")                              \
    X(NAKED, "ADVISORY.CONSUMER.MSG_NAKED", "advisory.v1.nak")                                               \
    X(PAUSE, "ADVISORY.CONSUMER.PAUSE", "advisory.v1.consumer_pause")                                        \
    X(PINNED, "ADVISORY.CONSUMER.PINNED", "advisory.v1.consumer_group_pinned")                               \
    X(UNPINNED, "ADVISORY.CONSUMER.UNPINNED", "advisory.v1.consumer_group_unpinned")                         \
    X(ACK, "METRIC.CONSUMER.ACK", "metric.v1.consumer_ack")

enum advisory_kind {
#define ADVISORY_ENUM(name, subject, type) ADVISORY_##name,
    ADVISORY_TABLE(ADVISORY_ENUM)
#undef ADVISORY_ENUM
};

enum { ADVISORY_SUBJECT_BYTES_MAX = 640, ADVISORY_ID_CHARS = 22 };

/* Between begin and send the caller fills `message`. Views of it live until send returns. */
struct advisory {
    Rill__ConsumerAdvisory message;
    struct jetstream *js;
    bool wanted; // somebody listens
    Rill__Timestamp now;
    char id[ADVISORY_ID_CHARS + 1];
    char subject[ADVISORY_SUBJECT_BYTES_MAX];
};

void advisory_begin(struct advisory *advisory, const struct durable *durable, enum advisory_kind kind);
void advisory_send(struct advisory *advisory);

/* About one delivery. `reason` may be empty. */
void advisory_delivery(const struct durable *durable, enum advisory_kind kind,
                       const struct outstanding *entry, struct rill_bytes reason);
/* CREATED or DELETED. */
void advisory_action(const struct durable *durable, enum advisory_kind kind);
