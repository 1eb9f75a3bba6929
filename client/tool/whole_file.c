// SPDX-License-Identifier: Apache-2.0
#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_USUAL = 0666, MODE_PRIVATE = 0600 };

/* Nobody else writes under a name with our number. */
static int open_beside(struct whole_file *whole, enum whole_file_readers readers)
{
    const mode_t mode = readers == WHOLE_FILE_PRIVATE ? MODE_PRIVATE : MODE_USUAL;
    const int len = snprintf(whole->beside, sizeof whole->beside, "%s.%ld.part", whole->path, (long)getpid());
    if (len >= (int)sizeof whole->beside) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(whole->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

enum rill_err whole_file_create(struct whole_file *ret, const char *path, enum whole_file_readers readers)
{
    *ret = (struct whole_file){.file = NULL};
    if (snprintf(ret->path, sizeof ret->path, "%s", path) >= (int)sizeof ret->path) {
        errno = ENAMETOOLONG;
        return RILL_ERR_LIMIT;
    }
    const int fd = open_beside(ret, readers);
    ret->file = fd < 0 ? NULL : fdopen(fd, "wb");
    return ret->file ? RILL_OK : rill_err_from_errno(errno);
}

enum rill_err whole_file_finish(struct whole_file *whole)
{
    const bool written = fflush(whole->file) == 0 && !ferror(whole->file) && fsync(fileno(whole->file)) == 0;
    const int why_not_written = errno;
    const bool closed = fclose(whole->file) == 0;
    whole->file = NULL;
    if (written && closed && rename(whole->beside, whole->path) == 0)
        return RILL_OK;
    const int why = written ? errno : why_not_written;
    (void)unlink(whole->beside);
    errno = why;
    return rill_err_from_errno(why);
}

void whole_file_drop(struct whole_file *whole)
{
    if (!whole->file)
        return;
    (void)fclose(whole->file);
    (void)unlink(whole->beside);
    whole->file = NULL;
}
