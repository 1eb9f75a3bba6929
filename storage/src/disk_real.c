// SPDX-License-Identifier: Apache-2.0
#include "storage/disk.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct real_file {
    struct rill_disk_file base;
    int fd;
};

static int file_fd(struct rill_disk_file *file)
{
    return ((struct real_file *)file)->fd;
}

static enum rill_err file_from_fd(struct rill_disk *disk, int fd, struct rill_disk_file **ret_file)
{
    if (fd < 0)
        return rill_err_from_errno(errno);
    struct real_file *file = rill_alloc_zero(1, sizeof *file);
    *file = (struct real_file){.base = {disk}, .fd = fd};
    *ret_file = &file->base;
    return RILL_OK;
}

static enum rill_err result(int status)
{
    return status < 0 ? rill_err_from_errno(errno) : RILL_OK;
}

static enum rill_err real_open(struct rill_disk *disk, const char *path, enum rill_disk_open how,
                               struct rill_disk_file **ret_file)
{
    static const int flags[] = {
        [RILL_DISK_READ] = O_RDONLY,
        [RILL_DISK_WRITE] = O_RDWR,
        [RILL_DISK_CREATE] = O_RDWR | O_CREAT | O_EXCL,
        [RILL_DISK_FILL] = O_RDWR | O_CREAT | O_DIRECT,
    };
    int fd = open(path, flags[how] | O_CLOEXEC, 0640);
    if (fd < 0 && errno == EINVAL && how == RILL_DISK_FILL) // not on this file system
        fd = open(path, (flags[how] & ~O_DIRECT) | O_CLOEXEC, 0640);
    return file_from_fd(disk, fd, ret_file);
}

static void real_close(struct rill_disk_file *file)
{
    (void)close(file_fd(file));
    free(file);
}

static enum rill_err real_lock(struct rill_disk *disk, const char *path, struct rill_disk_file **ret_lock)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        const enum rill_err err = errno == EWOULDBLOCK ? RILL_ERR_LOCKED : rill_err_from_errno(errno);
        (void)close(fd);
        return err;
    }
    return file_from_fd(disk, fd, ret_lock);
}

static enum rill_err real_pwritev(struct rill_disk_file *file, const struct iovec *parts, int part_count,
                                  uint64_t offset, size_t *ret_written)
{
    ssize_t written;
    do
        written = pwritev(file_fd(file), parts, part_count, (off_t)offset);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return rill_err_from_errno(errno);
    *ret_written = (size_t)written;
    return RILL_OK;
}

static enum rill_err real_pread(struct rill_disk_file *file, void *data, size_t len, uint64_t offset,
                                size_t *ret_read)
{
    ssize_t got;
    do
        got = pread(file_fd(file), data, len, (off_t)offset);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return rill_err_from_errno(errno);
    *ret_read = (size_t)got;
    return RILL_OK;
}

static enum rill_err real_fdatasync(struct rill_disk_file *file)
{
    return result(fdatasync(file_fd(file)));
}

static enum rill_err real_fallocate(struct rill_disk_file *file, uint64_t size)
{
    int status;
    do
        status = fallocate(file_fd(file), 0, 0, (off_t)size);
    while (status < 0 && errno == EINTR);
    return status < 0 && (errno == EOPNOTSUPP || errno == ENOSYS) ? RILL_ERR_UNSUPPORTED : result(status);
}

static enum rill_err real_truncate(struct rill_disk_file *file, uint64_t size)
{
    return result(ftruncate(file_fd(file), (off_t)size));
}

static enum rill_err real_size(struct rill_disk_file *file, uint64_t *ret_size)
{
    struct stat status;
    if (fstat(file_fd(file), &status) < 0)
        return rill_err_from_errno(errno);
    *ret_size = (uint64_t)status.st_size;
    return RILL_OK;
}

static enum rill_err real_rename(struct rill_disk *disk, const char *from, const char *to)
{
    return result(rename(from, to));
}

static enum rill_err real_unlink(struct rill_disk *disk, const char *path)
{
    return result(unlink(path));
}

static enum rill_err real_mkdir(struct rill_disk *disk, const char *path)
{
    return result(mkdir(path, 0750));
}

static enum rill_err real_rmdir(struct rill_disk *disk, const char *path)
{
    return result(rmdir(path));
}

static bool entry_is_folder(DIR *folder, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(folder), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

static enum rill_err real_list(struct rill_disk *disk, const char *path, rill_disk_visit_fn *visit,
                               void *context)
{
    DIR *folder = opendir(path);
    if (!folder)
        return rill_err_from_errno(errno);
    enum rill_err err = RILL_OK;
    while (!err) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) {
            err = rill_err_from_errno(errno);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            err = visit(context, entry->d_name, entry_is_folder(folder, entry));
    }
    (void)closedir(folder);
    return err;
}

static enum rill_err real_sync_folder(struct rill_disk *disk, const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return rill_err_from_errno(errno);
    const enum rill_err err = result(fsync(fd));
    (void)close(fd);
    return err;
}

struct rill_disk *rill_disk_real(void)
{
    static const struct rill_disk_ops ops = {
        .open = real_open,
        .close = real_close,
        .lock = real_lock,
        .pwritev = real_pwritev,
        .pread = real_pread,
        .fdatasync = real_fdatasync,
        .fallocate = real_fallocate,
        .truncate = real_truncate,
        .size = real_size,
        .rename = real_rename,
        .unlink = real_unlink,
        .mkdir = real_mkdir,
        .rmdir = real_rmdir,
        .list = real_list,
        .sync_folder = real_sync_folder,
    };
    static struct rill_disk disk = {&ops};
    return &disk;
}
