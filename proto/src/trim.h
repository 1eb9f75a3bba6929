// SPDX-License-Identifier: Apache-2.0
//
// The view without white space at its ends. Internal to this folder.
#pragma once

#include "base/bytes.h"

static inline bool trim_is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline struct rill_bytes trim(struct rill_bytes text)
{
    while (text.len && trim_is_space(text.data[0]))
        text = rill_bytes_from(text, 1);
    while (text.len && trim_is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}
