// SPDX-License-Identifier: Apache-2.0
#include "outq.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

static const struct {
    uint32_t capacity;    // bytes of an arena
    uint32_t free_max;    // arenas kept for reuse
    size_t waiting_bytes; // used once so much waits already
} classes[OUTQ_CLASSES] = {
    {2 * 1024, 64, 0},
    {16 * 1024, 16, 1024},
    {64 * 1024, 16, 16 * 1024},
};

static_assert(OUTQ_CONTIGUOUS_MAX <= 64 * 1024, "the largest arena holds the largest contiguous piece");

struct shared_payload *shared_payload_create(struct rill_bytes bytes)
{
    RILL_ASSERT(bytes.len > 0 && bytes.len <= UINT32_MAX);
    struct shared_payload *payload = rill_alloc_resize(NULL, 1, sizeof *payload + bytes.len);
    payload->refs = 1;
    payload->len = bytes.len;
    memcpy(payload->data, bytes.data, bytes.len);
    return payload;
}

void shared_payload_unref(struct shared_payload *payload)
{
    if (!payload)
        return;
    RILL_ASSERT(payload->refs > 0);
    if (--payload->refs == 0)
        free(payload);
}

static int class_of_capacity(uint32_t capacity)
{
    int class = 0;
    while (classes[class].capacity != capacity)
        class ++;
    return class;
}

static int class_for(size_t waiting_bytes, size_t len)
{
    int class = OUTQ_CLASSES - 1;
    while (class > 0 && waiting_bytes < classes[class].waiting_bytes && len <= classes[class - 1].capacity)
        class --;
    return class;
}

static struct outq_piece *arena_take(struct outq_pool *pool, int class)
{
    struct outq_piece *piece = pool->free[class];
    if (piece) {
        pool->free[class] = piece->next;
        pool->free_count[class]--;
    } else {
        piece = rill_alloc_resize(NULL, 1, sizeof *piece + classes[class].capacity);
    }
    *piece = (struct outq_piece){.data = (uint8_t *)(piece + 1), .capacity = classes[class].capacity};
    return piece;
}

static void piece_release(struct outq_pool *pool, struct outq_piece *piece)
{
    if (piece->payload) {
        shared_payload_unref(piece->payload);
        free(piece);
        return;
    }
    const int class = class_of_capacity(piece->capacity);
    if (pool->free_count[class] == classes[class].free_max) {
        free(piece);
        return;
    }
    piece->next = pool->free[class];
    pool->free[class] = piece;
    pool->free_count[class]++;
}

void outq_pool_fini(struct outq_pool *pool)
{
    for (int class = 0; class < OUTQ_CLASSES; class ++) {
        while (pool->free[class]) {
            struct outq_piece *piece = pool->free[class];
            pool->free[class] = piece->next;
            free(piece);
        }
        pool->free_count[class] = 0;
    }
}

static void queue_push(struct outq *queue, struct outq_piece *piece)
{
    if (queue->last)
        queue->last->next = piece;
    else
        queue->first = piece;
    queue->last = piece;
}

void outq_clear(struct outq *queue, struct outq_pool *pool)
{
    while (queue->first) {
        struct outq_piece *piece = queue->first;
        queue->first = piece->next;
        piece_release(pool, piece);
    }
    *queue = (struct outq){0};
}

uint8_t *outq_reserve_slow(struct outq *queue, struct outq_pool *pool, size_t len)
{
    RILL_ASSERT(len <= OUTQ_CONTIGUOUS_MAX);
    queue_push(queue, arena_take(pool, class_for(queue->bytes, len)));
    return queue->last->data;
}

void outq_append(struct outq *queue, struct outq_pool *pool, struct rill_bytes bytes)
{
    while (bytes.len) {
        struct outq_piece *last = queue->last;
        size_t room = last ? last->capacity - last->end : 0;
        if (room == 0) {
            const size_t wanted = bytes.len < OUTQ_CONTIGUOUS_MAX ? bytes.len : OUTQ_CONTIGUOUS_MAX;
            (void)outq_reserve_slow(queue, pool, wanted);
            last = queue->last;
            room = last->capacity;
        }
        const size_t part = bytes.len < room ? bytes.len : room;
        memcpy(last->data + last->end, bytes.data, part);
        outq_advance(queue, part);
        bytes = rill_bytes_from(bytes, part);
    }
}

void outq_append_shared(struct outq *queue, struct shared_payload *payload)
{
    struct outq_piece *piece = rill_alloc_zero(1, sizeof *piece);
    piece->data = payload->data;
    piece->payload = payload;
    piece->end = piece->capacity = (uint32_t)payload->len;
    payload->refs++;
    queue_push(queue, piece);
    queue->bytes += payload->len;
}

size_t outq_iov(const struct outq *queue, struct iovec *ret_iov, size_t iov_max)
{
    size_t count = 0;
    for (const struct outq_piece *piece = queue->first; piece && count < iov_max; piece = piece->next) {
        if (piece->end == piece->start)
            continue;
        ret_iov[count++] = (struct iovec){piece->data + piece->start, piece->end - piece->start};
    }
    return count;
}

void outq_sent(struct outq *queue, struct outq_pool *pool, size_t bytes)
{
    RILL_ASSERT(bytes <= queue->bytes);
    queue->bytes -= bytes;
    while (queue->first) {
        struct outq_piece *piece = queue->first;
        const size_t waiting = piece->end - piece->start;
        if (bytes < waiting) {
            piece->start += (uint32_t)bytes;
            return;
        }
        bytes -= waiting;
        queue->first = piece->next;
        if (!queue->first)
            queue->last = NULL;
        piece_release(pool, piece);
    }
    RILL_ASSERT(bytes == 0 && queue->bytes == 0);
}
