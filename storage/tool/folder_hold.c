// SPDX-License-Identifier: Apache-2.0
#include "folder_hold.h"

#include "io.h"
#include "store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static enum rill_err hold(const char *folder, int *ret_fd)
{
    char *path = io_path(folder, "lock");
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const int open_errno = errno;
    free(path);
    *ret_fd = fd;
    if (fd < 0)
        return open_errno == ENOENT || open_errno == ENOTDIR ? RILL_OK : rill_err_from_errno(open_errno);
    if (flock(fd, LOCK_SH | LOCK_NB) == 0)
        return RILL_OK;
    const enum rill_err err = errno == EWOULDBLOCK ? RILL_ERR_LOCKED : rill_err_from_errno(errno);
    folder_release(fd);
    *ret_fd = -1;
    return err;
}

static enum rill_err look_at(char *root)
{
    int fd = -1;
    const enum rill_err err = hold(root, &fd);
    folder_release(fd);
    free(root);
    return err;
}

/* A broker holds the lock of its whole store, two folders above, by name or in fact where the folder is a symbolic
   link. That one is only looked at: no broker starts on a stream that is held. */
enum rill_err folder_hold(const char *folder, int *ret_fd)
{
    enum rill_err err = hold(folder, ret_fd);
    if (!err)
        err = look_at(store_lock_root(folder));
    if (!err)
        err = look_at(io_path(folder, "../.."));
    if (err) {
        folder_release(*ret_fd);
        *ret_fd = -1;
    }
    return err;
}

void folder_release(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}
