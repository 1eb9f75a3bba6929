// SPDX-License-Identifier: Apache-2.0
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

enum rill_err error_set(struct rill_error *error, enum rill_err err, const char *format, ...)
{
    if (!error)
        return err;
    *error = (struct rill_error){.err = err};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return err;
}

enum rill_err error_plain(struct rill_error *error, enum rill_err err)
{
    return err ? error_set(error, err, "%s", rill_err_text(err)) : RILL_OK;
}

const char *rill_error_string(enum rill_err err)
{
    return rill_err_text(err);
}

const char *rill_version(void)
{
    return RILL_VERSION;
}
