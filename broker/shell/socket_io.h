// SPDX-License-Identifier: Apache-2.0
//
// Reading from and writing to a non-blocking stream socket, once, with the outcome in the words of links. Any
// thread.
#pragma once

#include "link.h"

/* OK with at least one byte, AGAIN, EOF or FAILED. *ret_bytes is set with OK only. */
enum link_status socket_io_read(int fd, uint8_t *buffer, size_t buffer_bytes, size_t *ret_bytes);
/* OK: all of the pieces were taken; AGAIN: *ret_bytes of them, maybe none; FAILED. */
enum link_status socket_io_write(int fd, const struct iovec *pieces, size_t count, size_t *ret_bytes);
