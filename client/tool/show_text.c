// SPDX-License-Identifier: Apache-2.0
//
// One value of JSON as text for people.
#include "show.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/duration.h"
#include "proto/json_codec.h"
#include "proto/rfc3339.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { TEXT_BYTES = 64, MODEL_JSON_BYTES_MAX = 64 * 1024 * 1024 };

json_t *show_model(const ProtobufCMessage *message)
{
    struct rill_buf buf;
    rill_buf_init(&buf, MODEL_JSON_BYTES_MAX);
    json_t *json = NULL;
    if (!rill_json_encode(message, &buf))
        json = json_loadb((const char *)buf.data, buf.len, 0, NULL);
    rill_buf_fini(&buf);
    RILL_ASSERT(json); // what came as JSON can be written as JSON
    return json;
}

static int64_t whole(const json_t *value)
{
    return json_is_real(value) ? (int64_t)json_real_value(value) : json_integer_value(value);
}

/* Digits in groups of three. */
static void write_count(int64_t number, char ret[TEXT_BYTES])
{
    char digits[TEXT_BYTES];
    (void)snprintf(digits, sizeof digits, "%" PRId64, number);
    const size_t len = strlen(digits);
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        ret[out++] = digits[i];
        const size_t left = len - 1 - i;
        if (left && left % 3 == 0 && digits[i] != '-')
            ret[out++] = ',';
    }
    ret[out] = 0;
}

static void write_bytes(int64_t bytes, char ret[TEXT_BYTES])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double shown = (double)bytes;
    size_t unit = 0;
    for (; fabs(shown) >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        shown /= 1024;
    (void)snprintf(ret, TEXT_BYTES, unit ? "%.1f %s" : "%.0f %s", shown, units[unit]);
}

/* Below a minute with what is left of it, above to the second. */
static void write_duration(int64_t ns, char ret[TEXT_BYTES])
{
    static_assert((int)RILL_DURATION_BYTES_MAX <= (int)TEXT_BYTES, "durations fit");
    const int64_t second_ns = 1000000000;
    const int64_t grain_ns = ns >= 60 * second_ns ? second_ns : ns >= second_ns ? second_ns / 1000 : 1000;
    const int64_t day_ns = 24 * 3600 * second_ns;
    const int64_t days = ns >= day_ns ? ns / day_ns : 0;
    if (ns >= 1000)
        ns -= ns % grain_ns;
    const int n = days ? snprintf(ret, TEXT_BYTES, "%" PRId64 "d", days) : 0;
    if (!days || ns % day_ns)
        (void)rill_duration_write(ns % day_ns, ret + n);
}

static void write_time(const char *text, char ret[TEXT_BYTES])
{
    int64_t ns;
    struct tm local;
    (void)snprintf(ret, TEXT_BYTES, "%s", "never");
    if (!text || !rill_rfc3339_parse(rill_bytes_from_cstr(text), &ns) || ns <= 0)
        return;
    const time_t seconds = (time_t)(ns / 1000000000);
    if (localtime_r(&seconds, &local))
        (void)strftime(ret, TEXT_BYTES, "%Y-%m-%d %H:%M:%S", &local);
}

static char *list_text(const json_t *list)
{
    struct rill_buf out;
    rill_buf_init(&out, MODEL_JSON_BYTES_MAX);
    bool good = true;
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        char *text = show_text(item, SHOW_TEXT);
        good &= rill_buf_appendf(&out, "%s%s", index ? ", " : "", text) == RILL_OK;
        free(text);
    }
    char *text = rill_alloc_cstr(good ? rill_buf_bytes(&out) : RILL_BYTES("..."));
    rill_buf_fini(&out);
    return text;
}

/* What others have named must not control the terminal. */
static char *harmless_text(const char *text)
{
    char *copy = rill_alloc_cstr(rill_bytes_from_cstr(text));
    for (char *c = copy; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return copy;
}

static char *plain_text(const json_t *value)
{
    if (json_is_string(value))
        return harmless_text(json_string_value(value));
    if (json_is_array(value))
        return list_text(value);
    char *dumped = value && !json_is_null(value) ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    char *text = rill_alloc_cstr(rill_bytes_from_cstr(dumped));
    free(dumped);
    return text;
}

static void write_number(int64_t number, enum show_kind kind, char ret[TEXT_BYTES])
{
    const bool unlimited = kind == SHOW_AGE ? number == 0 : number <= 0;
    if (unlimited && (kind == SHOW_LIMIT || kind == SHOW_CAP || kind == SHOW_AGE))
        (void)snprintf(ret, TEXT_BYTES, "unlimited");
    else if (kind == SHOW_BYTES || kind == SHOW_CAP)
        write_bytes(number, ret);
    else if (kind == SHOW_DURATION || kind == SHOW_AGE)
        write_duration(number, ret);
    else
        write_count(number, ret);
}

char *show_text(const json_t *value, enum show_kind kind)
{
    char text[TEXT_BYTES] = "";
    if (kind == SHOW_TEXT || !value || json_is_null(value))
        return plain_text(value);
    if (kind == SHOW_TIME)
        write_time(json_string_value(value), text);
    else if (kind == SHOW_FLAG)
        (void)snprintf(text, sizeof text, "%s", json_is_true(value) ? "yes" : "no");
    else if (kind == SHOW_RATE || kind == SHOW_RATIO)
        (void)snprintf(text, sizeof text, "%.1f%s", json_number_value(value), kind == SHOW_RATE ? "/s" : "");
    else
        write_number(whole(value), kind, text);
    return rill_alloc_cstr(rill_bytes_from_cstr(text));
}
