// SPDX-License-Identifier: Apache-2.0
//
// The command line, in Go's notation: one or two dashes, the value behind a blank or an equals sign, switches
// without a value or with =true and =false. A `--` ends the flags. Read twice: what to do and which file
// first, then what overrides the file.
#include "load.h"

#include "scalar.h"
#include "table.h"

#include <stdio.h>

enum special {
    SPECIAL_NONE,
    SPECIAL_CONFIG,
    SPECIAL_CHECK,
    SPECIAL_HELP,
    SPECIAL_VERSION,
    SPECIAL_SIGNAL,
    SPECIAL_DEBUG_TRACE,
    SPECIAL_TRACE_VERBOSE,
    SPECIAL_DEBUG_TRACE_VERBOSE,
    SPECIAL_UNSUPPORTED,
};

/* Flags that are not simply a row of the table. `is_switch` ones need no value. */
static const struct {
    const char *names;
    enum special special;
    bool is_switch;
} specials[] = {
    {"c config", SPECIAL_CONFIG, false},
    {"t", SPECIAL_CHECK, true},
    {"h help", SPECIAL_HELP, true},
    {"v version", SPECIAL_VERSION, true},
    {"sl signal", SPECIAL_SIGNAL, false},
    {"DV", SPECIAL_DEBUG_TRACE, true},
    {"VV", SPECIAL_TRACE_VERBOSE, true},
    {"DVV", SPECIAL_DEBUG_TRACE_VERBOSE, true},
    {"s syslog r remote_syslog ms https_port profile tls tlsverify tlscert tlskey tlscacert help_tls routes "
     "cluster "
     "cluster_listen cluster_name cluster_advertise no_advertise connect_retries",
     SPECIAL_UNSUPPORTED, true},
};

struct flag {
    struct rill_bytes name; // without dashes
    const char *value;      // "true" for a switch without one
    const struct option_row *row;
    enum special special;
};

static bool words_contain(const char *words, struct rill_bytes wanted)
{
    struct rill_bytes word;
    while (rill_next_word(&words, &word)) {
        if (rill_bytes_equal(word, wanted))
            return true;
    }
    return false;
}

static enum special special_of(struct rill_bytes name, bool *ret_is_switch)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (words_contain(specials[i].names, name)) {
            *ret_is_switch = specials[i].is_switch;
            return specials[i].special;
        }
    }
    return SPECIAL_NONE;
}

/* Splits "--name=value" into its parts; *ret_value is NULL when there is no equals sign. False when it is no
 * flag. */
static bool flag_split(const char *argument, struct rill_bytes *ret_name, const char **ret_value)
{
    if (argument[0] != '-' || !argument[1])
        return false;
    const char *name = argument + (argument[1] == '-' ? 2 : 1);
    const size_t len = strcspn(name, "=");
    *ret_name = rill_bytes_of(name, len);
    *ret_value = name[len] ? name + len + 1 : NULL;
    return len > 0 && name[0] != '-';
}

static enum rill_err flag_fail(struct load *load, struct rill_bytes name, const char *problem)
{
    rill_error_text_set(load->why, "-" RILL_PRI ": %s", (int)(name.len > 60 ? 60 : name.len),
                        (const char *)name.data, problem);
    return RILL_ERR_INVALID;
}

static enum rill_err flag_fail_unknown(struct load *load, struct rill_bytes name)
{
    struct rill_suggestion suggestion = rill_suggestion_for(name);
    option_suggest(&suggestion, true);
    if (!suggestion.nearest.len)
        return flag_fail(load, name, "there is no such flag; rilld -h lists them");
    char problem[96];
    (void)snprintf(problem, sizeof problem, "there is no such flag; did you mean --" RILL_PRI "?",
                   RILL_ARG(suggestion.nearest));
    return flag_fail(load, name, problem);
}

/* Reads the flag at argv[*index], and its value; *index moves behind both. */
static enum rill_err flag_next(struct load *load, int argc, char *const argv[], int *index,
                               struct flag *ret_flag)
{
    struct flag flag = {0};
    const char *argument = argv[(*index)++];
    if (!flag_split(argument, &flag.name, &flag.value)) {
        rill_error_text_set(
            load->why, "\"%.60s\": expected a flag that begins with a dash; rilld -h lists them", argument);
        return RILL_ERR_INVALID;
    }
    bool is_switch = false;
    flag.special = special_of(flag.name, &is_switch);
    if (flag.special == SPECIAL_UNSUPPORTED) {
        (void)flag_fail(load, flag.name, "not supported yet by rilld");
        return RILL_ERR_UNSUPPORTED;
    }
    if (flag.special == SPECIAL_NONE) {
        flag.row = option_row_by_flag(flag.name);
        if (!flag.row)
            return flag_fail_unknown(load, flag.name);
        is_switch = flag.row->type == OPTION_bool;
    }
    if (!flag.value && is_switch)
        flag.value = "true";
    else if (!flag.value && *index < argc)
        flag.value = argv[(*index)++];
    if (!flag.value)
        return flag_fail(load, flag.name, "a value must follow");
    *ret_flag = flag;
    return RILL_OK;
}

/* Go's words for a switch. */
static enum rill_err switch_value(struct load *load, const struct flag *flag, bool *ret_on)
{
    if (words_contain("1 t T true TRUE True", rill_bytes_from_cstr(flag->value)))
        *ret_on = true;
    else if (words_contain("0 f F false FALSE False", rill_bytes_from_cstr(flag->value)))
        *ret_on = false;
    else
        return flag_fail(load, flag->name, "expected =true or =false");
    return RILL_OK;
}

static enum rill_err number_check(struct load *load, const struct flag *flag, int64_t number)
{
    if (flag->row->type == OPTION_port && (number < -1 || number > 65535))
        return flag_fail(load, flag->name, "expected a port from 1 to 65535, or -1 for a free one");
    if (flag->row->type != OPTION_port && number < 0)
        return flag_fail(load, flag->name, "expected a number that is not negative");
    return RILL_OK;
}

static enum rill_err flag_apply(struct load *load, const struct flag *flag)
{
    if (flag->row->type == OPTION_bool)
        return switch_value(load, flag, option_bool(load->options, flag->row));
    if (flag->row->type == OPTION_text) {
        *option_text(load->options, flag->row) = flag->value;
        return RILL_OK;
    }
    int64_t number = 0;
    bool suffixed = false;
    if (config_scalar_integer(rill_bytes_from_cstr(flag->value), &number, &suffixed))
        return flag_fail(load, flag->name, "expected a number");
    const enum rill_err err = number_check(load, flag, number);
    if (!err)
        *option_number(load->options, flag->row) = number;
    return err;
}

static enum rill_err special_apply(struct load *load, const struct flag *flag)
{
    bool on = false;
    const enum rill_err err = switch_value(load, flag, &on);
    if (err)
        return err;
    if (flag->special == SPECIAL_DEBUG_TRACE || flag->special == SPECIAL_DEBUG_TRACE_VERBOSE)
        load->options->debug = on;
    load->options->trace = on;
    if (flag->special != SPECIAL_DEBUG_TRACE)
        load->options->trace_verbose = on;
    return RILL_OK;
}

static enum rill_err action_apply(struct load *load, const struct flag *flag)
{
    static const enum rill_options_action actions[] = {
        [SPECIAL_CHECK] = RILL_OPTIONS_CHECK,
        [SPECIAL_HELP] = RILL_OPTIONS_HELP,
        [SPECIAL_VERSION] = RILL_OPTIONS_VERSION,
    };
    bool on = false;
    const enum rill_err err = switch_value(load, flag, &on);
    if (!err && on)
        load->options->action = actions[flag->special];
    return err;
}

static enum rill_err flag_read_action(struct load *load, const struct flag *flag)
{
    switch (flag->special) {
    case SPECIAL_CONFIG:
        load->options->config_file = flag->value;
        return RILL_OK;
    case SPECIAL_SIGNAL:
        load->options->action = RILL_OPTIONS_SIGNAL;
        load->options->signal_command = flag->value;
        return RILL_OK;
    case SPECIAL_CHECK:
    case SPECIAL_HELP:
    case SPECIAL_VERSION:
        return action_apply(load, flag);
    default:
        return RILL_OK;
    }
}

static enum rill_err flag_read_option(struct load *load, const struct flag *flag)
{
    switch (flag->special) {
    case SPECIAL_NONE:
        return flag_apply(load, flag);
    case SPECIAL_DEBUG_TRACE:
    case SPECIAL_TRACE_VERBOSE:
    case SPECIAL_DEBUG_TRACE_VERBOSE:
        return special_apply(load, flag);
    default:
        return RILL_OK;
    }
}

/* `rilld help` and `rilld version` work as in NATS. */
static bool read_word_command(struct load *load, int argc, char *const argv[])
{
    if (argc != 2 || (strcmp(argv[1], "help") != 0 && strcmp(argv[1], "version") != 0))
        return false;
    load->options->action = argv[1][0] == 'h' ? RILL_OPTIONS_HELP : RILL_OPTIONS_VERSION;
    return true;
}

static enum rill_err flags_read(struct load *load, int argc, char *const argv[],
                                enum rill_err (*read)(struct load *, const struct flag *))
{
    int index = 1;
    if (read_word_command(load, argc, argv))
        return RILL_OK;
    while (index < argc && strcmp(argv[index], "--") != 0) {
        struct flag flag;
        enum rill_err err = flag_next(load, argc, argv, &index, &flag);
        if (!err)
            err = read(load, &flag);
        if (err)
            return err;
    }
    if (index + 1 < argc) {
        rill_error_text_set(load->why, "\"%.60s\": nothing may follow --", argv[index + 1]);
        return RILL_ERR_INVALID;
    }
    return RILL_OK;
}

enum rill_err flags_read_actions(struct load *load, int argc, char *const argv[])
{
    return flags_read(load, argc, argv, flag_read_action);
}

enum rill_err flags_read_options(struct load *load, int argc, char *const argv[])
{
    return flags_read(load, argc, argv, flag_read_option);
}
