// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "base/assert.h"

#include <stdarg.h>

static const char *const level_words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

__attribute__((format(printf, 2, 0))) static void add_note(struct check *check, const char *format,
                                                           va_list args)
{
    const size_t used = strlen(check->note);
    if (used + 2 >= sizeof check->note)
        return;
    (void)snprintf(check->note + used, sizeof check->note - used, "%s", used ? ", " : "");
    const size_t begin = strlen(check->note);
    (void)vsnprintf(check->note + begin, sizeof check->note - begin, format, args);
}

void check_fail(struct check *check, enum check_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(check, format, args);
    va_end(args);
    if (level > check->level)
        check->level = level;
}

static struct check_measure *add(struct check *check, const char *name, const char *unit, double value)
{
    RILL_ASSERT(check->measures_count < CHECK_MEASURES_MAX);
    struct check_measure *measure = &check->measures[check->measures_count++];
    *measure = (struct check_measure){.name = name, .unit = unit, .value = value, .warn = -1, .critical = -1};
    return measure;
}

void check_note(struct check *check, const char *name, const char *unit, double value)
{
    (void)add(check, name, unit, value);
}

/* A limit from the options, in the unit of the measure; negative when there is none. */
static double limit_of(const struct check *check, const char *name, const char *end)
{
    char option[64];
    (void)snprintf(option, sizeof option, "%s-%s", name, end);
    const struct value *value = call_value(check->call, option);
    if (!value)
        return -1;
    return value->of->kind == VALUE_DURATION ? (double)value->number / 1e9 : (double)value->number;
}

static void judge(struct check *check, const char *name, const char *unit, double value, double sign)
{
    struct check_measure *measure = add(check, name, unit, value);
    measure->warn = limit_of(check, name, "warn");
    measure->critical = limit_of(check, name, "critical");
    if (measure->critical >= 0 && sign * value >= sign * measure->critical)
        check_fail(check, CHECK_CRITICAL, "%s is %g%s", name, value, unit);
    else if (measure->warn >= 0 && sign * value >= sign * measure->warn)
        check_fail(check, CHECK_WARNING, "%s is %g%s", name, value, unit);
}

void check_above(struct check *check, const char *name, const char *unit, double value)
{
    judge(check, name, unit, value, 1);
}

void check_below(struct check *check, const char *name, const char *unit, double value)
{
    judge(check, name, unit, value, -1);
}

// ---- formats ----

static void print_limit(double limit)
{
    if (limit >= 0)
        (void)printf(";%g", limit);
    else
        (void)printf(";");
}

/* "ORDERS OK | messages=5;100;200 bytes=300B;;" */
static void print_nagios(const struct check *check)
{
    (void)printf("%s %s%s%s", check->item, level_words[check->level], *check->note ? ": " : "", check->note);
    for (size_t i = 0; i < check->measures_count; i++) {
        const struct check_measure *measure = &check->measures[i];
        (void)printf("%s%s=%.10g%s", i ? " " : " | ", measure->name, measure->value, measure->unit);
        print_limit(measure->warn);
        print_limit(measure->critical);
    }
    (void)putchar('\n');
}

/* The names of metrics have no dashes; seconds and bytes are named at the end. */
static void print_metric_name(const struct check *check, const struct check_measure *measure)
{
    (void)printf("rill_%s_", check->kind);
    for (const char *c = measure->name; *c; c++)
        (void)putchar(*c == '-' ? '_' : *c);
    if (strcmp(measure->unit, "s") == 0)
        (void)printf("_seconds");
    else if (strcmp(measure->unit, "B") == 0)
        (void)printf("_bytes");
    else if (strcmp(measure->unit, "%") == 0)
        (void)printf("_percent");
}

static void print_prometheus(const struct check *check)
{
    (void)printf("# TYPE rill_%s_status gauge\nrill_%s_status{item=\"%s\",status=\"%s\"} %d\n", check->kind,
                 check->kind, check->item, level_words[check->level], (int)check->level);
    for (size_t i = 0; i < check->measures_count; i++) {
        (void)printf("# TYPE ");
        print_metric_name(check, &check->measures[i]);
        (void)printf(" gauge\n");
        print_metric_name(check, &check->measures[i]);
        (void)printf("{item=\"%s\"} %.10g\n", check->item, check->measures[i].value);
    }
}

static void print_json(const struct check *check)
{
    json_t *measures = json_object();
    for (size_t i = 0; i < check->measures_count; i++)
        (void)json_object_set_new(measures, check->measures[i].name, json_real(check->measures[i].value));
    show_line(json_pack("{s:s, s:s, s:s, s:s, s:o}", "check", check->kind, "item", check->item, "status",
                        level_words[check->level], "note", check->note, "measures", measures));
}

enum tool_exit check_finish(const struct check *check)
{
    const char *format = call_text(check->call, "format");
    if (check->call->json)
        print_json(check);
    else if (format && strcmp(format, "prometheus") == 0)
        print_prometheus(check);
    else
        print_nagios(check);
    return (enum tool_exit)check->level;
}
