// SPDX-License-Identifier: Apache-2.0
//
// What all streams together may take, and what they take. Loop thread only.
#pragma once

#include "js_state.h"
#include "proto/js_error.h"

struct js_usage {
    uint64_t streams;
    uint64_t consumers;
    uint64_t memory_bytes; // of messages
    uint64_t storage_bytes;
    uint64_t memory_reserved_bytes; // max_bytes of those that have it
    uint64_t storage_reserved_bytes;
};

void js_limits_usage(const struct jetstream *js, struct js_usage *ret);

/* The limit of all streams in files; 0 is none. Without a configured one it is three quarters of what the disk has to
   offer: its free room when the broker started and what its streams took already. */
int64_t js_limits_storage_max(const struct jetstream *js);

/* May a stream have this configuration, beside all others? `old` is what it has, NULL for a new one. */
struct rill_js_error js_limits_check_stream(const struct jetstream *js, const Rill__StreamConfig *config,
                                            const Rill__StreamConfig *old);

/* What was left out of a consumer's configuration and would be more than the server allows. */
void js_limits_fill_consumer(const struct jetstream *js, Rill__ConsumerConfig *config,
                             const Rill__StreamConfig *stream);
/* May a consumer have this configuration, with its defaults, on this server? */
struct rill_js_error js_limits_check_consumer(const struct jetstream *js, const Rill__ConsumerConfig *config);
