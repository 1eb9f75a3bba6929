// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static enum rill_err file_fail(const char *path, int errno_value, struct rill_error_text *why)
{
    rill_error_text_set(why, "%s: %s", path, strerror(errno_value));
    return rill_err_from_errno(errno_value);
}

enum rill_err config_file_read(const char *path, size_t bytes_max, struct config_arena *arena,
                               struct rill_bytes *ret_bytes, struct rill_error_text *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return file_fail(path, errno, why);
    uint8_t *data = rill_alloc_zero(bytes_max + 1, 1);
    errno = 0;
    const size_t len = fread(data, 1, bytes_max + 1, file);
    const int read_errno = ferror(file) ? errno : 0;
    (void)fclose(file);
    if (!read_errno && len <= bytes_max)
        *ret_bytes = rill_bytes_of(config_arena_text(arena, rill_bytes_of(data, len)), len);
    free(data);
    if (read_errno)
        return file_fail(path, read_errno, why);
    if (len > bytes_max) {
        rill_error_text_set(why, "%s: larger than %zu bytes", path, bytes_max);
        return RILL_ERR_LIMIT;
    }
    return RILL_OK;
}
