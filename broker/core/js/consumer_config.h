// SPDX-License-Identifier: Apache-2.0
//
// Is this a configuration that a consumer can have, and what does it become with its defaults? Pure.
#pragma once

#include "base/clock.h"
#include "proto/js_error.h"

/* The only heartbeat with ack_policy flow_control. */
#define CONSUMER_ACK_FLOW_HEARTBEAT_NS RILL_NS_PER_S

/* Fills in what was left out, as nats-server does, in place: durable_name and name become one where one of them is given.
   A pedantic request is refused rather than changed. The error is set when it is refused; a field that asks for something
   that Rill does not do yet is named. */
struct rill_js_error consumer_config_check(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream,
                                           bool pedantic);

/* May a consumer with the configuration `old` become `changed`? Both were checked. */
struct rill_js_error consumer_config_check_change(const Rill__ConsumerConfig *old,
                                                  const Rill__ConsumerConfig *changed);

// ---- its filters: one, or many, or none ----

size_t consumer_config_filter_count(const Rill__ConsumerConfig *config);
struct rill_bytes consumer_config_filter_at(const Rill__ConsumerConfig *config, size_t i);

// ---- Rill's own, in the metadata ----

#define CONSUMER_PER_SUBJECT_KEY "rill.max_ack_pending_per_subject"
#define CONSUMER_DEAD_LETTER_KEY "rill.dead_letter_subject"

/* The text of this key; NULL when there is none. */
const char *consumer_config_metadata(const Rill__ConsumerConfig *config, const char *key);
/* How many messages of one subject may be outstanding; 0: as many as like. */
uint32_t consumer_config_per_subject(const Rill__ConsumerConfig *config);
struct rill_js_error consumer_config_check_metadata(const Rill__ConsumerConfig *config,
                                                    const Rill__StreamConfig *stream);
