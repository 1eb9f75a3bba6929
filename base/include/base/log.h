// SPDX-License-Identifier: Apache-2.0
//
// The levels of the log, and the seam through which the core says something. Libraries return errors and do
// not log; the core calls the sink that it was given; the shell's sink writes lines in NATS' form.
#pragma once

#define RILL_LOG_LEVEL_TABLE(X)                                                                              \
    X(FATAL, "FTL")                                                                                          \
    X(ERROR, "ERR")                                                                                          \
    X(WARN, "WRN")                                                                                           \
    X(INFO, "INF")                                                                                           \
    X(DEBUG, "DBG")                                                                                          \
    X(TRACE, "TRC")

enum rill_log_level {
#define RILL_LOG_ENUM(name, tag) RILL_LOG_##name,
    RILL_LOG_LEVEL_TABLE(RILL_LOG_ENUM)
#undef RILL_LOG_ENUM
};

/* Where lines go. `line` has no newline and lives only during the call. Lines above `level_max` are not
 * formatted. */
struct rill_log_sink {
    void (*write)(void *context, enum rill_log_level level, const char *line);
    void *context;
    enum rill_log_level level_max;
};

/* Formats a line of at most 1 KiB (cut with "..." when longer) and hands it to the sink. */
void rill_log(const struct rill_log_sink *sink, enum rill_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The three letters of a level: "INF". */
const char *rill_log_level_tag(enum rill_log_level level);
