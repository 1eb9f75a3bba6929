// SPDX-License-Identifier: Apache-2.0
//
// The options of rilld: what the configuration file and the command line say, checked, with defaults filled
// in. One table (config/option_table.h) makes the fields, the defaults, the keys of the file, the flags,
// `--help`, docs/CONFIGURATION.md and what a reload may change.
//
// In order of life: rill_options_load reads argv and the file that it names; main does what `action` says; on
// SIGHUP main loads a second struct from the same argv and asks rill_options_diff what changed;
// rill_options_fini frees one. All pointers inside live until fini. Plain data after load: any thread may
// read it while nobody writes. Nothing here opens a socket, logs, or exits; only the configuration file, its
// includes and the environment are read.
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "config/option_table.h"
#include "core/auth_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What main shall do. */
enum rill_options_action {
    RILL_OPTIONS_RUN,
    RILL_OPTIONS_CHECK,   // -t: the configuration is valid; say so and exit 0 (rill_options_print_valid)
    RILL_OPTIONS_HELP,    // rill_options_print_help, exit 0
    RILL_OPTIONS_VERSION, // rill_options_print_version, exit 0
    RILL_OPTIONS_SIGNAL,  // signal_command: see config/signal.h
};

struct rill_option_texts {
    const char *const *items;
    size_t count;
};

typedef bool rill_option_bool;
typedef int64_t rill_option_count;
typedef int64_t rill_option_limit;
typedef int64_t rill_option_bytes;
typedef int64_t rill_option_duration;
typedef int64_t rill_option_sync;
typedef int64_t rill_option_port;
typedef const char *rill_option_text;
typedef struct rill_option_texts rill_option_texts;

struct rill_options {
    // One field for each row of the table.
#define RILL_OPTION_FIELD(name, type, ...) rill_option_##type name;
    RILL_OPTION_TABLE(RILL_OPTION_FIELD)
#undef RILL_OPTION_FIELD

    struct rill_auth_config auth;

    // What only the command line says.
    enum rill_options_action action;
    const char *config_file;    // as given; NULL: none
    const char *signal_command; // the argument of --signal; NULL: none

    // What the operator should be told, one line each, to be logged as a warning at start.
    struct rill_option_texts warnings;
    bool store_is_temporary; // jetstream_store_dir was chosen, not configured

    struct config_arena *arena; // owns every pointer above
};

/* Reads the command line (argv[0] is skipped) and the configuration file that it names; flags win over the
   file. On failure `why` is one line for the user ("rilld.conf:12: authorization: users: ..."), *ret_options
   holds nothing, and the exit code is 1. The text of argv must outlive the options. INVALID, UNSUPPORTED
   (known to NATS, not done by rilld yet), NOT_FOUND or DENIED or IO (a file), LIMIT (too large or too deep).
 */
enum rill_err rill_options_load(int argc, char *const argv[], struct rill_options *ret_options,
                                struct rill_error_text *why) RILL_MUST_CHECK;
/* As above from the text of a configuration file, without a command line; `name` stands for the file in
 * messages. */
enum rill_err rill_options_load_text(struct rill_bytes text, const char *name,
                                     struct rill_options *ret_options,
                                     struct rill_error_text *why) RILL_MUST_CHECK;
/* Frees everything; accepts an all-zero struct. */
void rill_options_fini(struct rill_options *options);

/* The visitor of a reload: `key` is the name of the option in the file ("max_payload", "authorization"), the
   two values are short texts that live during the call (secrets are shown as stars). `reloadable` false: the
   old value stays in force until a restart. */
struct rill_options_visitor {
    void (*changed)(void *context, const char *key, const char *old_value, const char *new_value,
                    bool reloadable);
    void *context;
};
/* Visits what differs between the options in force and the newly loaded ones. Returns the number of
 * differences. */
size_t rill_options_diff(const struct rill_options *in_force, const struct rill_options *loaded,
                         const struct rill_options_visitor *visitor);
/* Copies into *loaded every value of *in_force that may not change without a restart, so that *loaded is what
   is in force from now on. Texts are duplicated into the memory of *loaded: *in_force may be freed
   afterwards. */
void rill_options_keep_fixed(struct rill_options *loaded, const struct rill_options *in_force);

/* For people: `-h`, `-v` ("rilld: v0.1.0"), what `-t` says, and the page docs/CONFIGURATION.md. */
void rill_options_print_help(FILE *out);
void rill_options_print_version(FILE *out);
void rill_options_print_valid(FILE *out, const struct rill_options *options);
void rill_options_print_reference(FILE *out);
