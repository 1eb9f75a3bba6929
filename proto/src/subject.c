// SPDX-License-Identifier: Apache-2.0
#include "proto/subject.h"

static bool token_is(struct rill_bytes token, char wildcard)
{
    return token.len == 1 && token.data[0] == (uint8_t)wildcard;
}

static bool token_is_wildcard(struct rill_bytes token)
{
    return token_is(token, '*') || token_is(token, '>');
}

struct rill_bytes rill_subject_next_token(struct rill_bytes *rest)
{
    const uint8_t *dot = rest->len ? memchr(rest->data, '.', rest->len) : NULL;
    const size_t len = dot ? (size_t)(dot - rest->data) : rest->len;
    const struct rill_bytes token = rill_bytes_of(rest->data, len);
    *rest = dot ? rill_bytes_of(dot + 1, rest->len - len - 1) : rill_bytes_of(NULL, 0);
    return token;
}

static bool token_is_valid(struct rill_bytes token)
{
    for (size_t i = 0; i < token.len; i++) {
        switch (token.data[i]) {
        case ' ':
        case '\t':
        case '\r':
        case '\n':
        case '\f':
            return false;
        default:
            break;
        }
    }
    return token.len > 0;
}

bool rill_subject_is_valid(struct rill_bytes subject)
{
    if (!subject.len)
        return false;
    struct rill_bytes rest = subject;
    while (rest.data) {
        const struct rill_bytes token = rill_subject_next_token(&rest);
        if (!token_is_valid(token) || (token_is(token, '>') && rest.data))
            return false;
    }
    return true;
}

bool rill_subject_has_wildcard(struct rill_bytes subject)
{
    struct rill_bytes rest = subject;
    while (rest.data) {
        if (token_is_wildcard(rill_subject_next_token(&rest)))
            return true;
    }
    return false;
}

bool rill_subject_is_literal(struct rill_bytes subject)
{
    return rill_subject_is_valid(subject) && !rill_subject_has_wildcard(subject);
}

bool rill_subject_matches(struct rill_bytes pattern, struct rill_bytes subject)
{
    if (!pattern.len || !subject.len)
        return false;
    while (pattern.data && subject.data) {
        const struct rill_bytes wanted = rill_subject_next_token(&pattern);
        if (token_is(wanted, '>') && !pattern.data)
            return true;
        const struct rill_bytes token = rill_subject_next_token(&subject);
        if (!token_is(wanted, '*') && !rill_bytes_equal(wanted, token))
            return false;
    }
    return !pattern.data && !subject.data;
}

bool rill_subject_is_subset(struct rill_bytes inner, struct rill_bytes outer)
{
    if (!inner.len || !outer.len)
        return false;
    while (inner.data && outer.data) {
        const struct rill_bytes allowed = rill_subject_next_token(&outer);
        if (token_is(allowed, '>') && !outer.data)
            return true;
        const struct rill_bytes token = rill_subject_next_token(&inner);
        if (token_is(token, '>') && !inner.data)
            return false;
        if (!token_is(allowed, '*') && !rill_bytes_equal(allowed, token))
            return false;
    }
    return !inner.data && !outer.data;
}

bool rill_subject_overlap(struct rill_bytes a, struct rill_bytes b)
{
    if (!a.len || !b.len)
        return false;
    while (a.data && b.data) {
        const struct rill_bytes token_a = rill_subject_next_token(&a);
        const struct rill_bytes token_b = rill_subject_next_token(&b);
        if ((token_is(token_a, '>') && !a.data) || (token_is(token_b, '>') && !b.data))
            return true;
        if (!token_is(token_a, '*') && !token_is(token_b, '*') && !rill_bytes_equal(token_a, token_b))
            return false;
    }
    return !a.data && !b.data;
}

size_t rill_subject_token_count(struct rill_bytes subject)
{
    size_t count = 1;
    for (size_t i = 0; i < subject.len; i++)
        count += subject.data[i] == '.';
    return count;
}
