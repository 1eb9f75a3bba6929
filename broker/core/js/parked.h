// SPDX-License-Identifier: Apache-2.0
//
// Messages for a stream that have to wait for its index: what their headers or the stream's limits ask about a subject cannot be
// told yet. All that comes for the stream meanwhile waits behind them, so that the order stays. Loop thread only.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct message;
struct rill_js_error;
struct stream;

struct parked_message;

struct parked {
    struct parked_message *first;
    struct parked_message *last;
    uint32_t count;
    uint64_t bytes;
};

enum { PARKED_MAX = 16 * 1024, PARKED_BYTES_MAX = 32 << 20 }; // more are told that there are too many

/* Keeps a copy behind the others. LIMIT. */
enum rill_err parked_add(struct stream *stream, const struct message *message) RILL_MUST_CHECK;
/* Tries them again in their order, until one has to wait still. */
void parked_go_on(struct stream *stream);
/* Everybody who waits is answered with the error. */
void parked_fail(struct stream *stream, const struct rill_js_error *error);
