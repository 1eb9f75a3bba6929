// SPDX-License-Identifier: Apache-2.0
//
// Whatever text arrives behind CONNECT or INFO is refused with a reason, or becomes a structure whose own
// line reads back to the same line.
#include "base/assert.h"
#include "proto/connect.h"
#include "proto/info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void connect_line(struct rill_bytes json, struct rill_buf *line)
{
    Rill__ConnectOptions *options = NULL;
    struct rill_error_text why = {.text = ""};
    if (rill_connect_parse(json, &options, &why))
        RILL_ASSERT(options == NULL && why.text[0]);
    else
        RILL_ASSERT(rill_connect_append(options, line) == RILL_OK);
    rill_connect_free(options);
}

static void info_line(struct rill_bytes json, struct rill_buf *line)
{
    Rill__ServerInfo *info = NULL;
    struct rill_error_text why = {.text = ""};
    if (rill_info_parse(json, &info, &why))
        RILL_ASSERT(info == NULL && why.text[0]);
    else
        RILL_ASSERT(rill_info_append(info, line) == RILL_OK);
    rill_info_free(info);
}

static void check(struct rill_bytes json, size_t word_len,
                  void (*write)(struct rill_bytes, struct rill_buf *))
{
    struct rill_buf first, second;
    rill_buf_init(&first, 1 << 20);
    rill_buf_init(&second, 1 << 20);
    write(json, &first);
    if (first.len) {
        write(rill_bytes_of(first.data + word_len, first.len - word_len), &second);
        RILL_ASSERT(rill_bytes_equal(rill_buf_bytes(&first), rill_buf_bytes(&second)));
    }
    rill_buf_fini(&first);
    rill_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(rill_bytes_of(data, size), sizeof "CONNECT " - 1, connect_line);
    check(rill_bytes_of(data, size), sizeof "INFO " - 1, info_line);
    return 0;
}
