// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"

#include "base/assert.h"

#include <stdlib.h>

void *rill_alloc_zero(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    RILL_ASSERT(memory && "memory for a small object");
    return memory;
}

void *rill_alloc_resize(void *memory, size_t count, size_t size)
{
    RILL_ASSERT(size && count <= SIZE_MAX / size);
    void *resized = realloc(memory, count ? count * size : 1);
    RILL_ASSERT(resized && "memory for a small object");
    return resized;
}

char *rill_alloc_cstr(struct rill_bytes bytes)
{
    char *text = rill_bytes_to_cstr(bytes);
    RILL_ASSERT(text && "memory for a small object");
    return text;
}
