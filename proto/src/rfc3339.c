// SPDX-License-Identifier: Apache-2.0
//
// Days are counted in years that begin in March, so that the leap day is the last day of its year, and in
// eras of 400 years, which all have the same number of days.
#include "proto/rfc3339.h"

#include "base/clock.h"

enum { DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468, SECONDS_PER_DAY = 86400 };

struct civil {
    int64_t year;
    unsigned month; // 1 to 12
    unsigned day;   // 1 to 31
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t days_from_civil(struct civil date)
{
    const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const int64_t era = floor_div(year, 400);
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year =
        (153 * ((int64_t)date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           DAYS_TO_1970;
}

static struct civil civil_from_days(int64_t days)
{
    const int64_t shifted = days + DAYS_TO_1970;
    const int64_t era = floor_div(shifted, DAYS_PER_ERA);
    const int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted_month = (5 * day_of_year + 2) / 153;
    const unsigned month = (unsigned)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    return (struct civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = (unsigned)(day_of_year - (153 * shifted_month + 2) / 5 + 1),
    };
}

static char *put_digits(char *out, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + count;
}

static char *put_date(char *out, struct civil date)
{
    out = put_digits(out, date.year, 4);
    *out++ = '-';
    out = put_digits(out, date.month, 2);
    *out++ = '-';
    return put_digits(out, date.day, 2);
}

static char *put_clock(char *out, int64_t second_of_day)
{
    out = put_digits(out, second_of_day / 3600, 2);
    *out++ = ':';
    out = put_digits(out, second_of_day / 60 % 60, 2);
    *out++ = ':';
    return put_digits(out, second_of_day % 60, 2);
}

static char *put_fraction(char *out, int64_t ns)
{
    if (ns == 0)
        return out;
    *out++ = '.';
    out = put_digits(out, ns, 9);
    while (out[-1] == '0')
        out--;
    return out;
}

size_t rill_rfc3339_format(int64_t unix_ns, char ret_text[RILL_RFC3339_BYTES_MAX])
{
    if (unix_ns == RILL_TIME_ZERO_NS) {
        const struct rill_bytes zero = RILL_BYTES("0001-01-01T00:00:00Z");
        memcpy(ret_text, zero.data, zero.len);
        return zero.len;
    }
    const int64_t seconds = floor_div(unix_ns, RILL_NS_PER_S);
    // Not unix_ns - seconds * 10^9: near INT64_MIN that product does not fit.
    const int64_t fraction = (unix_ns % RILL_NS_PER_S + RILL_NS_PER_S) % RILL_NS_PER_S;
    const int64_t days = floor_div(seconds, SECONDS_PER_DAY);
    char *out = put_date(ret_text, civil_from_days(days));
    *out++ = 'T';
    out = put_clock(out, seconds - days * SECONDS_PER_DAY);
    out = put_fraction(out, fraction);
    *out++ = 'Z';
    return (size_t)(out - ret_text);
}

// ---- Parsing: each take_ function removes what it read from the front of the text
// -------------------------------------

static bool take_char(struct rill_bytes *text, char wanted)
{
    if (text->len == 0 || text->data[0] != (uint8_t)wanted)
        return false;
    *text = rill_bytes_from(*text, 1);
    return true;
}

static bool take_number(struct rill_bytes *text, size_t digits, unsigned min, unsigned max, unsigned *ret)
{
    uint64_t value = 0;
    if (text->len < digits || !rill_bytes_to_u64(rill_bytes_of(text->data, digits), max, &value) ||
        value < min)
        return false;
    *text = rill_bytes_from(*text, digits);
    *ret = (unsigned)value;
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 2)
        return leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool take_date(struct rill_bytes *text, int64_t *ret_days)
{
    unsigned year = 0, month = 0, day = 0;
    if (!take_number(text, 4, 0, 9999, &year) || !take_char(text, '-') ||
        !take_number(text, 2, 1, 12, &month) || !take_char(text, '-') ||
        !take_number(text, 2, 1, days_in_month(year, month), &day))
        return false;
    *ret_days = days_from_civil((struct civil){year, month, day});
    return true;
}

static bool take_clock(struct rill_bytes *text, int64_t *ret_seconds)
{
    unsigned hour = 0, minute = 0, second = 0;
    if (!take_number(text, 2, 0, 23, &hour) || !take_char(text, ':') ||
        !take_number(text, 2, 0, 59, &minute) || !take_char(text, ':') ||
        !take_number(text, 2, 0, 59, &second))
        return false;
    *ret_seconds = (int64_t)hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_fraction(struct rill_bytes *text, int64_t *ret_ns)
{
    *ret_ns = 0;
    if (!take_char(text, '.'))
        return true;
    size_t digits = 0;
    int64_t unit = RILL_NS_PER_S / 10;
    for (; digits < text->len && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++) {
        *ret_ns += (text->data[digits] - '0') * unit;
        unit /= 10;
    }
    *text = rill_bytes_from(*text, digits);
    return digits > 0;
}

static bool take_offset(struct rill_bytes *text, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (take_char(text, 'Z'))
        return true;
    const bool east = take_char(text, '+');
    unsigned hours = 0, minutes = 0;
    if ((!east && !take_char(text, '-')) || !take_number(text, 2, 0, 23, &hours) || !take_char(text, ':') ||
        !take_number(text, 2, 0, 59, &minutes))
        return false;
    const int64_t seconds = (int64_t)hours * 3600 + minutes * 60;
    *ret_seconds = east ? seconds : -seconds;
    return true;
}

bool rill_rfc3339_parse(struct rill_bytes text, int64_t *ret_unix_ns)
{
    int64_t days = 0, clock = 0, fraction = 0, offset = 0;
    if (!take_date(&text, &days) || !take_char(&text, 'T') || !take_clock(&text, &clock) ||
        !take_fraction(&text, &fraction) || !take_offset(&text, &offset) || text.len != 0)
        return false;
    const int64_t seconds = days * SECONDS_PER_DAY + clock - offset;
    if (seconds == days_from_civil((struct civil){1, 1, 1}) * SECONDS_PER_DAY && fraction == 0) {
        *ret_unix_ns = RILL_TIME_ZERO_NS;
        return true;
    }
    int64_t ns = 0;
    if (__builtin_mul_overflow(seconds, RILL_NS_PER_S, &ns) || __builtin_add_overflow(ns, fraction, &ns))
        return false;
    *ret_unix_ns = ns;
    return true;
}
