// SPDX-License-Identifier: Apache-2.0
//
// Checks for Nagios and Prometheus. A check measures; options named MEASURE-warn and MEASURE-critical say which values are
// bad; the worst of it is the result.
#pragma once

#include "show.h"

enum { CHECK_MEASURES_MAX = 16, CHECK_NOTE_BYTES = 160 };

enum check_level { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN }; // Nagios' exit codes

struct check_measure {
    const char *name; // also of the options
    const char *unit; // Nagios': "s", "B", "%", ""
    double value;
    double warn, critical; // negative: none
};

struct check {
    const struct call *call;
    const char *kind; // "stream"
    const char *item; // "ORDERS"
    enum check_level level;
    char note[CHECK_NOTE_BYTES]; // why it is not OK
    struct check_measure measures[CHECK_MEASURES_MAX];
    size_t measures_count;
};

/* A measure without limits. */
void check_note(struct check *check, const char *name, const char *unit, double value);
/* One that is bad at its limits and above; below them. */
void check_above(struct check *check, const char *name, const char *unit, double value);
void check_below(struct check *check, const char *name, const char *unit, double value);
/* Something is wrong that no measure tells. */
void check_fail(struct check *check, enum check_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints the result in the format wanted; gives the exit code. */
enum tool_exit check_finish(const struct check *check);

// check_run.c
enum tool_exit check_run_connection(struct call *call);
enum tool_exit check_run_stream(struct call *call);
enum tool_exit check_run_consumer(struct call *call);
enum tool_exit check_run_jetstream(struct call *call);
extern const struct parameter check_format_options[];
extern const struct parameter check_connection_options[];
extern const struct parameter check_stream_options[];
extern const struct parameter check_consumer_options[];
extern const struct parameter check_jetstream_options[];
