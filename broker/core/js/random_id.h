// SPDX-License-Identifier: Apache-2.0
//
// Names that nobody has given before: of letters and digits, from the core's source of randomness. Pure.
#pragma once

#include "base/random.h"

#include <stddef.h>

/* Writes `length` characters and a zero behind them. */
void random_id_write(struct rill_random *random, char *to, size_t length);
