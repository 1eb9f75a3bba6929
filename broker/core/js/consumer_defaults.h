// SPDX-License-Identifier: Apache-2.0
//
// What a consumer's configuration becomes when things were left out. Pure.
#pragma once

#include "proto/js_error.h"

/* As nats-server does. With `pedantic` what was given is never changed: the error says so. */
struct rill_js_error consumer_defaults_fill(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream,
                                            bool pedantic);
/* A durable's name is also its name. */
void consumer_defaults_name(Rill__ConsumerConfig *config);
