// SPDX-License-Identifier: Apache-2.0
//
// Filling a struct rill_error, which the caller may not want (NULL).
#pragma once

#include "base/err.h"

#include "rill.h"

/* Sets the code and the formatted text; returns the code. */
enum rill_err error_set(struct rill_error *error, enum rill_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Only the code, with its own text. */
enum rill_err error_plain(struct rill_error *error, enum rill_err err);
