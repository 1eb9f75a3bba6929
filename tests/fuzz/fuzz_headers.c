// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes arrive as a header block, the views stay inside it, and what is found agrees with what is
// visited.
#include "base/assert.h"
#include "proto/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct rill_bytes view, struct rill_bytes block)
{
    RILL_ASSERT(view.len == 0 || (view.data >= block.data && view.data + view.len <= block.data + block.len));
}

// A header that was visited can be built again, unless a lone CR or LF in it would break a line.
static void rebuild(struct rill_bytes name, struct rill_bytes value)
{
    struct rill_buf buf;
    struct rill_bytes found;
    rill_buf_init(&buf, 1 << 20);
    if (!rill_headers_begin(&buf, RILL_BYTES("")) && !rill_headers_add(&buf, name, value) &&
        !rill_headers_end(&buf)) {
        RILL_ASSERT(rill_headers_are_valid(rill_buf_bytes(&buf)));
        RILL_ASSERT(rill_headers_find(rill_buf_bytes(&buf), name, &found) && rill_bytes_equal(found, value));
    }
    rill_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rill_bytes block = rill_bytes_of(data, size);
    struct rill_headers_cursor cursor = rill_headers_cursor_of(block);
    struct rill_bytes name, value, found, text;
    uint32_t code = 0;
    while (rill_headers_next(&cursor, &name, &value)) {
        check_inside(name, block);
        check_inside(value, block);
        RILL_ASSERT(rill_headers_find(block, name, &found));
        rebuild(name, value);
    }
    if (rill_headers_status(block, &code, &text))
        check_inside(text, block);
    (void)rill_headers_are_valid(block);
    return 0;
}
