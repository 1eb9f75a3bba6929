// SPDX-License-Identifier: Apache-2.0
//
// What the handlers of consumers share.
#pragma once

#include "durable.h"
#include "proto/js_error.h"

/* Makes this the consumer's record with the commit that the error would have prevented; `reply` is answered then.
   None is under way already. */
struct rill_js_error api_consumer_change_record(struct durable *durable, const Rill__ConsumerRecord *record,
                                                enum stream_wait what, struct rill_bytes reply);
