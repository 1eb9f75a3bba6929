// SPDX-License-Identifier: Apache-2.0
#include "pub_acks.h"

#include "base/assert.h"

enum {
    SEQUENCE_AT = 0,
    DUPLICATE_AT = 8,
    LENGTH_AT = 9,
    REPLY_AT = 13,
    KEPT_BYTES_MAX = 256 * 1024, // memory beyond this is given back when the queue is cleared
};

void pub_acks_init(struct pub_acks *acks)
{
    acks->count = 0;
    rill_buf_init(&acks->bytes, PUB_ACKS_BYTES_MAX);
}

void pub_acks_fini(struct pub_acks *acks)
{
    rill_buf_fini(&acks->bytes);
}

enum rill_err pub_acks_add(struct pub_acks *acks, const struct pub_ack *ack)
{
    RILL_ASSERT(ack->reply.len > 0 && ack->reply.len <= UINT32_MAX);
    const enum rill_err err = rill_buf_reserve(&acks->bytes, REPLY_AT + ack->reply.len);
    if (err)
        return err;
    uint8_t *at = acks->bytes.data + acks->bytes.len;
    const uint32_t reply_len = (uint32_t)ack->reply.len;
    memcpy(at + SEQUENCE_AT, &ack->sequence, sizeof ack->sequence);
    at[DUPLICATE_AT] = ack->duplicate;
    memcpy(at + LENGTH_AT, &reply_len, sizeof reply_len);
    memcpy(at + REPLY_AT, ack->reply.data, ack->reply.len);
    acks->bytes.len += REPLY_AT + ack->reply.len;
    acks->count++;
    return RILL_OK;
}

void pub_acks_clear(struct pub_acks *acks)
{
    acks->count = 0;
    acks->bytes.len = 0;
    if (acks->bytes.capacity > KEPT_BYTES_MAX)
        rill_buf_fini(&acks->bytes);
}

void pub_acks_swap(struct pub_acks *a, struct pub_acks *b)
{
    const struct pub_acks was_a = *a;
    *a = *b;
    *b = was_a;
}

bool pub_acks_next(const struct pub_acks *acks, size_t *offset, struct pub_ack *ret_ack)
{
    if (*offset >= acks->bytes.len)
        return false;
    const uint8_t *at = acks->bytes.data + *offset;
    uint32_t reply_len;
    memcpy(&ret_ack->sequence, at + SEQUENCE_AT, sizeof ret_ack->sequence);
    memcpy(&reply_len, at + LENGTH_AT, sizeof reply_len);
    ret_ack->duplicate = at[DUPLICATE_AT];
    ret_ack->reply = rill_bytes_of(at + REPLY_AT, reply_len);
    *offset += REPLY_AT + reply_len;
    RILL_ASSERT(*offset <= acks->bytes.len);
    return true;
}
