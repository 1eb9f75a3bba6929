// SPDX-License-Identifier: Apache-2.0
//
// What else lies in a stream's folder besides its segments.
#pragma once

#include "catalog.h"
#include "walk.h"

/* Tells the visitor of foreign segments, of segments that were being made, and of names that mean nothing. */
enum rill_err folder_names_tell(const struct walk_options *options, const struct catalog *catalog,
                                const struct walk_visitor *visitor) RILL_MUST_CHECK;
