// SPDX-License-Identifier: Apache-2.0
#include "query.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool decode(struct rill_bytes text, char ret_value[QUERY_VALUE_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (len + 1 == QUERY_VALUE_MAX)
            return false;
        uint8_t c = text.data[i] == '+' ? ' ' : text.data[i];
        if (c == '%' && text.len - i > 2 && hex_digit(text.data[i + 1]) >= 0 &&
            hex_digit(text.data[i + 2]) >= 0) {
            c = (uint8_t)(hex_digit(text.data[i + 1]) * 16 + hex_digit(text.data[i + 2]));
            i += 2;
        }
        ret_value[len++] = (char)c;
    }
    ret_value[len] = '\0';
    return true;
}

bool query_text(struct rill_bytes query, const char *name, char ret_value[QUERY_VALUE_MAX])
{
    const size_t name_len = strlen(name);
    while (query.len) {
        const uint8_t *end = memchr(query.data, '&', query.len);
        const size_t len = end ? (size_t)(end - query.data) : query.len;
        if (len > name_len && query.data[name_len] == '=' && memcmp(query.data, name, name_len) == 0)
            return decode(rill_bytes_of(query.data + name_len + 1, len - name_len - 1), ret_value);
        query = rill_bytes_from(query, end ? len + 1 : len);
    }
    return false;
}

enum rill_err query_number(struct rill_bytes query, const char *name, uint64_t *ret,
                           struct rill_error_text *why)
{
    char value[QUERY_VALUE_MAX];
    if (!query_text(query, name, value) || !value[0])
        return RILL_OK;
    if (rill_bytes_to_u64(rill_bytes_from_cstr(value), INT64_MAX, ret))
        return RILL_OK;
    rill_error_text_set(why, "Error decoding int for '%s': \"%s\" is no number", name, value);
    return RILL_ERR_INVALID;
}

enum rill_err query_bool(struct rill_bytes query, const char *name, bool *ret, struct rill_error_text *why)
{
    char value[QUERY_VALUE_MAX];
    if (!query_text(query, name, value) || !value[0])
        return RILL_OK;
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *ret = strcmp(value, yes[i]) == 0;
            return RILL_OK;
        }
    }
    rill_error_text_set(why, "Error decoding boolean for '%s': \"%s\" is neither true nor false", name,
                        value);
    return RILL_ERR_INVALID;
}
