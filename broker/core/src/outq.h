// SPDX-License-Identifier: Apache-2.0
//
// The output of one connection: bytes in order, waiting for the link to take them.
//
//      first                                    last
//      +--------------+     +-------------+     +--------------+
//      | sent | bytes | --> | payload ref | --> | bytes | free |
//      +--------------+     +-------------+     +--------------+
//
// A piece either owns its bytes (an arena of 2, 16 or 64 KiB from the pool, the larger the more is waiting)
// or refers to a payload that it shares with other connections. An empty queue holds no memory. Loop thread
// only.
#pragma once

#include "base/bytes.h"

#include <sys/uio.h>

/* An immutable payload that several output queues share by count. */
struct shared_payload {
    uint32_t refs;
    size_t len;
    uint8_t data[];
};

/* A copy of the bytes with one reference, the caller's. Aborts when memory is out. */
struct shared_payload *shared_payload_create(struct rill_bytes bytes);
void shared_payload_unref(struct shared_payload *payload);

struct outq_piece {
    struct outq_piece *next;
    uint8_t *data;                  // own arena, or into the payload
    struct shared_payload *payload; // NULL for an own arena
    uint32_t start;                 // first byte not yet sent
    uint32_t end;                   // behind the last byte
    uint32_t capacity;              // of the own arena
};

enum { OUTQ_CLASSES = 3 };

/* Arenas that are free for reuse, a bounded number of each class. One for all queues of a core. */
struct outq_pool {
    struct outq_piece *free[OUTQ_CLASSES];
    uint32_t free_count[OUTQ_CLASSES];
};

void outq_pool_fini(struct outq_pool *pool);

struct outq {
    struct outq_piece *first;
    struct outq_piece *last;
    size_t bytes; // waiting in all pieces
};

/* Drops everything that waits. */
void outq_clear(struct outq *queue, struct outq_pool *pool);

/* Room for `len` contiguous bytes at the end, len <= OUTQ_CONTIGUOUS_MAX; write them and call outq_advance.
 */
enum { OUTQ_CONTIGUOUS_MAX = 60 * 1024 };
uint8_t *outq_reserve_slow(struct outq *queue, struct outq_pool *pool, size_t len);

static inline uint8_t *outq_reserve(struct outq *queue, struct outq_pool *pool, size_t len)
{
    struct outq_piece *last = queue->last;
    if (__builtin_expect(last && last->capacity - last->end >= len, 1))
        return last->data + last->end;
    return outq_reserve_slow(queue, pool, len);
}

static inline void outq_advance(struct outq *queue, size_t len)
{
    queue->last->end += (uint32_t)len;
    queue->bytes += len;
}

/* Copies bytes of any length to the end. */
void outq_append(struct outq *queue, struct outq_pool *pool, struct rill_bytes bytes);
/* Puts a payload at the end by reference; takes one more count of it. payload->len > 0. */
void outq_append_shared(struct outq *queue, struct shared_payload *payload);

/* The waiting bytes as pieces for writev; returns how many of at most iov_max were filled. */
size_t outq_iov(const struct outq *queue, struct iovec *ret_iov, size_t iov_max);
/* Drops the first `bytes`, which were sent; bytes <= queue->bytes. */
void outq_sent(struct outq *queue, struct outq_pool *pool, size_t bytes);
