// SPDX-License-Identifier: Apache-2.0
#include "bare_append.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES = 64 << 20 };

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A new one in the place of the last. */
static enum rill_err open_file(const char *path, int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    (void)unlink(path);
    *fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    return *fd >= 0 && fallocate(*fd, 0, 0, FILE_BYTES) == 0 ? RILL_OK : RILL_ERR_IO;
}

static enum rill_err append_all(const struct bare_append *append, const uint8_t *data, int *fd,
                                struct bare_appended *ret)
{
    const double start = now_s();
    double now = start;
    size_t count = 0;
    off_t offset = FILE_BYTES;
    *ret = (struct bare_appended){0};
    for (; now - start < append->seconds; count++) {
        if (offset + (off_t)append->bytes > FILE_BYTES) {
            if (open_file(append->path, fd))
                return RILL_ERR_IO;
            offset = 0;
        }
        const double before = now_s();
        if (pwrite(*fd, data, append->bytes, offset) != (ssize_t)append->bytes || fdatasync(*fd) != 0)
            return RILL_ERR_IO;
        now = now_s();
        if (append->latencies_s && ret->latencies_count < append->latencies_max)
            append->latencies_s[ret->latencies_count++] = now - before;
        offset += (off_t)append->bytes;
    }
    ret->per_s = (double)count / (now - start);
    return RILL_OK;
}

enum rill_err bare_append(const struct bare_append *append, struct bare_appended *ret)
{
    uint8_t *data = rill_alloc_zero(append->bytes, 1);
    struct bare_appended appended;
    int fd = -1;
    memset(data, 'x', append->bytes);
    const enum rill_err err = append_all(append, data, &fd, &appended);
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(append->path);
    free(data);
    if (!err)
        *ret = appended;
    return err;
}
