// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "base/bytes.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *const verdict_texts[] = {
    [VERDICT_NONE] = "", [VERDICT_MET] = "met", [VERDICT_MISSED] = "MISSED"};

void report_format_number(double number, char ret_text[REPORT_NUMBER_BYTES])
{
    static const char *const units[] = {"", " k", " M", " G"};
    unsigned unit = 0;
    // 999.5 is where rounding would show a fourth digit.
    while (fabs(number) >= 999.5 && unit < 3) {
        number /= 1000;
        unit++;
    }
    const double size = fabs(number);
    const int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    (void)snprintf(ret_text, REPORT_NUMBER_BYTES, "%.*f%s", decimals, number, units[unit]);
}

static void goal_format(const struct row *row, char *text, size_t size)
{
    char number[REPORT_NUMBER_BYTES];
    text[0] = '\0';
    if (row->goal.kind == GOAL_RATIO_MIN)
        (void)snprintf(text, size, ">= %gx", row->goal.limit);
    if (row->goal.kind == GOAL_RATIO_MAX)
        (void)snprintf(text, size, "<= %gx", row->goal.limit);
    report_format_number(row->goal.limit, number);
    if (row->goal.kind == GOAL_VALUE_MAX)
        (void)snprintf(text, size, "<= %s %s", number, row->unit);
}

static void machine_format(char *text, size_t size)
{
    struct utsname name;
    (void)uname(&name);
    (void)snprintf(text, size, "%s %s %s, %ld cores", name.sysname, name.release, name.machine,
                   sysconf(_SC_NPROCESSORS_ONLN));
}

/* What the program answers to -v; empty when it cannot be asked. */
static void version_ask(const struct server_program *program, char *text, size_t size)
{
    char command[512];
    text[0] = '\0';
    (void)snprintf(command, sizeof command, "'%s' -v 2>&1", program->path ? program->path : "");
    FILE *pipe = program->path ? popen(command, "re") : NULL;
    if (!pipe)
        return;
    if (fgets(text, (int)size, pipe))
        text[strcspn(text, "\r\n")] = '\0';
    (void)pclose(pipe);
}

static void print_measured(const struct result *result, int side, FILE *file)
{
    const struct side_summary summary = side_summarise(&result->sides[side]);
    const double values[] = {summary.value.min, summary.value.median, summary.value.max};
    char text[REPORT_NUMBER_BYTES];
    for (size_t i = 0; i < 3; i++) {
        report_format_number(values[i], text);
        fprintf(file, " %8s", text);
    }
    fprintf(file, "  %-12s", result->row->unit);
    if (summary.server_cpu_ns_per_message > 0) {
        fprintf(file, " %8.0f ns  %7.0f %%", summary.server_cpu_ns_per_message, 100 * summary.generator_cpu);
    } else
        fprintf(file, " %11s  %9s", "", "");
}

static void print_side(const struct report *report, const struct result *result, int side, FILE *file)
{
    const struct side *measured = &result->sides[side];
    fprintf(file, "%-32s %-11s", result->row->name, report->programs[side].name);
    if (measured->count)
        print_measured(result, side, file);
    if (side == SIDE_RILLD && measured->count) {
        char ratio[REPORT_NUMBER_BYTES] = "", goal[48];
        if (result_ratio(result) > 0)
            (void)snprintf(ratio, sizeof ratio, "%.2fx", result_ratio(result));
        goal_format(result->row, goal, sizeof goal);
        fprintf(file, " %7s  %-12s %s", ratio, goal, verdict_texts[result_verdict(result)]);
    }
    fprintf(file, "\n");
    if (measured->failures)
        fprintf(file, "    FAILED %u times: %s\n", measured->failures, measured->why.text);
}

void report_print_table(const struct report *report, FILE *file)
{
    char text[256];
    machine_format(text, sizeof text);
    fprintf(file, "%s; %u rounds of %g s, %u subject(s)\n", text, report->options->rounds,
            report->options->seconds, report->options->subjects);
    for (int side = 0; side < SIDES; side++) {
        version_ask(&report->programs[side], text, sizeof text);
        fprintf(file, "%s: %s\n", report->programs[side].name,
                report->programs[side].path ? text : "skipped");
    }
    fprintf(file, "\n%-32s %-11s %8s %8s %8s  %-12s %11s  %9s %7s  %s\n", "", "", "min", "median", "max",
            "unit", "CPU/message", "generator", "ratio", "goal");
    for (size_t i = 0; i < report->results_count; i++)
        for (int side = 0; side < SIDES; side++)
            if (report->results[i].sides[side].count || report->results[i].sides[side].failures)
                print_side(report, &report->results[i], side, file);
}

static json_t *side_to_json(const struct side *side)
{
    json_t *rounds = json_array();
    for (unsigned i = 0; i < side->count; i++)
        (void)json_array_append_new(rounds, json_real(side->figures[i].value));
    json_t *object = json_pack("{s:o, s:i}", "rounds", rounds, "failures", (int)side->failures);
    if (side->failures)
        (void)json_object_set_new(object, "why", json_string(side->why.text));
    if (!side->count)
        return object;
    const struct side_summary summary = side_summarise(side);
    json_t *numbers = json_pack("{s:f, s:f, s:f, s:f, s:f}", "min", summary.value.min, "median",
                                summary.value.median, "max", summary.value.max, "server_cpu_ns_per_message",
                                summary.server_cpu_ns_per_message, "generator_cpu", summary.generator_cpu);
    (void)json_object_update(object, numbers);
    json_decref(numbers);
    return object;
}

static json_t *result_to_json(const struct report *report, const struct result *result)
{
    char goal[48];
    goal_format(result->row, goal, sizeof goal);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:f}", "name", result->row->name, "unit", result->row->unit, "goal",
                  goal, "verdict", verdict_texts[result_verdict(result)], "ratio", result_ratio(result));
    for (int side = 0; side < SIDES; side++)
        if (result->sides[side].count || result->sides[side].failures)
            (void)json_object_set_new(object, report->programs[side].name,
                                      side_to_json(&result->sides[side]));
    return object;
}

enum rill_err report_write_json(const struct report *report, FILE *file)
{
    char machine[256], versions[SIDES][128];
    machine_format(machine, sizeof machine);
    json_t *list = json_array();
    for (size_t i = 0; i < report->results_count; i++)
        (void)json_array_append_new(list, result_to_json(report, &report->results[i]));
    for (int side = 0; side < SIDES; side++)
        version_ask(&report->programs[side], versions[side], sizeof versions[side]);
    const struct options *options = report->options;
    json_t *root = json_pack("{s:s, s:{s:s, s:s}, s:i, s:f, s:i, s:o}", "machine", machine, "versions",
                             report->programs[SIDE_RILLD].name, versions[SIDE_RILLD],
                             report->programs[SIDE_NATS_SERVER].name, versions[SIDE_NATS_SERVER], "rounds",
                             (int)options->rounds, "seconds", options->seconds, "subjects",
                             (int)options->subjects, "rows", list);
    const bool written = root && json_dumpf(root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) == 0 &&
                         fputc('\n', file) != EOF && fflush(file) == 0;
    json_decref(root);
    return written ? RILL_OK : rill_err_from_errno(errno ? errno : EIO);
}
