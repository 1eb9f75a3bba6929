// SPDX-License-Identifier: Apache-2.0
//
// Memory for the small objects of the broker whose size no peer chooses. When the machine cannot give a few
// hundred bytes nothing sensible can go on, so these abort with a message. What a peer's bytes make large
// goes through rill_buf or plain malloc, and its failure is an error that refuses the one operation.
#pragma once

#include "base/bytes.h"

/* Zeroed memory, never NULL. Freed with free(). */
void *rill_alloc_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* As realloc, never NULL. */
void *rill_alloc_resize(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
/* A NUL-terminated copy, never NULL. */
char *rill_alloc_cstr(struct rill_bytes bytes) __attribute__((malloc, returns_nonnull));
