// SPDX-License-Identifier: Apache-2.0
//
// Configurations of streams and consumers, made of a file and of options. They are JSON until they are whole: options say
// in their rows where they go, so a further field of a configuration is one more row.
#pragma once

#include "show.h"

/* Reads the JSON in the file; "-" is standard input. What `info --json` has printed may be given: then its `config` is
   taken. TOOL_USAGE when it is no JSON object. */
enum tool_exit config_load(const struct call *call, const char *path, json_t **ret);

/* Puts the options that were given and have a `json` into the object. */
void config_apply(const struct call *call, json_t *config);

/* Makes the message of it, freed with rill_model_free; takes the JSON over. TOOL_USAGE when it has a field that there is
   not. */
enum tool_exit config_decode(const struct call *call, json_t *config,
                             const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **ret);
