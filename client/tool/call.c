// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdlib.h>

static bool has_parameter(const struct parameter *rows, const char *name)
{
    for (; rows && rows->name; rows++) {
        if (strcmp(rows->name, name) == 0)
            return true;
    }
    return false;
}

static bool is_known(const struct command *command, const char *name)
{
    for (size_t i = 0; i < OPTION_GROUPS_MAX; i++) {
        if (has_parameter(command->options[i], name))
            return true;
    }
    return has_parameter(command->arguments, name) || has_parameter(tool_common_options, name);
}

static bool is_of(const struct value *value, const char *name)
{
    return strcmp(value->of->name, name) == 0;
}

const struct value *call_value(const struct call *call, const char *name)
{
    RILL_ASSERT(is_known(call->command, name));
    for (size_t i = call->values_count; i > 0; i--) {
        if (is_of(&call->values[i - 1], name))
            return &call->values[i - 1];
    }
    return NULL;
}

bool call_has(const struct call *call, const char *name)
{
    return call_value(call, name) != NULL;
}

const char *call_text(const struct call *call, const char *name)
{
    const struct value *value = call_value(call, name);
    return value ? value->text : NULL;
}

int64_t call_number(const struct call *call, const char *name, int64_t otherwise)
{
    const struct value *value = call_value(call, name);
    return value ? value->number : otherwise;
}

int64_t call_ms(const struct call *call, const char *name, int64_t otherwise_ms)
{
    const struct value *value = call_value(call, name);
    const int64_t ns_per_ms = 1000000;
    return value ? value->number / ns_per_ms + (value->number % ns_per_ms != 0) : otherwise_ms;
}

const char *call_next_text(const struct call *call, const char *name, size_t *at)
{
    RILL_ASSERT(is_known(call->command, name));
    while (*at < call->values_count) {
        const struct value *value = &call->values[(*at)++];
        if (is_of(value, name))
            return value->text;
    }
    return NULL;
}

size_t call_count(const struct call *call, const char *name)
{
    size_t count = 0;
    for (size_t at = 0; call_next_text(call, name, &at);)
        count++;
    return count;
}

__attribute__((format(printf, 2, 0))) static void print_line(const struct call *call, const char *format,
                                                             va_list args, const char *tail)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "rill%s%s: ", call->command ? " " : "", call->command ? call->command->name : "");
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "%s\n", tail);
}

enum tool_exit call_fail(const struct call *call, enum tool_exit code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(call, format, args, "");
    va_end(args);
    return code;
}

enum tool_exit call_usage(const struct call *call, const char *format, ...)
{
    char tail[128];
    (void)snprintf(tail, sizeof tail, " (rill %s --help)", call->command ? call->command->name : "");
    va_list args;
    va_start(args, format);
    print_line(call, format, args, call->command ? tail : " (rill --help)");
    va_end(args);
    return TOOL_USAGE;
}

static enum tool_exit exit_of(enum rill_err err)
{
    switch (err) {
    case RILL_ERR_NOT_FOUND:
    case RILL_ERR_NO_RESPONDERS:
        return TOOL_NOTHING;
    case RILL_ERR_TIMEOUT:
        return TOOL_TIMEOUT;
    case RILL_ERR_DISCONNECTED:
    case RILL_ERR_CLOSED:
        return TOOL_NO_SERVER;
    default:
        return TOOL_FAILED;
    }
}

enum tool_exit call_error(const struct call *call, enum rill_err err, const struct rill_error *error,
                          const char *what)
{
    const char *text = error && error->text[0] ? error->text : rill_error_string(err);
    const char *colon = what && *what ? ": " : "";
    if (error && error->err_code)
        return call_fail(call, exit_of(err), "%s%s%s (%u)", what ? what : "", colon, text, error->err_code);
    return call_fail(call, exit_of(err), "%s%s%s", what ? what : "", colon, text);
}

void call_fini(struct call *call)
{
    free(call->values);
    *call = (struct call){0};
}
