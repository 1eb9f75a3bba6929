// SPDX-License-Identifier: Apache-2.0
#include "config_support.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

TestSuite(config_flags);

static const struct {
    const char *flags;
    int64_t port;
    const char *why;
} ports[] = {
    {"-p 5000", 5000, "one dash and a blank"},
    {"--port 5000", 5000, "two dashes"},
    {"-p=5000", 5000, "an equals sign"},
    {"--port=5000", 5000, "both"},
    {"-port 5000", 5000, "a long name, one dash"},
    {"-p -1", -1, "a value that looks like a flag"},
    {"-p 5000 -p 6000", 6000, "the last one counts"},
    {"-D -p 5000", 5000, "a switch takes no value"},
    {"-p 5000 --", 5000, "two dashes end the flags"},
};

// Go's ways to write a flag are all understood.
Test(config_flags, flags_may_be_written_in_all_of_gos_ways)
{
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        struct config_loaded *loaded = config_load("", ports[i].flags);
        cr_expect(eq(int, (int)loaded->err, (int)RILL_OK), "%s: %s", ports[i].why, loaded->why.text);
        cr_expect(eq(i64, loaded->options.port, ports[i].port), "%s", ports[i].why);
        config_loaded_free(loaded);
    }
}

static const struct {
    const char *flags;
    bool debug;
    bool trace;
    bool verbose;
} traces[] = {
    {"-D", true, false, false},   {"-V", false, true, false}, {"-DV", true, true, false},
    {"-VV", false, true, true},   {"-DVV", true, true, true}, {"--debug=false", false, false, false},
    {"-D=1", true, false, false},
};

// The switches of the log combine.
Test(config_flags, debug_and_trace_have_short_combinations)
{
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        struct config_loaded *loaded = config_load("", traces[i].flags);
        cr_expect(eq(int, loaded->options.debug, traces[i].debug), "%s", traces[i].flags);
        cr_expect(eq(int, loaded->options.trace, traces[i].trace), "%s", traces[i].flags);
        cr_expect(eq(int, loaded->options.trace_verbose, traces[i].verbose), "%s", traces[i].flags);
        config_loaded_free(loaded);
    }
}

// Flags win over the file, also to switch something off.
Test(config_flags, flags_win_over_the_file)
{
    struct config_loaded *loaded = config_load("port: 1, debug: true, host: a, jetstream { store_dir: x }",
                                               "-p 2 -D=false -sd y --unix /run/rill.sock");
    cr_assert(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
    cr_expect(eq(i64, loaded->options.port, 2));
    cr_expect(not(loaded->options.debug));
    cr_expect(eq(str, (char *)loaded->options.host, "a"));
    cr_expect(eq(str, (char *)loaded->options.jetstream_store_dir, "y"));
    cr_expect(loaded->options.jetstream);
    cr_expect(eq(str, (char *)loaded->options.unix_path, "/run/rill.sock"));
    config_loaded_free(loaded);
}

static const struct {
    const char *flags;
    enum rill_options_action action;
} actions[] = {
    {"", RILL_OPTIONS_RUN},
    {"-h", RILL_OPTIONS_HELP},
    {"--help", RILL_OPTIONS_HELP},
    {"help", RILL_OPTIONS_HELP},
    {"-v", RILL_OPTIONS_VERSION},
    {"version", RILL_OPTIONS_VERSION},
    {"-t=false", RILL_OPTIONS_RUN},
    {"-sl reload", RILL_OPTIONS_SIGNAL},
    {"--signal=ldm=5", RILL_OPTIONS_SIGNAL},
};

// Some flags ask for something else than to run.
Test(config_flags, flags_choose_the_action)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        struct config_loaded *loaded = config_load("", actions[i].flags);
        cr_expect(eq(int, (int)loaded->err, (int)RILL_OK), "%s", loaded->why.text);
        cr_expect(eq(int, (int)loaded->options.action, (int)actions[i].action), "%s", actions[i].flags);
        config_loaded_free(loaded);
    }
    struct config_loaded *loaded = config_load("port: 1", "-t");
    cr_expect(eq(int, (int)loaded->options.action, (int)RILL_OPTIONS_CHECK));
    config_loaded_free(loaded);
}

static const struct {
    const char *flags;
    const char *why;
} refused[] = {
    {"-x", "-x: there is no such flag; rilld -h lists them"},
    {"--prot 5", "-prot: there is no such flag; did you mean --port?"},
    {"-p", "-p: a value must follow"},
    {"-p abc", "-p: expected a number"},
    {"-p 70000", "-p: expected a port from 1 to 65535, or -1 for a free one"},
    {"-D=maybe", "-D: expected =true or =false"},
    {"extra", "\"extra\": expected a flag that begins with a dash; rilld -h lists them"},
    {"-p 1 -- -D", "\"-D\": nothing may follow --"},
    {"---p 1", "\"---p\": expected a flag that begins with a dash; rilld -h lists them"},
    {"--tls", "-tls: not supported yet by rilld"},
    {"--routes nats://a:1", "-routes: not supported yet by rilld"},
    {"-s", "-s: not supported yet by rilld"},
    {"--log_size_limit -5", "-log_size_limit: expected a number that is not negative"},
    {"--user a --auth b", "authorization.token: a user and a token exclude each other"},
    {"-t", "-t: name the configuration file to check with -c"},
    {"-c /nowhere/rilld.conf", "/nowhere/rilld.conf: No such file or directory"},
    {"-c /", "/: Is a directory"},
};

// A wrong flag gets one line that says what is wrong.
Test(config_flags, wrong_flags_are_explained)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct config_loaded *loaded = config_load("", refused[i].flags);
        cr_expect(ne(int, (int)loaded->err, (int)RILL_OK), "%s", refused[i].flags);
        cr_expect(eq(str, loaded->why.text, (char *)refused[i].why));
        config_loaded_free(loaded);
    }
}

/* What a print function writes, for the caller to free. */
static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    print(out);
    (void)fclose(out);
    return text;
}

// The help names every flag of the table and stays within 100 columns; the version is one line.
Test(config_flags, help_and_version_are_printed_from_the_table)
{
    char *help = printed(rill_options_print_help);
    cr_expect(strstr(help, "-p, --port <port>") != NULL);
    cr_expect(strstr(help, "(default: 4222)") != NULL);
    cr_expect(strstr(help, "-DVV") != NULL);
    for (char *line = help, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
        cr_expect(end - line <= 100, "too long: %.*s", (int)(end - line), line);
    free(help);
    char *version = printed(rill_options_print_version);
    cr_expect(eq(int, strncmp(version, "rilld: v", 8), 0));
    free(version);
}
