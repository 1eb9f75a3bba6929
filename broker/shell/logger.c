// SPDX-License-Identifier: Apache-2.0
#include "logger.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 2048 };

// ---- lines ----

static size_t format_time(char *out, size_t out_bytes, const struct logger_config *config, int64_t wall_ns)
{
    const time_t seconds = (time_t)(wall_ns / RILL_NS_PER_S);
    struct tm tm;
    (void)(config->time_utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm));
    const size_t len = strftime(out, out_bytes, "%Y/%m/%d %H:%M:%S", &tm);
    const int micros = (int)(wall_ns % RILL_NS_PER_S / RILL_NS_PER_US);
    return len + (size_t)snprintf(out + len, out_bytes - len, ".%06d ", micros);
}

size_t logger_format_prefix(char out[LOGGER_PREFIX_BYTES_MAX], const struct logger_config *config, pid_t pid,
                            int64_t wall_ns, enum rill_log_level level)
{
    size_t len = (size_t)snprintf(out, LOGGER_PREFIX_BYTES_MAX, "[%d] ", (int)pid);
    if (config->time)
        len += format_time(out + len, LOGGER_PREFIX_BYTES_MAX - len, config, wall_ns);
    return len +
           (size_t)snprintf(out + len, LOGGER_PREFIX_BYTES_MAX - len, "[%s] ", rill_log_level_tag(level));
}

static int64_t wall_now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * RILL_NS_PER_S + ts.tv_nsec;
}

// ---- files ----

static enum rill_err open_file(const char *path, int *ret_fd, struct rill_error_text *why)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) {
        rill_error_text_set(why, "log file %s: %s", path, strerror(errno));
        return rill_err_from_errno(errno);
    }
    *ret_fd = fd;
    return RILL_OK;
}

static void use_fd(struct logger *logger, int fd)
{
    struct stat info;
    if (logger->fd != STDERR_FILENO)
        (void)close(logger->fd);
    logger->fd = fd;
    logger->file_bytes = fstat(fd, &info) == 0 ? (int64_t)info.st_size : 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void folder_of(const char *path, char out[PATH_MAX])
{
    const size_t len = (size_t)(base_name(path) - path);
    (void)snprintf(out, PATH_MAX, "%.*s", (int)len, path);
    if (!len)
        (void)snprintf(out, PATH_MAX, "./");
}

/* A renamed log file is "<name>.<year>.<month>...", so names sort by age. */
static bool is_renamed(const char *name, const char *of)
{
    const size_t len = strlen(of);
    return strncmp(name, of, len) == 0 && name[len] == '.' && name[len + 1] >= '0' && name[len + 1] <= '9';
}

/* Counts the renamed files and finds the oldest one. */
static int64_t find_oldest(const char *folder, const char *of, char ret_oldest[NAME_MAX + 1])
{
    int64_t count = 0;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (!is_renamed(entry->d_name, of))
            continue;
        if (!count++ || strcmp(entry->d_name, ret_oldest) < 0)
            (void)snprintf(ret_oldest, NAME_MAX + 1, "%s", entry->d_name);
    }
    if (dir)
        (void)closedir(dir);
    return count;
}

static void remove_oldest(const struct logger_config *config)
{
    char folder[PATH_MAX];
    char oldest[NAME_MAX + 1];
    char path[PATH_MAX + NAME_MAX + 1];
    folder_of(config->file, folder);
    while (config->files_max && find_oldest(folder, base_name(config->file), oldest) > config->files_max) {
        (void)snprintf(path, sizeof path, "%s%s", folder, oldest);
        if (unlink(path) != 0)
            return;
    }
}

static void begin_anew(struct logger *logger)
{
    char renamed[PATH_MAX];
    struct rill_error_text why;
    int fd = -1;
    const int64_t now = wall_now_ns();
    const time_t seconds = (time_t)(now / RILL_NS_PER_S);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    char stamp[32];
    (void)strftime(stamp, sizeof stamp, "%Y.%m.%d.%H.%M.%S", &tm);
    (void)snprintf(renamed, sizeof renamed, "%s.%s.%09d", logger->config.file, stamp,
                   (int)(now % RILL_NS_PER_S));
    logger->file_bytes = 0; // also when it fails: not to be tried again with each line
    if (rename(logger->config.file, renamed) != 0 || open_file(logger->config.file, &fd, &why))
        return;
    use_fd(logger, fd);
    remove_oldest(&logger->config);
}

// ---- the logger ----

void logger_init(struct logger *logger)
{
    *logger = (struct logger){
        .config = {.level_max = RILL_LOG_INFO, .time = true},
        .fd = STDERR_FILENO,
        .pid = getpid(),
    };
}

void logger_fini(struct logger *logger)
{
    if (logger->fd != STDERR_FILENO)
        (void)close(logger->fd);
    logger->fd = STDERR_FILENO;
}

enum rill_err logger_configure(struct logger *logger, const struct logger_config *config,
                               struct rill_error_text *why)
{
    int fd = STDERR_FILENO;
    if (config->file) {
        const enum rill_err err = open_file(config->file, &fd, why);
        if (err)
            return err;
    }
    use_fd(logger, fd);
    logger->config = *config;
    return RILL_OK;
}

enum rill_err logger_reopen(struct logger *logger, struct rill_error_text *why)
{
    int fd = -1;
    if (!logger->config.file) {
        rill_error_text_set(why, "not a file logger");
        return RILL_ERR_UNSUPPORTED;
    }
    const enum rill_err err = open_file(logger->config.file, &fd, why);
    if (!err)
        use_fd(logger, fd);
    return err;
}

/* Prefix, message and newline. A peer's words may be in the message: it gets no line and no colours of its
 * own. */
static size_t format_line(const struct logger *logger, char out[LINE_BYTES_MAX], enum rill_log_level level,
                          const char *line)
{
    size_t len = logger_format_prefix(out, &logger->config, logger->pid, wall_now_ns(), level);
    for (; *line && len < LINE_BYTES_MAX - 1; line++)
        out[len++] = (unsigned char)*line < ' ' || *line == 0x7f ? '?' : *line;
    out[len++] = '\n';
    return len;
}

static void logger_write(void *context, enum rill_log_level level, const char *line)
{
    struct logger *logger = context;
    char text[LINE_BYTES_MAX];
    const ssize_t written = write(logger->fd, text, format_line(logger, text, level, line));
    if (written <= 0 || !logger->config.file)
        return; // there is nobody left to tell
    logger->file_bytes += written;
    if (logger->config.file_bytes_max && logger->file_bytes >= logger->config.file_bytes_max)
        begin_anew(logger);
}

struct rill_log_sink logger_sink(struct logger *logger)
{
    return (struct rill_log_sink){logger_write, logger, logger->config.level_max};
}
