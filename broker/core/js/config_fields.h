// SPDX-License-Identifier: Apache-2.0
//
// Questions about the fields of a configuration by their JSON names, asked of its descriptor. Pure.
#pragma once

#include "proto/jetstream.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* The first of the named fields (an array that ends with NULL) that is neither absent nor zero nor empty; NULL: none. */
const char *config_first_given(const ProtobufCMessage *config, const char *const *names);

/* Is it a name that a stream or consumer may have? */
bool config_name_is_valid(const char *name);
