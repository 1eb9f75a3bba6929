// SPDX-License-Identifier: Apache-2.0
//
// Loading options from texts, for the tests of the configuration: a file in a folder of its own, removed
// afterwards.
#pragma once

#include "config/options.h"

#include <stdbool.h>

enum { CONFIG_TEST_ARGS_MAX = 16 };

struct config_folder {
    char path[64];
};

struct config_loaded {
    struct config_folder folder;
    struct rill_options options;
    struct rill_error_text why; // without the path of the folder
    enum rill_err err;
    const char *argv[CONFIG_TEST_ARGS_MAX];
    char file[96];
    char *flags; // what argv points into
};

struct config_folder config_folder_create(void);
void config_folder_write(const struct config_folder *folder, const char *name, const char *text);
void config_folder_remove(struct config_folder *folder);

/* Removes every occurrence of the folder's path and its slash. */
void config_folder_hide(const struct config_folder *folder, char *text);

/* Loads `text` as the file c.conf ("" for no file), with flags that are separated by blanks. */
struct config_loaded *config_load(const char *text, const char *flags);
void config_loaded_free(struct config_loaded *loaded);
