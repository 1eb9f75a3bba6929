// SPDX-License-Identifier: Apache-2.0
#include "subject_transform.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/decimal.h"
#include "proto/subject.h"

#include <stdlib.h>

// ---- making ----

static enum rill_err bad_subject(struct rill_error_text *why)
{
    rill_error_text_set(why, "invalid subject");
    return RILL_ERR_INVALID;
}

static enum rill_err read_source(struct rill_subject_transform *transform, struct rill_error_text *why)
{
    struct rill_bytes rest = rill_bytes_from_cstr(transform->source);
    if (!rill_subject_is_valid(rest) || rill_subject_token_count(rest) > TRANSFORM_TOKENS_MAX)
        return bad_subject(why);
    while (rest.data) {
        const struct rill_bytes token = rill_subject_next_token(&rest);
        if (rill_bytes_equal(token, RILL_BYTES(">"))) {
            transform->has_rest = true;
            return RILL_OK;
        }
        if (rill_bytes_equal(token, RILL_BYTES("*")))
            transform->wildcards[transform->wildcard_count++] = transform->token_count;
        transform->token_count++;
    }
    return RILL_OK;
}

static bool has_blank(struct rill_bytes token)
{
    for (size_t i = 0; i < token.len; i++) {
        if (memchr(" \t\r\n\f", token.data[i], 5))
            return true;
    }
    return false;
}

static enum rill_err read_destination(struct rill_subject_transform *transform, struct rill_error_text *why)
{
    struct rill_bytes rest = rill_bytes_from_cstr(transform->destination);
    bool ended = false;
    transform->pieces = rill_alloc_zero(rill_subject_token_count(rest), sizeof *transform->pieces);
    while (rest.data) {
        const struct rill_bytes token = rill_subject_next_token(&rest);
        if (!token.len || ended || rill_bytes_equal(token, RILL_BYTES("*")))
            return bad_subject(why);
        struct transform_piece *piece = &transform->pieces[transform->piece_count++];
        const enum rill_err err = transform_parse_token(transform, token, piece, why);
        if (err)
            return err;
        if (piece->op == TRANSFORM_TEXT && has_blank(token))
            return bad_subject(why);
        ended = piece->op == TRANSFORM_REST;
    }
    return ended == transform->has_rest ? RILL_OK : bad_subject(why);
}

enum rill_err rill_subject_transform_create(struct rill_bytes source, struct rill_bytes destination,
                                            struct rill_subject_transform **ret, struct rill_error_text *why)
{
    struct rill_subject_transform *transform = rill_alloc_zero(1, sizeof *transform);
    transform->source = rill_alloc_cstr(source.len ? source : RILL_BYTES(">"));
    transform->destination = rill_alloc_cstr(destination);
    enum rill_err err = read_source(transform, why);
    if (!err)
        err = destination.len ? read_destination(transform, why) : bad_subject(why);
    if (err)
        rill_subject_transform_destroy(transform);
    else
        *ret = transform;
    return err;
}

void rill_subject_transform_destroy(struct rill_subject_transform *transform)
{
    if (!transform)
        return;
    free(transform->source);
    free(transform->destination);
    free(transform->pieces);
    free(transform);
}

// ---- applying ----

/* One subject on its way through a transform. The first error sticks. */
struct run {
    struct rill_bytes subject;
    struct rill_bytes tokens[TRANSFORM_TOKENS_MAX];
    struct rill_bytes rest; // behind those
    struct rill_random *random;
    struct rill_buf *out;
    enum rill_err err;
};

static void put(struct run *run, struct rill_bytes bytes)
{
    if (!run->err)
        run->err = rill_buf_append(run->out, bytes);
}

static void put_number(struct run *run, uint64_t number)
{
    char digits[RILL_DECIMAL_BYTES_MAX];
    put(run, rill_bytes_of(digits, rill_decimal_write(number, digits)));
}

/* The parts of a token with dots between, without the empty ones. */
static void put_parts(struct run *run, struct rill_bytes first, struct rill_bytes second)
{
    put(run, first);
    if (first.len && second.len)
        put(run, RILL_BYTES("."));
    put(run, second);
}

static uint32_t fnv1a(uint32_t hash, struct rill_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.data[i]) * 16777619u;
    return hash;
}

static void put_partition(struct run *run, const struct transform_piece *piece)
{
    uint32_t hash = 2166136261u;
    if (!piece->token_count)
        hash = fnv1a(hash, run->subject);
    for (uint8_t i = 0; i < piece->token_count; i++)
        hash = fnv1a(hash, run->tokens[piece->tokens[i]]);
    put_number(run, piece->number ? hash % piece->number : 0);
}

static void put_split(struct run *run, struct rill_bytes token, struct rill_bytes separator)
{
    bool any = false;
    while (token.len) {
        const uint8_t *found = memmem(token.data, token.len, separator.data, separator.len);
        const size_t len = found ? (size_t)(found - token.data) : token.len;
        if (len && any)
            put(run, RILL_BYTES("."));
        put(run, rill_bytes_of(token.data, len));
        any = any || len;
        token = rill_bytes_from(token, found ? len + separator.len : len);
    }
}

/* Pieces of `size`; what does not fill one comes first or last. */
static void put_slices(struct run *run, struct rill_bytes token, size_t size, bool odd_first)
{
    size_t len = odd_first && token.len % size ? token.len % size : size;
    while (token.len) {
        if (len > token.len)
            len = token.len;
        put(run, rill_bytes_of(token.data, len));
        token = rill_bytes_from(token, len);
        if (token.len)
            put(run, RILL_BYTES("."));
        len = size;
    }
}

/* A token cut at a number of bytes, when it is longer than that. */
static void put_cut(struct run *run, const struct transform_piece *piece)
{
    const struct rill_bytes token = run->tokens[piece->tokens[0]];
    const size_t size = piece->number;
    if (size == 0 || size >= token.len) {
        put(run, token);
        return;
    }
    const size_t right_at = token.len - size;
    switch (piece->op) {
    case TRANSFORM_SPLIT_LEFT:
        put_parts(run, rill_bytes_of(token.data, size), rill_bytes_from(token, size));
        return;
    case TRANSFORM_SPLIT_RIGHT:
        put_parts(run, rill_bytes_of(token.data, right_at), rill_bytes_from(token, right_at));
        return;
    case TRANSFORM_SLICE_LEFT:
    case TRANSFORM_SLICE_RIGHT:
        put_slices(run, token, size, piece->op == TRANSFORM_SLICE_RIGHT);
        return;
    case TRANSFORM_LEFT:
        put(run, rill_bytes_of(token.data, size));
        return;
    case TRANSFORM_RIGHT:
        put(run, rill_bytes_from(token, right_at));
        return;
    default:
        RILL_UNREACHABLE();
    }
}

static void put_piece(struct run *run, const struct transform_piece *piece)
{
    switch (piece->op) {
    case TRANSFORM_TEXT:
        put(run, piece->text);
        return;
    case TRANSFORM_REST:
        put(run, run->rest);
        return;
    case TRANSFORM_WILDCARD:
        put(run, run->tokens[piece->tokens[0]]);
        return;
    case TRANSFORM_PARTITION:
        put_partition(run, piece);
        return;
    case TRANSFORM_SPLIT:
        put_split(run, run->tokens[piece->tokens[0]], piece->text);
        return;
    case TRANSFORM_RANDOM:
        put_number(run, piece->number ? rill_random_below(run->random, piece->number) : 0);
        return;
    default:
        put_cut(run, piece);
    }
}

enum rill_err rill_subject_transform_apply(const struct rill_subject_transform *transform,
                                           struct rill_bytes subject, struct rill_random *random,
                                           struct rill_buf *out)
{
    if (!rill_subject_matches(rill_bytes_from_cstr(transform->source), subject))
        return RILL_ERR_NOT_FOUND;
    struct run run = {.subject = subject, .rest = subject, .random = random, .out = out};
    for (uint8_t i = 0; i < transform->token_count; i++)
        run.tokens[i] = rill_subject_next_token(&run.rest);
    for (size_t i = 0; i < transform->piece_count; i++) {
        if (i)
            put(&run, RILL_BYTES("."));
        put_piece(&run, &transform->pieces[i]);
    }
    return run.err;
}
