// SPDX-License-Identifier: Apache-2.0
#include "lines.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <stdlib.h>

/* A ring of few subjects goes round so often that a write has some hundred messages. */
enum { MESSAGES_MIN = 1024, BYTES_MAX = 256 << 20 };

static enum rill_err append_line(struct rill_buf *buf, unsigned subject, const char *inbox,
                                 struct rill_bytes payload)
{
    enum rill_err err = rill_buf_appendf(buf, "PUB bench.s%u %s %zu\r\n", subject, inbox, payload.len);
    if (!err)
        err = rill_buf_append(buf, payload);
    return err ? err : rill_buf_append(buf, RILL_BYTES("\r\n"));
}

enum rill_err lines_init(struct lines *lines, unsigned subjects, const char *inbox, unsigned payload_bytes)
{
    const unsigned rounds = (MESSAGES_MIN + subjects - 1) / subjects;
    uint8_t *payload = rill_alloc_zero(payload_bytes + 1, 1);
    struct rill_buf buf;
    enum rill_err err = RILL_OK;
    *lines = (struct lines){.count = rounds * subjects};
    lines->ends = rill_alloc_zero(lines->count, sizeof lines->ends[0]);
    memset(payload, 'x', payload_bytes);
    rill_buf_init(&buf, BYTES_MAX);
    for (uint32_t i = 0; !err && i < lines->count; i++) {
        err = append_line(&buf, i % subjects, inbox, rill_bytes_of(payload, payload_bytes));
        lines->ends[i] = buf.len;
    }
    lines->bytes = buf.data; // its owner from here on
    free(payload);
    return err;
}

void lines_fini(struct lines *lines)
{
    free(lines->bytes);
    free(lines->ends);
    *lines = (struct lines){0};
}

enum rill_err lines_send(struct lines *lines, struct wire *wire, uint64_t count, struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    while (!err && count) {
        const uint32_t left = lines->count - lines->next;
        const uint32_t some = count < left ? (uint32_t)count : left;
        const size_t start = lines->next ? lines->ends[lines->next - 1] : 0;
        const size_t end = lines->ends[lines->next + some - 1];
        err = wire_send(wire, rill_bytes_of(lines->bytes + start, end - start), why);
        lines->next = (lines->next + some) % lines->count;
        count -= some;
    }
    return err;
}
