// SPDX-License-Identifier: Apache-2.0
//
// "did you mean max_payload?": the known word that is nearest to a mistyped one.
#pragma once

#include "base/bytes.h"

struct rill_suggestion {
    struct rill_bytes wanted;  // what was written
    struct rill_bytes nearest; // empty while nothing is near enough
    size_t distance;           // letters to change, add or drop
};

struct rill_suggestion rill_suggestion_for(struct rill_bytes wanted);
/* Keeps the candidate if it is nearer than what was seen before. The view must live as long as the
 * suggestion. */
void rill_suggestion_consider(struct rill_suggestion *suggestion, struct rill_bytes candidate);
