// SPDX-License-Identifier: Apache-2.0
//
// All small objects of one configuration, freed together. Memory given out is zeroed and stays where it is
// until config_arena_destroy. Small sizes only: file sizes are bounded before anything gets here.
#pragma once

#include "base/bytes.h"

struct config_arena;

struct config_arena *config_arena_create(void) __attribute__((returns_nonnull));
void config_arena_destroy(struct config_arena *arena);

void *config_arena_zero(struct config_arena *arena, size_t count, size_t size)
    __attribute__((returns_nonnull));
/* NUL-terminated copies. */
char *config_arena_text(struct config_arena *arena, struct rill_bytes bytes) __attribute__((returns_nonnull));
/* As above, but NULL for NULL. */
char *config_arena_cstr(struct config_arena *arena, const char *text);
char *config_arena_format(struct config_arena *arena, const char *format, ...)
    __attribute__((returns_nonnull, format(printf, 2, 3)));
