// SPDX-License-Identifier: Apache-2.0
#include "scalar.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

static bool word_is(struct rill_bytes word, const char *text)
{
    return word.len == strlen(text) && strncasecmp((const char *)word.data, text, word.len) == 0;
}

bool config_scalar_bool(struct rill_bytes word, bool *ret_boolean)
{
    static const char *const words[] = {"false", "true", "off", "on", "no", "yes"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (word_is(word, words[i])) {
            *ret_boolean = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static size_t digits_len(struct rill_bytes word)
{
    size_t len = 0;
    while (len < word.len && word.data[len] >= '0' && word.data[len] <= '9')
        len++;
    return len;
}

static struct rill_bytes without_minus(struct rill_bytes word, bool *ret_negative)
{
    *ret_negative = word.len && word.data[0] == '-';
    return *ret_negative ? rill_bytes_from(word, 1) : word;
}

/* The factor of "k", "KiB", ...; 0 when this is no suffix. */
static int64_t suffix_factor(struct rill_bytes suffix)
{
    static const char letters[] = "kmgtpe";
    if (!suffix.len)
        return 1;
    const char *letter = strchr(letters, tolower(suffix.data[0]));
    const struct rill_bytes rest = rill_bytes_from(suffix, 1);
    const bool binary = word_is(rest, "b") || word_is(rest, "i") || word_is(rest, "ib");
    if (!letter || !*letter || (rest.len && !binary))
        return 0;
    int64_t factor = 1;
    for (const char *at = letters; at <= letter; at++)
        factor *= binary ? 1024 : 1000;
    return factor;
}

enum rill_err config_scalar_integer(struct rill_bytes word, int64_t *ret_integer, bool *ret_suffixed)
{
    bool negative = false;
    const struct rill_bytes rest = without_minus(word, &negative);
    const size_t len = digits_len(rest);
    const int64_t factor = suffix_factor(rill_bytes_from(rest, len));
    if (!len || !factor)
        return RILL_ERR_NOT_FOUND;
    uint64_t digits = 0;
    int64_t product = 0;
    if (!rill_bytes_to_u64(rill_bytes_of(rest.data, len), INT64_MAX, &digits) ||
        __builtin_mul_overflow((int64_t)digits, factor, &product))
        return RILL_ERR_LIMIT;
    *ret_integer = negative ? -product : product;
    *ret_suffixed = len < rest.len;
    return RILL_OK;
}

bool config_scalar_float(struct rill_bytes word, double *ret_number)
{
    bool negative = false;
    const struct rill_bytes rest = without_minus(word, &negative);
    const size_t whole = digits_len(rest);
    const size_t fraction = digits_len(rill_bytes_from(rest, whole + 1));
    char text[64];
    if (!whole || !fraction || rest.data[whole] != '.' || whole + 1 + fraction != rest.len ||
        rest.len >= sizeof text)
        return false;
    memcpy(text, rest.data, rest.len);
    text[rest.len] = '\0';
    *ret_number = negative ? -strtod(text, NULL) : strtod(text, NULL);
    return true;
}

bool config_scalar_is_date(struct rill_bytes word)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    if (word.len != sizeof form - 1)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        const bool digit = word.data[i] >= '0' && word.data[i] <= '9';
        if (form[i] == '0' ? !digit : word.data[i] != (uint8_t)form[i])
            return false;
    }
    return true;
}

/* The length in nanoseconds of the unit that `text` begins with; 0 when there is none. */
static int64_t unit_ns(struct rill_bytes text, size_t *ret_len)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"ns", 1},
                 {"us", RILL_NS_PER_US},
                 {"ms", RILL_NS_PER_MS},
                 {"s", RILL_NS_PER_S},
                 {"m", 60 * RILL_NS_PER_S},
                 {"h", 3600 * RILL_NS_PER_S}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const struct rill_bytes name = rill_bytes_from_cstr(units[i].name);
        if (rill_bytes_has_prefix(text, name)) {
            *ret_len = name.len;
            return units[i].ns;
        }
    }
    return 0;
}

/* One number with its unit from the front of *text, added to *sum_ns. */
static enum rill_err duration_part(struct rill_bytes *text, double *sum_ns)
{
    const size_t whole = digits_len(*text);
    const bool dot = whole < text->len && text->data[whole] == '.';
    const size_t fraction = dot ? digits_len(rill_bytes_from(*text, whole + 1)) : 0;
    const size_t number_len = whole + (dot ? 1 + fraction : 0);
    char number[32];
    if (whole + fraction == 0 || number_len >= sizeof number)
        return RILL_ERR_INVALID;
    memcpy(number, text->data, number_len);
    number[number_len] = '\0';
    *text = rill_bytes_from(*text, number_len);
    size_t unit_len = 0;
    const int64_t unit = unit_ns(*text, &unit_len);
    if (!unit)
        return RILL_ERR_INVALID;
    *text = rill_bytes_from(*text, unit_len);
    *sum_ns += strtod(number, NULL) * (double)unit;
    return RILL_OK;
}

enum rill_err config_scalar_duration(struct rill_bytes text, int64_t *ret_ns)
{
    bool negative = false;
    struct rill_bytes rest = without_minus(text, &negative);
    double sum_ns = 0;
    if (!rest.len)
        return RILL_ERR_INVALID;
    if (rill_bytes_equal_cstr(rest, "0"))
        rest.len = 0;
    while (rest.len) {
        const enum rill_err err = duration_part(&rest, &sum_ns);
        if (err)
            return err;
    }
    if (sum_ns >= 9.2e18)
        return RILL_ERR_LIMIT;
    *ret_ns = (int64_t)(sum_ns + 0.5) * (negative ? -1 : 1);
    return RILL_OK;
}
