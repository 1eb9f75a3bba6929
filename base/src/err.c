// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *rill_err_text(enum rill_err err)
{
    static const char *const texts[] = {
#define RILL_ERR_STRING(name, text) [RILL_ERR_##name] = text,
        RILL_ERR_TABLE(RILL_ERR_STRING)
#undef RILL_ERR_STRING
    };
    const size_t count = sizeof texts / sizeof texts[0];
    return (size_t)err < count ? texts[err] : "unknown error";
}

enum rill_err rill_err_from_errno(int errno_value)
{
    switch (errno_value) {
    case 0:
        return RILL_OK;
    case ENOMEM:
        return RILL_ERR_NO_MEMORY;
    case ENOENT:
        return RILL_ERR_NOT_FOUND;
    case EEXIST:
        return RILL_ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return RILL_ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
        return RILL_ERR_NO_SPACE;
    case EMFILE:
    case ENFILE:
        return RILL_ERR_LIMIT;
    case EINVAL:
        return RILL_ERR_INVALID;
    case EAGAIN:
        return RILL_ERR_AGAIN;
    default:
        return RILL_ERR_IO;
    }
}

void rill_error_text_set(struct rill_error_text *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
}

void rill_error_text_wrap(struct rill_error_text *why, const char *format, ...)
{
    struct rill_error_text inner = *why;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    const size_t used = strlen(why->text);
    (void)snprintf(why->text + used, sizeof why->text - used, ": %s", inner.text);
}
