// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 16384 };

/* Counts in the whole lines of `text`; how many bytes these had. */
static size_t count_lines(struct progress *progress, char *text)
{
    char *line = text;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        progress->lines += strstr(line, progress->mark) != NULL;
    }
    return (size_t)(line - text);
}

size_t progress_lines(struct progress *progress)
{
    const int fd = open(progress->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return progress->lines;
    char text[READ_BYTES + 1];
    ssize_t got;
    while ((got = pread(fd, text, READ_BYTES, progress->read_to_bytes)) > 0) {
        text[got] = '\0';
        const size_t used = count_lines(progress, text);
        progress->read_to_bytes += (off_t)used;
        if (used == 0)
            break;
    }
    close(fd);
    return progress->lines;
}
