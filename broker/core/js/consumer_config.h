// SPDX-License-Identifier: Apache-2.0
//
// Is this a configuration that a consumer can have? Pure.
#pragma once

#include "proto/js_error.h"

/* Fills in what was left out, as nats-server does, in place: name and durable_name are set afterwards. The error is set
   when it is refused; a field that asks for something that Rill does not do yet is named. */
struct rill_js_error consumer_config_check(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream);
