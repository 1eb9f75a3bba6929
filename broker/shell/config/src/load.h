// SPDX-License-Identifier: Apache-2.0
//
// What the parts of rill_options_load share while options are being filled: the draft, and where its memory
// and its complaints go.
#pragma once

#include "arena.h"
#include "config/options.h"
#include "table.h"
#include "tree.h"

/* A list that is being built; its memory is the arena's. */
struct text_list {
    const char **items;
    size_t count;
    size_t capacity;
};

struct user_list {
    struct rill_auth_user *items;
    size_t count;
    size_t capacity;
};

struct load {
    struct rill_options *options; // being filled
    struct config_arena *arena;   // the same as options->arena
    struct rill_error_text *why;
    struct text_list warnings;
    struct user_list users;                 // of all accounts, without the single user
    const struct config_value *users_value; // for messages; NULL: the file has no users
    const struct config_value **given; // for messages: where the file sets each row of the table, or NULL
    bool store_dir_given;
};

void text_list_add(struct config_arena *arena, struct text_list *list, const char *text);
void load_warn(struct load *load, const struct config_value *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills the options from the top-level map of a configuration file. */
enum rill_err load_tree(struct load *load, const struct config_value *map) RILL_MUST_CHECK;

/* Fills one option from a value of the file, or from the text behind a flag ("true" for a flag without one).
 */
enum rill_err load_value(struct load *load, const struct option_row *row,
                         const struct config_value *value) RILL_MUST_CHECK;
enum rill_err load_flag_text(struct load *load, const struct option_row *row,
                             const char *text) RILL_MUST_CHECK;

/* The text of a value; INVALID when it is of another kind. */
enum rill_err load_text(struct load *load, const struct config_value *value,
                        const char **ret_text) RILL_MUST_CHECK;
/* A list of texts; one text is a list of one. */
enum rill_err load_texts(struct load *load, const struct config_value *value,
                         struct text_list *ret_list) RILL_MUST_CHECK;
/* A duration: a text such as "10s", or a number of seconds. */
enum rill_err load_duration(struct load *load, const struct config_value *value,
                            int64_t *ret_ns) RILL_MUST_CHECK;
/* "host:port", ":port" or a port; *ret_host is NULL when there is none. */
enum rill_err load_listen(struct load *load, const struct config_value *value, const char **ret_host,
                          int64_t *ret_port) RILL_MUST_CHECK;

/* `authorization { users, default_permissions }` and `accounts { NAME { users } }`. */
enum rill_err load_users(struct load *load, const struct config_value *list,
                         const char *account) RILL_MUST_CHECK;
enum rill_err load_default_permissions(struct load *load, const struct config_value *value,
                                       const char *account) RILL_MUST_CHECK;
enum rill_err load_accounts(struct load *load, const struct config_value *value) RILL_MUST_CHECK;
enum rill_err load_permissions(struct load *load, const struct config_value *value,
                               const struct rill_permissions **ret_permissions) RILL_MUST_CHECK;

/* Reads the command line: first for what names the file and the action, then again for what overrides the
 * file. */
enum rill_err flags_read_actions(struct load *load, int argc, char *const argv[]) RILL_MUST_CHECK;
enum rill_err flags_read_options(struct load *load, int argc, char *const argv[]) RILL_MUST_CHECK;

/* Checks that concern several options, and fills in options->auth. */
enum rill_err load_finish(struct load *load) RILL_MUST_CHECK;
