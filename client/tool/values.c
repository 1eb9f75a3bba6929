// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include "base/words.h"
#include "proto/duration.h"
#include "proto/rfc3339.h"
#include "proto/subject.h"

#include <time.h>

static const struct {
    const char *word;
    const char *how;
} kinds[] = {
#define VALUE_ROW(name, value_word, value_how) {value_word, value_how},
    VALUE_TABLE(VALUE_ROW)
#undef VALUE_ROW
};

const char *value_word(enum value_kind kind)
{
    return kinds[kind].word;
}

const char *value_how(enum value_kind kind)
{
    return kinds[kind].how;
}

static bool read_count(struct rill_bytes text, int64_t *ret)
{
    uint64_t number;
    if (!rill_bytes_to_u64(text, INT64_MAX, &number))
        return false;
    *ret = (int64_t)number;
    return true;
}

static bool read_limit(struct rill_bytes text, int64_t *ret)
{
    if (!rill_bytes_equal_cstr(text, "-1"))
        return read_count(text, ret);
    *ret = -1;
    return true;
}

/* 10M is 10 * 1024 * 1024; 10MB and 10MiB are the same. */
static bool read_bytes(struct rill_bytes text, int64_t *ret)
{
    static const char units[] = "KMGT";
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    struct rill_bytes unit = rill_bytes_from(text, digits);
    if (digits == 0 || unit.len == 0)
        return read_limit(text, ret);
    const char *found = strchr(units, unit.data[0] & ~0x20);
    unit = rill_bytes_from(unit, 1);
    const bool tail = unit.len == 0 || rill_bytes_equal_cstr(unit, "B") || rill_bytes_equal_cstr(unit, "iB");
    int64_t number;
    if (!found || !*found || !tail || !read_count(rill_bytes_of(text.data, digits), &number))
        return false;
    return !__builtin_mul_overflow(number, INT64_C(1) << (10 * (found - units + 1)), ret);
}

/* As the library has them, and days. */
static bool read_duration(struct rill_bytes text, int64_t *ret)
{
    const bool days = text.len > 1 && text.data[text.len - 1] == 'd';
    int64_t number;
    if (!days)
        return rill_duration_parse(text, ret) && *ret >= 0;
    return read_count(rill_bytes_of(text.data, text.len - 1), &number) &&
           !__builtin_mul_overflow(number, 24 * 3600 * INT64_C(1000000000), ret);
}

/* A duration is kept as a negative number: its reader knows whether it lies ahead or behind. */
static bool read_time(struct rill_bytes text, int64_t *ret)
{
    int64_t duration_ns;
    if (!read_duration(text, &duration_ns))
        return rill_rfc3339_parse(text, ret) && *ret >= 0;
    *ret = -duration_ns;
    return true;
}

static bool is_choice(const char *choices, struct rill_bytes text)
{
    struct rill_bytes word;
    while (rill_next_word(&choices, &word)) {
        if (rill_bytes_equal(word, text))
            return true;
    }
    return false;
}

static bool is_pair(struct rill_bytes text)
{
    const uint8_t *colon = text.len ? memchr(text.data, ':', text.len) : NULL;
    return colon && colon > text.data;
}

static bool is_name(struct rill_bytes text, const char *forbidden)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] == 0x7f || strchr(forbidden, text.data[i]))
            return false;
    }
    return text.len > 0;
}

static bool is_bucket(struct rill_bytes text)
{
    return is_name(text, ".*>/\\:;,!?'\"$%&()[]{}<|=+~#@^`");
}

bool value_read(const struct parameter *of, const char *text, struct value *ret)
{
    const struct rill_bytes bytes = rill_bytes_from_cstr(text);
    *ret = (struct value){.of = of, .text = text};
    switch (of->kind) {
    case VALUE_COUNT:
        return read_count(bytes, &ret->number);
    case VALUE_LIMIT:
        return read_limit(bytes, &ret->number);
    case VALUE_BYTES:
        return read_bytes(bytes, &ret->number);
    case VALUE_DURATION:
        return read_duration(bytes, &ret->number);
    case VALUE_TIME:
        return read_time(bytes, &ret->number);
    case VALUE_CHOICE:
        return is_choice(of->choices, bytes);
    case VALUE_PAIR:
        return is_pair(bytes);
    case VALUE_SUBJECT:
        return rill_subject_is_valid(bytes);
    case VALUE_STREAM:
    case VALUE_CONSUMER:
    case VALUE_NAME:
        return is_name(bytes, ".*>/\\");
    case VALUE_KV_BUCKET:
    case VALUE_OBJECT_BUCKET:
    case VALUE_CONTEXT:
        return is_bucket(bytes);
    case VALUE_SWITCH:
        ret->number = strcmp(text, "no") != 0;
        return !*text || is_choice("yes no", bytes);
    case VALUE_FILE:
        return bytes.len > 0;
    case VALUE_FLAG:
    case VALUE_TEXT:
        return true;
    }
    return true;
}
