// SPDX-License-Identifier: Apache-2.0
//
// The body of $JS.API.CONSUMER.MSG.NEXT: empty for one message, a bare number, or the JSON of PullRequest.
// Any thread.
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "proto/jetstream.pb-c.h"

/* *ret_request belongs to the caller, freed with rill_message_free(&request->base); its `batch` is at
   least 1. Unknown fields are ignored. INVALID with a reason, NO_MEMORY. */
enum rill_err rill_pull_request_parse(struct rill_bytes body, Rill__PullRequest **ret_request,
                                      struct rill_error_text *why) RILL_MUST_CHECK;
