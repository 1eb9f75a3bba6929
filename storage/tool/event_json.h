// SPDX-License-Identifier: Apache-2.0
//
// The broker's events and checkpoints as JSON: proto/stream_log.proto, and the encoding of a consumer's state, which is
// described in broker/core/js/consumer_record.h.
#pragma once

#include "record.h"

/* Appends one JSON value. DAMAGED when the bytes are no such event (then a part may have been appended: put *out back);
   LIMIT, NO_MEMORY. */
enum rill_err event_json_put(uint8_t type, struct rill_bytes body, struct rill_buf *out) RILL_MUST_CHECK;
