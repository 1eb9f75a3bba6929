// SPDX-License-Identifier: Apache-2.0
//
// The log: one line per write to standard error or to a file, in NATS' form
//
//     [4711] 2026/08/19 12:57:43.774094 [INF] Server is ready
//
// A file that grows past its limit is renamed, with the time behind its name, and begun anew; the oldest
// renamed ones are removed when there are too many. Loop thread only (and main before the loop runs).
#pragma once

#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct logger_config {
    const char *file;       // NULL: standard error; borrowed until the next configure
    int64_t file_bytes_max; // 0: never begun anew
    int64_t files_max;      // renamed ones that are kept; 0: all
    enum rill_log_level level_max;
    bool time;
    bool time_utc;
};

struct logger {
    struct logger_config config;
    int fd;
    int64_t file_bytes; // of the current file
    pid_t pid;
};

enum { LOGGER_PREFIX_BYTES_MAX = 80 };

/* Begins with standard error. */
void logger_init(struct logger *logger);
void logger_fini(struct logger *logger);

/* Takes a new configuration. When the file cannot be opened the log goes on where it went, and `why` says it.
 */
enum rill_err logger_configure(struct logger *logger, const struct logger_config *config,
                               struct rill_error_text *why) RILL_MUST_CHECK;
/* Opens the file again under its name, because somebody has moved it. UNSUPPORTED: it is not a file. */
enum rill_err logger_reopen(struct logger *logger, struct rill_error_text *why) RILL_MUST_CHECK;

/* The sink; lives as long as the logger and is given anew after logger_configure. */
struct rill_log_sink logger_sink(struct logger *logger);

/* What stands in front of the message. Returns its length. */
size_t logger_format_prefix(char out[LOGGER_PREFIX_BYTES_MAX], const struct logger_config *config, pid_t pid,
                            int64_t wall_ns, enum rill_log_level level);
