// SPDX-License-Identifier: Apache-2.0
//
// A transform in its compiled form: one piece per token of the destination. Inside proto/ only.
#pragma once

#include "proto/subject_transform.h"

/* Of a source; wildcards further behind could not be named by a byte. */
enum { TRANSFORM_TOKENS_MAX = 64, TRANSFORM_ARGUMENTS_MAX = 16 };

enum transform_op {
    TRANSFORM_TEXT, // the token as it stands
    TRANSFORM_REST, // `>`: everything behind the source's other tokens
    TRANSFORM_WILDCARD,
    TRANSFORM_PARTITION,
    TRANSFORM_SPLIT,
    TRANSFORM_SPLIT_LEFT,
    TRANSFORM_SPLIT_RIGHT,
    TRANSFORM_SLICE_LEFT,
    TRANSFORM_SLICE_RIGHT,
    TRANSFORM_LEFT,
    TRANSFORM_RIGHT,
    TRANSFORM_RANDOM,
};

struct transform_piece {
    enum transform_op op;
    struct rill_bytes text; // of TEXT, and the separator of SPLIT; into the transform's destination
    uint32_t number;        // buckets, a position, a size
    uint8_t tokens[TRANSFORM_ARGUMENTS_MAX]; // places in the source
    uint8_t token_count;
};

struct rill_subject_transform {
    char *source;
    char *destination;
    uint8_t token_count; // of the source without its `>`
    bool has_rest;
    uint8_t wildcards[TRANSFORM_TOKENS_MAX]; // their places in the source
    uint8_t wildcard_count;
    struct transform_piece *pieces;
    size_t piece_count;
};

/* Reads one token of the destination into *ret. INVALID. */
enum rill_err transform_parse_token(const struct rill_subject_transform *transform, struct rill_bytes token,
                                    struct transform_piece *ret, struct rill_error_text *why) RILL_MUST_CHECK;
