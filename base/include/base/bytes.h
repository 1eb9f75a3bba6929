// SPDX-License-Identifier: Apache-2.0
//
// A view of bytes that somebody else owns. Views are passed by value, never freed, and live as long as what
// they point into; a function that returns or stores one says how long that is. An empty view may have a NULL
// pointer.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rill_bytes {
    const uint8_t *data;
    size_t len;
};

/* A view of a string literal, without its terminating NUL. */
#define RILL_BYTES(literal) ((struct rill_bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})

/* Format and argument for printf: printf("subject " RILL_PRI "\n", RILL_ARG(subject)). At most INT_MAX bytes.
 */
#define RILL_PRI        "%.*s"
#define RILL_ARG(bytes) (int)(bytes).len, (const char *)(bytes).data

static inline struct rill_bytes rill_bytes_of(const void *data, size_t len)
{
    return (struct rill_bytes){data, len};
}

static inline struct rill_bytes rill_bytes_from_cstr(const char *text)
{
    return rill_bytes_of(text, text ? strlen(text) : 0);
}

static inline bool rill_bytes_equal(struct rill_bytes a, struct rill_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool rill_bytes_equal_cstr(struct rill_bytes a, const char *text)
{
    return rill_bytes_equal(a, rill_bytes_from_cstr(text));
}

/* Is `prefix` what `bytes` begins with? */
static inline bool rill_bytes_has_prefix(struct rill_bytes bytes, struct rill_bytes prefix)
{
    return bytes.len >= prefix.len && (prefix.len == 0 || memcmp(bytes.data, prefix.data, prefix.len) == 0);
}

/* The view from `offset` to the end; an offset past the end gives an empty view. */
static inline struct rill_bytes rill_bytes_from(struct rill_bytes bytes, size_t offset)
{
    return offset >= bytes.len ? rill_bytes_of(NULL, 0)
                               : rill_bytes_of(bytes.data + offset, bytes.len - offset);
}

/* Less than, equal to or greater than zero, as memcmp; a prefix sorts before what it begins. */
int rill_bytes_compare(struct rill_bytes a, struct rill_bytes b);

/* Equal in a time that depends on the lengths only: for secrets. */
bool rill_bytes_equal_secret(struct rill_bytes a, struct rill_bytes b);

/* Parses decimal digits and nothing else. False when empty, not digits, or more than `max`; then *ret is
 * untouched. */
bool rill_bytes_to_u64(struct rill_bytes bytes, uint64_t max, uint64_t *ret);

/* A NUL-terminated copy on the heap, the caller's to free; NULL when memory is out. NULs inside are kept. */
char *rill_bytes_to_cstr(struct rill_bytes bytes);
