// SPDX-License-Identifier: Apache-2.0
//
// Assertions that stay on in release builds. They catch the programmer's mistakes only: what a peer sends or
// a disk returns is answered with an error, never with an assertion.
#pragma once

#include <assert.h> // static_assert

/* Prints the expression and where it stands to standard error, then aborts. */
_Noreturn void rill_assert_failed(const char *expression, const char *file, int line);

#define RILL_ASSERT(expression)                                                                              \
    (__builtin_expect(!!(expression), 1) ? (void)0 : rill_assert_failed(#expression, __FILE__, __LINE__))

/* A statement that the programmer holds to be unreachable. */
#define RILL_UNREACHABLE() rill_assert_failed("unreachable", __FILE__, __LINE__)
