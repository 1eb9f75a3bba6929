// SPDX-License-Identifier: Apache-2.0
#include "socket_io.h"

#include <errno.h>
#include <sys/socket.h>

static enum link_status status_of_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? LINK_AGAIN : LINK_FAILED;
}

enum link_status socket_io_read(int fd, uint8_t *buffer, size_t buffer_bytes, size_t *ret_bytes)
{
    const ssize_t got = recv(fd, buffer, buffer_bytes, 0);
    if (got < 0)
        return status_of_errno();
    if (got == 0)
        return LINK_EOF;
    *ret_bytes = (size_t)got;
    return LINK_OK;
}

static size_t pieces_bytes(const struct iovec *pieces, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].iov_len;
    return bytes;
}

enum link_status socket_io_write(int fd, const struct iovec *pieces, size_t count, size_t *ret_bytes)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
    const ssize_t sent = count == 1 ? send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                                    : sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0)
        return status_of_errno();
    *ret_bytes = (size_t)sent;
    return (size_t)sent == pieces_bytes(pieces, count) ? LINK_OK : LINK_AGAIN;
}
