// SPDX-License-Identifier: Apache-2.0
//
// Messages for a stream that have to wait for its index: what their headers or the stream's limits ask about a subject cannot be
// told yet. All that comes for the stream meanwhile waits behind them, so that the order stays. Loop thread only.
#pragma once

#include "kept_messages.h"

struct rill_js_error;
struct stream;

enum { PARKED_MAX = 16 * 1024, PARKED_BYTES_MAX = 32 << 20 }; // more are told that there are too many

/* Keeps a copy behind the others. LIMIT. */
enum rill_err parked_add(struct stream *stream, const struct message *message) RILL_MUST_CHECK;
/* Tries them again in their order, until one has to wait still. */
void parked_go_on(struct stream *stream);
/* Everybody who waits is answered with the error. */
void parked_fail(struct stream *stream, const struct rill_js_error *error);
