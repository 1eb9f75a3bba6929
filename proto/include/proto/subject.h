// SPDX-License-Identifier: Apache-2.0
//
// Subjects: tokens joined by dots. A subject for publishing is literal; a pattern for subscribing may have
// `*` for exactly one token and `>` as its last token for one or more. Pure functions on bytes. Source: NATS'
// documentation of subjects; nats-server IsValidSubject and SubjectsCollide.
#pragma once

#include "base/bytes.h"

/* A valid pattern: no empty token, no blank (space, tab, CR, LF, FF), `>` only as the last token. A `*` or
   `>` that is a part of a longer token is an ordinary character. The empty subject is not valid. Other
   control characters, NUL among them, are ordinary characters, as they are to nats-server. */
bool rill_subject_is_valid(struct rill_bytes subject);

/* A valid subject without a wildcard token. */
bool rill_subject_is_literal(struct rill_bytes subject);

/* Has a token `*` or `>`. */
bool rill_subject_has_wildcard(struct rill_bytes subject);

/* Does the literal subject match the pattern? The subject is taken as it is: its tokens are never wildcards,
   and an empty token is a token. */
bool rill_subject_matches(struct rill_bytes pattern, struct rill_bytes subject);

/* Does every subject that `inner` matches also match `outer`? Both are patterns. */
bool rill_subject_is_subset(struct rill_bytes inner, struct rill_bytes outer);

/* Is there a literal subject that both patterns match? */
bool rill_subject_overlap(struct rill_bytes a, struct rill_bytes b);

/* The number of tokens; "" has one. */
size_t rill_subject_token_count(struct rill_bytes subject);

/* Splits off the first token. Returns it and moves *rest behind its dot; after the last token rest->data is
   NULL. Start with a copy of the subject; stop when rest->data is NULL. */
struct rill_bytes rill_subject_next_token(struct rill_bytes *rest);
