// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void rill_log(const struct rill_log_sink *sink, enum rill_log_level level, const char *format, ...)
{
    if (level > sink->level_max || !sink->write)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    const int needed = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (needed >= (int)sizeof line)
        memcpy(line + sizeof line - 4, "...", 4);
    sink->write(sink->context, level, line);
}

const char *rill_log_level_tag(enum rill_log_level level)
{
    static const char *const tags[] = {
#define RILL_LOG_TAG(name, tag) [RILL_LOG_##name] = tag,
        RILL_LOG_LEVEL_TABLE(RILL_LOG_TAG)
#undef RILL_LOG_TAG
    };
    return (size_t)level < sizeof tags / sizeof tags[0] ? tags[level] : "???";
}
