// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include "load.h"
#include "parse.h"

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
    options_set_defaults(options);
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

enum rill_err rill_options_load(int argc, char *const argv[], struct rill_options *ret_options,
                                struct rill_error_text *why)
{
    struct rill_options options = {.arena = config_arena_create()};
    struct load load = {.options = &options, .arena = options.arena, .why = why};
    const enum rill_err err = load_all(&load, argc, argv);
    if (err)
        rill_options_fini(&options);
    else
        *ret_options = options;
    return err;
}

void rill_options_fini(struct rill_options *options)
{
    config_arena_destroy(options->arena);
    *options = (struct rill_options){0};
}
