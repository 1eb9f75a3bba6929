// SPDX-License-Identifier: Apache-2.0
//
// Making one subject of another, as subject_transform and republish of a stream ask for it: a source pattern, and a
// destination whose tokens may stand for what the wildcards of the source matched. Source: nats-server's subject
// mapping.
//
//     source        orders.*.>
//     destination   shop.$1.{{partition(3,1)}}.>      or {{wildcard(1)}} for $1
//     subject       orders.de.book.7      becomes  shop.de.2.book.7
//
// Functions of a destination token, their names in any letter case: wildcard(w), partition(buckets[,w...]),
// split(w,separator), splitFromLeft(w,at), splitFromRight(w,at), sliceFromLeft(w,size), sliceFromRight(w,size),
// left(w,size), right(w,size), random(buckets); w counts the `*` of the source from 1.
//
// A transform never changes once it is made; any thread may apply it.
#pragma once

#include "base/buf.h"
#include "base/random.h"

struct rill_subject_transform;

/* An empty source is `>`. INVALID with the reason in nats-server's words: destination and source must both end with
   `>` or neither, and the destination has no `*`. */
enum rill_err rill_subject_transform_create(struct rill_bytes source, struct rill_bytes destination,
                                            struct rill_subject_transform **ret,
                                            struct rill_error_text *why) RILL_MUST_CHECK;
/* NULL is fine. */
void rill_subject_transform_destroy(struct rill_subject_transform *transform);

/* Appends what becomes of the literal subject. `random` is drawn from by random() only. NOT_FOUND when the source does
   not match; LIMIT and NO_MEMORY may leave a part behind. */
enum rill_err rill_subject_transform_apply(const struct rill_subject_transform *transform,
                                           struct rill_bytes subject, struct rill_random *random,
                                           struct rill_buf *out) RILL_MUST_CHECK;
