// SPDX-License-Identifier: Apache-2.0
//
// The files of contexts; see context_file.c for where they lie. What a remote needs of them is in remote.h.
#pragma once

#include "remote.h"

enum { CONTEXT_PATH_BYTES = 4096 };

/* "selected" or "contexts" below our folder of settings; "" is the folder itself. False: there is no home. */
bool context_path(const char *file, char ret[CONTEXT_PATH_BYTES]);
/* The file of that context. */
bool context_file(const char *name, char ret[CONTEXT_PATH_BYTES]);
/* Writes the file whole or not at all, readable for nobody else. errno says why not. */
bool context_write(char path[CONTEXT_PATH_BYTES], const char *text);
