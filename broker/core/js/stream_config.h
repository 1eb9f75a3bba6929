// SPDX-License-Identifier: Apache-2.0
//
// Is this a configuration that a stream can have? Pure.
#pragma once

#include "proto/js_error.h"

/* Fills in what was left out, as nats-server does, in place. The error is set when it is refused; a field that asks for
   something that Rill does not do yet is named. `subject_name` is the name in the request's subject. */
struct rill_js_error stream_config_check(Rill__StreamConfig *config, struct rill_bytes subject_name);
