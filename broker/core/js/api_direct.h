// SPDX-License-Identifier: Apache-2.0
//
// What the parts of DIRECT.GET share: one message and batches (api_direct.c), and the last messages of many subjects at once
// (api_direct_multi.c). Loop thread only.
#pragma once

#include "asked.h"

enum { DIRECT_BATCH_BYTES_MAX = 64 << 20 }; // when the request does not say

/* A message that is to be sent. AGAIN: its block is on the way. */
enum rill_err direct_read(struct stream *stream, uint64_t sequence,
                          struct rill_store_message *ret) RILL_MUST_CHECK;
/* The request has a multi_last: what is to be done for it. */
void direct_multi_prepare(struct stream *stream, const Rill__MsgGetRequest *request, struct asked *asked);
