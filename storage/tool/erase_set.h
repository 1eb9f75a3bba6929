// SPDX-License-Identifier: Apache-2.0
//
// Which messages the erases in a stream's log name, and where their bytes are: docs/STORAGE-FORMAT.md, "Secure erase".
#pragma once

#include "walk.h"

struct erase_set;

/* Walks through the whole log once. As walk_stream(). */
enum rill_err erase_set_read(const struct walk_options *options, struct erase_set **ret_set,
                             struct rill_error_text *why) RILL_MUST_CHECK;
void erase_set_destroy(struct erase_set *set);

bool erase_set_has(const struct erase_set *set, uint64_t sequence);
/* Do erased messages fill these bytes of the segment without a gap? */
bool erase_set_fills(const struct erase_set *set, uint64_t segment, uint64_t from, uint64_t to);
