// SPDX-License-Identifier: Apache-2.0
#include "subject_transform.h"

#include <strings.h>

/* What a function is given besides its name. */
enum shape {
    TAKES_WILDCARD,         // (w)
    TAKES_WILDCARD_NUMBER,  // (w, n)
    TAKES_WILDCARD_TEXT,    // (w, text)
    TAKES_NUMBER,           // (n)
    TAKES_NUMBER_WILDCARDS, // (n) or (n, w, ...)
};

static const struct function {
    const char *name;
    enum transform_op op;
    enum shape shape;
} functions[] = {
    {"wildcard", TRANSFORM_WILDCARD, TAKES_WILDCARD},
    {"partition", TRANSFORM_PARTITION, TAKES_NUMBER_WILDCARDS},
    {"split", TRANSFORM_SPLIT, TAKES_WILDCARD_TEXT},
    {"splitfromleft", TRANSFORM_SPLIT_LEFT, TAKES_WILDCARD_NUMBER},
    {"splitfromright", TRANSFORM_SPLIT_RIGHT, TAKES_WILDCARD_NUMBER},
    {"slicefromleft", TRANSFORM_SLICE_LEFT, TAKES_WILDCARD_NUMBER},
    {"slicefromright", TRANSFORM_SLICE_RIGHT, TAKES_WILDCARD_NUMBER},
    {"left", TRANSFORM_LEFT, TAKES_WILDCARD_NUMBER},
    {"right", TRANSFORM_RIGHT, TAKES_WILDCARD_NUMBER},
    {"random", TRANSFORM_RANDOM, TAKES_NUMBER},
};

static enum rill_err fail(struct rill_bytes token, const char *reason, struct rill_error_text *why)
{
    rill_error_text_set(why, "invalid mapping destination: %s in " RILL_PRI, reason, RILL_ARG(token));
    return RILL_ERR_INVALID;
}

static struct rill_bytes trim(struct rill_bytes text)
{
    while (text.len && text.data[0] == ' ')
        text = rill_bytes_from(text, 1);
    while (text.len && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* Takes off what stands before the next comma; false when nothing is left. */
static bool next_argument(struct rill_bytes *rest, struct rill_bytes *ret)
{
    if (!rest->data)
        return false;
    const uint8_t *comma = rest->len ? memchr(rest->data, ',', rest->len) : NULL;
    const size_t len = comma ? (size_t)(comma - rest->data) : rest->len;
    *ret = trim(rill_bytes_of(rest->data, len));
    *rest = comma ? rill_bytes_of(comma + 1, rest->len - len - 1) : rill_bytes_of(NULL, 0);
    return true;
}

/* The n-th `*` of the source, counted from 1. */
static bool take_wildcard(const struct rill_subject_transform *transform, struct rill_bytes text,
                          struct transform_piece *piece)
{
    uint64_t number;
    if (!rill_bytes_to_u64(text, transform->wildcard_count, &number) || number == 0 ||
        piece->token_count == TRANSFORM_ARGUMENTS_MAX)
        return false;
    piece->tokens[piece->token_count++] = transform->wildcards[number - 1];
    return true;
}

static bool take_number(struct rill_bytes text, struct transform_piece *piece)
{
    uint64_t number;
    if (!rill_bytes_to_u64(text, INT32_MAX, &number))
        return false;
    piece->number = (uint32_t)number;
    return true;
}

static bool take_text(struct rill_bytes text, struct transform_piece *piece)
{
    piece->text = text;
    return text.len && !memchr(text.data, ' ', text.len) && !memchr(text.data, '.', text.len);
}

/* True when exactly the arguments that the shape names are there. */
static bool take_arguments(const struct rill_subject_transform *transform, enum shape shape,
                           struct rill_bytes rest, struct transform_piece *piece)
{
    struct rill_bytes first;
    struct rill_bytes next;
    if (!next_argument(&rest, &first))
        return false;
    switch (shape) {
    case TAKES_WILDCARD:
        return !rest.data && take_wildcard(transform, first, piece);
    case TAKES_NUMBER:
        return !rest.data && take_number(first, piece);
    case TAKES_WILDCARD_NUMBER:
        return next_argument(&rest, &next) && !rest.data && take_wildcard(transform, first, piece) &&
               take_number(next, piece);
    case TAKES_WILDCARD_TEXT:
        return next_argument(&rest, &next) && !rest.data && take_wildcard(transform, first, piece) &&
               take_text(next, piece);
    case TAKES_NUMBER_WILDCARDS:
        if (!take_number(first, piece))
            return false;
        while (next_argument(&rest, &next)) {
            if (!take_wildcard(transform, next, piece))
                return false;
        }
        return true;
    }
    return false;
}

/* "name(arguments)" from between the braces. */
static enum rill_err parse_function(const struct rill_subject_transform *transform, struct rill_bytes token,
                                    struct transform_piece *ret, struct rill_error_text *why)
{
    const struct rill_bytes call = trim(rill_bytes_of(token.data + 2, token.len - 4));
    const uint8_t *open = call.len ? memchr(call.data, '(', call.len) : NULL;
    if (!open || call.data[call.len - 1] != ')')
        return fail(token, "unknown function", why);
    const struct rill_bytes name = trim(rill_bytes_of(call.data, (size_t)(open - call.data)));
    const struct rill_bytes arguments = rill_bytes_of(open + 1, call.len - (size_t)(open - call.data) - 2);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (strlen(functions[i].name) != name.len ||
            strncasecmp(functions[i].name, (const char *)name.data, name.len) != 0)
            continue;
        ret->op = functions[i].op;
        if (!take_arguments(transform, functions[i].shape, arguments, ret))
            return fail(token, "function argument is invalid or in the wrong format", why);
        return RILL_OK;
    }
    return fail(token, "unknown function", why);
}

static bool is_call(struct rill_bytes token)
{
    return token.len > 4 && token.data[0] == '{' && token.data[1] == '{' &&
           token.data[token.len - 2] == '}' && token.data[token.len - 1] == '}';
}

enum rill_err transform_parse_token(const struct rill_subject_transform *transform, struct rill_bytes token,
                                    struct transform_piece *ret, struct rill_error_text *why)
{
    uint64_t number;
    *ret = (struct transform_piece){.op = TRANSFORM_TEXT, .text = token};
    if (is_call(token))
        return parse_function(transform, token, ret, why);
    if (token.data[0] == '$' && rill_bytes_to_u64(rill_bytes_from(token, 1), UINT32_MAX, &number)) {
        ret->op = TRANSFORM_WILDCARD;
        if (!take_wildcard(transform, rill_bytes_from(token, 1), ret))
            return fail(token, "wildcard index out of range", why);
    } else if (rill_bytes_equal(token, RILL_BYTES(">"))) {
        ret->op = TRANSFORM_REST;
    }
    return RILL_OK;
}
