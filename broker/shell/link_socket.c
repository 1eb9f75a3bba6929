// SPDX-License-Identifier: Apache-2.0
#include "link.h"
#include "socket_io.h"

#include "base/alloc.h"

#include <stdlib.h>

static enum link_status socket_read(struct link *link, uint8_t *scratch, size_t scratch_bytes,
                                    struct rill_bytes *ret_bytes)
{
    size_t got = 0;
    const enum link_status status = socket_io_read(link->source.fd, scratch, scratch_bytes, &got);
    *ret_bytes = rill_bytes_of(scratch, got);
    return status;
}

static enum link_status socket_write(struct link *link, const struct iovec *pieces, size_t count,
                                     size_t *ret_bytes)
{
    *ret_bytes = 0;
    return count ? socket_io_write(link->source.fd, pieces, count, ret_bytes) : LINK_OK;
}

static void socket_destroy(struct link *link)
{
    free(link);
}

static const struct link_ops socket_ops = {
    .read = socket_read,
    .write = socket_write,
    .destroy = socket_destroy,
};

void link_socket_open(struct loop *loop, int fd, enum rill_conn_kind kind, const char *address, uint16_t port)
{
    struct link *link = rill_alloc_zero(1, sizeof *link);
    link->ops = &socket_ops;
    link_adopt(loop, link, fd, kind, address, port);
    link_connected(link);
}
