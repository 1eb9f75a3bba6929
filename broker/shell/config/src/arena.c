// SPDX-License-Identifier: Apache-2.0
#include "arena.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* One allocation; the payload follows. Configurations are small, so each object is an allocation of its own
   and the sanitizers see every step over its end. */
struct arena_piece {
    struct arena_piece *next;
    alignas(max_align_t) uint8_t memory[];
};

struct config_arena {
    struct arena_piece *pieces;
};

struct config_arena *config_arena_create(void)
{
    return rill_alloc_zero(1, sizeof(struct config_arena));
}

void config_arena_destroy(struct config_arena *arena)
{
    if (!arena)
        return;
    for (struct arena_piece *piece = arena->pieces, *next; piece; piece = next) {
        next = piece->next;
        free(piece);
    }
    free(arena);
}

void *config_arena_zero(struct config_arena *arena, size_t count, size_t size)
{
    RILL_ASSERT(size > 0 && count <= (SIZE_MAX / 2) / size);
    struct arena_piece *piece = rill_alloc_zero(1, sizeof *piece + count * size);
    piece->next = arena->pieces;
    arena->pieces = piece;
    return piece->memory;
}

char *config_arena_text(struct config_arena *arena, struct rill_bytes bytes)
{
    char *text = config_arena_zero(arena, bytes.len + 1, 1);
    if (bytes.len)
        memcpy(text, bytes.data, bytes.len);
    return text;
}

char *config_arena_cstr(struct config_arena *arena, const char *text)
{
    return text ? config_arena_text(arena, rill_bytes_from_cstr(text)) : NULL;
}

char *config_arena_format(struct config_arena *arena, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return config_arena_cstr(arena, text);
}
