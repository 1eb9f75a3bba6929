// SPDX-License-Identifier: Apache-2.0
#include "proto/duration.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", RILL_NS_PER_US},
    {"\xC2\xB5s", RILL_NS_PER_US}, // micro sign
    {"\xCE\xBCs", RILL_NS_PER_US}, // Greek letter mu
    {"ms", RILL_NS_PER_MS},
    {"s", RILL_NS_PER_S},
    {"m", 60 * RILL_NS_PER_S},
    {"h", 3600 * RILL_NS_PER_S},
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static struct rill_bytes take_while(struct rill_bytes *text, bool digits_and_dot)
{
    size_t len = 0;
    while (len < text->len && (is_digit(text->data[len]) || text->data[len] == '.') == digits_and_dot)
        len++;
    const struct rill_bytes taken = rill_bytes_of(text->data, len);
    *text = rill_bytes_from(*text, len);
    return taken;
}

static bool unit_find(struct rill_bytes name, int64_t *ret_ns)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (rill_bytes_equal_cstr(name, units[i].name)) {
            *ret_ns = units[i].ns;
            return true;
        }
    }
    return false;
}

// The digits behind the dot, as a part of the unit; what is smaller than a nanosecond is cut.
static int64_t fraction_ns(struct rill_bytes digits, int64_t unit_ns)
{
    double value = 0, scale = 1;
    for (size_t i = 0; i < digits.len && i < 18; i++) {
        scale *= 10;
        value = value * 10 + (digits.data[i] - '0');
    }
    return (int64_t)(value * ((double)unit_ns / scale));
}

static bool number_to_ns(struct rill_bytes number, int64_t unit_ns, int64_t *ret_ns)
{
    const uint8_t *dot = number.len ? memchr(number.data, '.', number.len) : NULL;
    const size_t whole_len = dot ? (size_t)(dot - number.data) : number.len;
    const struct rill_bytes digits = rill_bytes_from(number, whole_len + 1);
    uint64_t whole = 0;
    if (whole_len + digits.len == 0 || (digits.len && memchr(digits.data, '.', digits.len)))
        return false;
    if (whole_len && !rill_bytes_to_u64(rill_bytes_of(number.data, whole_len), INT64_MAX, &whole))
        return false;
    int64_t ns = 0;
    if (__builtin_mul_overflow((int64_t)whole, unit_ns, &ns))
        return false;
    return !__builtin_add_overflow(ns, fraction_ns(digits, unit_ns), ret_ns);
}

static bool take_part(struct rill_bytes *text, int64_t *total_ns)
{
    const struct rill_bytes number = take_while(text, true);
    const struct rill_bytes unit = take_while(text, false);
    int64_t unit_ns = 0, part_ns = 0;
    return unit_find(unit, &unit_ns) && number_to_ns(number, unit_ns, &part_ns) &&
           !__builtin_add_overflow(*total_ns, part_ns, total_ns);
}

bool rill_duration_parse(struct rill_bytes text, int64_t *ret_ns)
{
    const bool negative = text.len && text.data[0] == '-';
    if (text.len && (text.data[0] == '-' || text.data[0] == '+'))
        text = rill_bytes_from(text, 1);
    int64_t total_ns = 0;
    if (rill_bytes_equal_cstr(text, "0"))
        text = rill_bytes_of(NULL, 0);
    else if (text.len == 0)
        return false;
    while (text.len)
        if (!take_part(&text, &total_ns))
            return false;
    *ret_ns = negative ? -total_ns : total_ns;
    return true;
}

// ---- writing ----

// "1.5" of 1500 parts of 1000, without zeros at the end.
static size_t write_fraction(uint64_t value, uint64_t unit, char *to, size_t size)
{
    size_t len = (size_t)snprintf(to, size, "%" PRIu64, value / unit);
    uint64_t rest = value % unit;
    if (rest)
        to[len++] = '.';
    while (rest) {
        unit /= 10;
        to[len++] = (char)('0' + rest / unit);
        rest %= unit;
    }
    to[len] = 0;
    return len;
}

static void write_short(uint64_t ns, char *to, size_t size)
{
    const size_t unit = ns < 1000 ? 0 : ns < 1000 * 1000 ? 2 : 4; // of the table above: with the micro sign
    const size_t len = write_fraction(ns, (uint64_t)units[unit].ns, to, size);
    (void)snprintf(to + len, size - len, "%s", units[unit].name);
}

static void write_long(uint64_t ns, char *to, size_t size)
{
    const uint64_t minutes = ns / (60 * RILL_NS_PER_S);
    size_t len = 0;
    if (minutes >= 60)
        len += (size_t)snprintf(to, size, "%" PRIu64 "h", minutes / 60);
    if (minutes)
        len += (size_t)snprintf(to + len, size - len, "%" PRIu64 "m", minutes % 60);
    len += write_fraction(ns % (60 * RILL_NS_PER_S), RILL_NS_PER_S, to + len, size - len);
    (void)snprintf(to + len, size - len, "s");
}

const char *rill_duration_write(int64_t duration_ns, char text[RILL_DURATION_BYTES_MAX])
{
    const uint64_t ns = duration_ns < 0 ? 0 - (uint64_t)duration_ns : (uint64_t)duration_ns;
    char *to = text;
    if (duration_ns < 0)
        *to++ = '-';
    const size_t size = RILL_DURATION_BYTES_MAX - (size_t)(to - text);
    if (ns && ns < RILL_NS_PER_S)
        write_short(ns, to, size);
    else
        write_long(ns, to, size);
    return text;
}
