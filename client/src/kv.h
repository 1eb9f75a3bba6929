// SPDX-License-Identifier: Apache-2.0
//
// Buckets of keys and values, a convention among NATS' clients (ADR-8): the stream KV_<bucket> keeps the last
// messages of the subjects $KV.<bucket>.<key>; the header KV-Operation marks deletions.
#pragma once

#include "js.h"

enum { KV_BUCKET_BYTES = 128, KV_KEY_BYTES = 512 };

struct rill_kv {
    struct rill_js *js;
    char bucket[KV_BUCKET_BYTES];
    char stream[KV_BUCKET_BYTES + 4];
    bool direct; // the stream answers DIRECT.GET
};

/* Letters, digits, - and _; also for buckets of objects. */
bool kv_is_bucket(const char *bucket);

/* "$KV.<bucket>.<key>". INVALID for a key that is none; `pattern` permits wildcards. */
enum rill_err kv_subject(const struct rill_kv *kv, const char *key, bool pattern,
                         char ret[JS_SUBJECT_BYTES]) RILL_MUST_CHECK;

/* One piece of memory, freed with free(). */
struct rill_kv_entry *kv_entry_create(struct rill_bytes key, struct rill_bytes value,
                                      struct rill_bytes headers) __attribute__((returns_nonnull));
