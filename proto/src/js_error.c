// SPDX-License-Identifier: Apache-2.0
#include "proto/js_error.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>

static const struct row {
    uint16_t err_code;
    uint16_t code;
    const char *text;
} rows[] = {
#define ROW(name, err_code, code, text) {err_code, code, text},
    RILL_JS_ERROR_TABLE(ROW)
#undef ROW
};

static const struct row *row_of(enum rill_js_error_id id)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].err_code == id)
            return &rows[i];
    RILL_UNREACHABLE();
}

// The row's text with `words` in the place of its placeholder.
static struct rill_js_error build(const struct row *row, const char *words)
{
    struct rill_js_error error = {.err_code = row->err_code, .code = row->code};
    const char *open = strchr(row->text, '{');
    RILL_ASSERT((open != NULL) == (words != NULL));
    if (open)
        (void)snprintf(error.description, sizeof error.description, "%.*s%s%s", (int)(open - row->text),
                       row->text, words, strchr(open, '}') + 1);
    else
        (void)snprintf(error.description, sizeof error.description, "%s", row->text);
    return error;
}

struct rill_js_error rill_js_error_of(enum rill_js_error_id id)
{
    return build(row_of(id), NULL);
}

struct rill_js_error rill_js_error_with(enum rill_js_error_id id, const char *format, ...)
{
    char words[sizeof((struct rill_js_error *)NULL)->description];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return build(row_of(id), words);
}

struct rill_js_error rill_js_error_not_yet(enum rill_js_error_id id, const char *field)
{
    RILL_ASSERT(id == RILL_JS_STREAM_INVALID_CONFIG || id == RILL_JS_CONSUMER_CREATE);
    return rill_js_error_with(id, "%s is not implemented yet", field);
}

void rill_js_error_view(const struct rill_js_error *error, Rill__ApiError *ret_message)
{
    rill__api_error__init(ret_message);
    ret_message->code = error->code;
    ret_message->has_err_code = true;
    ret_message->err_code = error->err_code;
    ret_message->description = (char *)error->description;
}
