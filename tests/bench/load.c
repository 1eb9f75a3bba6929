// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include "base/assert.h"

#include <stdio.h>

enum { BLOCK_BYTES = 128 * 1024, BLOCK_BYTES_MAX = 1 << 30 };

static enum rill_err append_payload(struct rill_buf *buf, uint64_t number, size_t payload_bytes)
{
    const enum rill_err err = rill_buf_reserve(buf, payload_bytes + 2);
    if (err)
        return err;
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    const size_t shown = (size_t)length < payload_bytes ? (size_t)length : payload_bytes;
    memset(buf->data + buf->len, '.', payload_bytes);
    memcpy(buf->data + buf->len, digits, shown);
    memcpy(buf->data + buf->len + payload_bytes, "\r\n", 2);
    buf->len += payload_bytes + 2;
    return RILL_OK;
}

static enum rill_err append_message(struct load *load, const char *subject, size_t payload_bytes,
                                    uint64_t number)
{
    enum rill_err err = rill_buf_appendf(&load->pubs, "PUB %s %zu\r\n", subject, payload_bytes);
    if (!err)
        err = append_payload(&load->pubs, number, payload_bytes);
    if (!err)
        err = rill_buf_appendf(&load->msgs, "MSG %s 1 %zu\r\n", subject, payload_bytes);
    return err ? err : append_payload(&load->msgs, number, payload_bytes);
}

enum rill_err load_init(struct load *load, unsigned subjects, size_t payload_bytes)
{
    RILL_ASSERT(subjects > 0);
    *load = (struct load){0};
    rill_buf_init(&load->pubs, BLOCK_BYTES_MAX);
    rill_buf_init(&load->msgs, BLOCK_BYTES_MAX);
    const int digits = snprintf(NULL, 0, "%u", subjects - 1);
    // Whole turns through the subjects, so that a block can follow itself.
    while (load->pubs.len < BLOCK_BYTES) {
        for (unsigned i = 0; i < subjects; i++, load->messages++) {
            char subject[32];
            (void)snprintf(subject, sizeof subject, "bench.%0*u", digits, i);
            const enum rill_err err = append_message(load, subject, payload_bytes, load->messages);
            if (err)
                return err;
        }
    }
    load->msg_message_bytes = load->msgs.len / load->messages;
    return RILL_OK;
}

void load_fini(struct load *load)
{
    rill_buf_fini(&load->pubs);
    rill_buf_fini(&load->msgs);
}
