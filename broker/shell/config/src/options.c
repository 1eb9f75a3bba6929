// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include "load.h"
#include "parse.h"

static void load_begin(struct load *load)
{
    size_t row_count = 0;
    (void)option_rows(&row_count);
    load->given = config_arena_zero(load->arena, row_count, sizeof *load->given);
    options_set_defaults(load->options);
}

static enum rill_err load_file(struct load *load)
{
    struct config_value *map = NULL;
    const enum rill_err err = config_parse_file(load->options->config_file, load->arena, &map, load->why);
    return err ? err : load_tree(load, map);
}

/* A check is strict: what would only be warned about at start is an error. */
static enum rill_err check_strictly(struct load *load)
{
    if (!load->options->config_file) {
        rill_error_text_set(load->why, "-t: name the configuration file to check with -c");
        return RILL_ERR_INVALID;
    }
    if (load->warnings.count) {
        rill_error_text_set(load->why, "%s", load->warnings.items[0]);
        return RILL_ERR_INVALID;
    }
    return RILL_OK;
}

static enum rill_err load_all(struct load *load, int argc, char *const argv[])
{
    struct rill_options *options = load->options;
    enum rill_err err = flags_read_actions(load, argc, argv);
    if (err || (options->action != RILL_OPTIONS_RUN && options->action != RILL_OPTIONS_CHECK))
        return err;
    if (options->config_file)
        err = load_file(load);
    if (!err)
        err = flags_read_options(load, argc, argv);
    if (!err)
        err = load_finish(load);
    if (!err && options->action == RILL_OPTIONS_CHECK)
        err = check_strictly(load);
    return err;
}

static enum rill_err load_all_of_text(struct load *load, struct rill_bytes text, const char *name)
{
    struct config_value *map = NULL;
    enum rill_err err = config_parse_text(text, name, load->arena, &map, load->why);
    if (!err)
        err = load_tree(load, map);
    return err ? err : load_finish(load);
}

/* Hands the options over, or frees them. */
static enum rill_err load_end(struct load *load, enum rill_err err, struct rill_options *ret_options)
{
    if (err)
        rill_options_fini(load->options);
    else
        *ret_options = *load->options;
    return err;
}

enum rill_err rill_options_load(int argc, char *const argv[], struct rill_options *ret_options,
                                struct rill_error_text *why)
{
    struct rill_options options = {.arena = config_arena_create()};
    struct load load = {.options = &options, .arena = options.arena, .why = why};
    load_begin(&load);
    return load_end(&load, load_all(&load, argc, argv), ret_options);
}

enum rill_err rill_options_load_text(struct rill_bytes text, const char *name,
                                     struct rill_options *ret_options, struct rill_error_text *why)
{
    struct rill_options options = {.arena = config_arena_create()};
    struct load load = {.options = &options, .arena = options.arena, .why = why};
    load_begin(&load);
    return load_end(&load, load_all_of_text(&load, text, name), ret_options);
}

void rill_options_fini(struct rill_options *options)
{
    config_arena_destroy(options->arena);
    *options = (struct rill_options){0};
}
