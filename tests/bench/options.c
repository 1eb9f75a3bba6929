// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include "base/bytes.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT_MAX = 1000000, SECONDS_MAX = 3600 };

static const struct {
    const char *name;
    char letter; // how the code below calls it
    const char *value;
    const char *what;
} table[] = {
    {"rilld", 'r', "PATH", "the rilld to measure (default: the one of this build)"},
    {"nats-server", 'n', "PATH",
     "what to compare with (default: found in PATH; skipped when it is not there)"},
    {"only", 'o', "NAME", "measure rilld or nats-server alone"},
    {"row", 'w', "TEXT", "only rows whose name contains this"},
    {"rounds", 'R', "N", "measurements of each row and server (default 5)"},
    {"seconds", 's', "S", "length of one measurement (default 1)"},
    {"subjects", 'S', "N", "subjects that published messages have in turn (default 1)"},
    {"connections", 'c', "N", "idle connections to hold (default 10000)"},
    {"consumers", 'C', "N", "idle consumers to make (default 20000)"},
    {"pulled", 'p', "N", "messages that a pull consumer gets (default 500000)"},
    {"starts", 't', "N", "starts of a server in one round (default 20)"},
    {"json", 'j', "FILE",
     "results as JSON too; '-' is standard output, the table then goes to standard error"},
    {"list", 'l', NULL, "name the rows and end"},
    {"help", 'h', NULL, "this text"},
};

enum { TABLE_COUNT = sizeof table / sizeof table[0] };

void options_print_help(void)
{
    printf("rill-bench: measures rilld beside nats-server, on the wire\n\n");
    for (int i = 0; i < TABLE_COUNT; i++)
        printf("  --%-11s %-5s %s\n", table[i].name, table[i].value ? table[i].value : "", table[i].what);
}

static bool count_parse(const char *text, unsigned *ret)
{
    uint64_t value = 0;
    if (!rill_bytes_to_u64(rill_bytes_from_cstr(text), COUNT_MAX, &value) || value == 0)
        return false;
    *ret = (unsigned)value;
    return true;
}

static bool seconds_parse(const char *text, double *ret)
{
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value > 0 && value <= SECONDS_MAX))
        return false;
    *ret = value;
    return true;
}

static bool only_parse(const char *text, const char **ret)
{
    *ret = text;
    return strcmp(text, "rilld") == 0 || strcmp(text, "nats-server") == 0;
}

static bool option_take(struct options *options, int letter, const char *value)
{
    switch (letter) {
    case 'r':
        options->rilld = value;
        return true;
    case 'n':
        options->nats_server = value;
        return true;
    case 'w':
        options->row = value;
        return true;
    case 'j':
        options->json = value;
        return true;
    case 'o':
        return only_parse(value, &options->only);
    case 's':
        return seconds_parse(value, &options->seconds);
    case 'R':
        return count_parse(value, &options->rounds);
    case 'S':
        return count_parse(value, &options->subjects);
    case 'c':
        return count_parse(value, &options->connections);
    case 'C':
        return count_parse(value, &options->consumers);
    case 'p':
        return count_parse(value, &options->pulled);
    case 't':
        return count_parse(value, &options->starts);
    case 'l':
        return options->list = true;
    case 'h':
        return options->help = true;
    default:
        return false;
    }
}

enum rill_err options_parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){.rilld = RILL_BENCH_RILLD,
                                .nats_server = "nats-server",
                                .seconds = 1,
                                .rounds = 5,
                                .subjects = 1,
                                .connections = 10000,
                                .consumers = 20000,
                                .pulled = 500000,
                                .starts = 20};
    struct option known[TABLE_COUNT + 1] = {0};
    for (int i = 0; i < TABLE_COUNT; i++)
        known[i] =
            (struct option){.name = table[i].name, .has_arg = table[i].value != NULL, .val = table[i].letter};
    int letter;
    optind = 1;
    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option_take(options, letter, optarg))
            continue;
        if (letter != '?')
            fprintf(stderr, "rill-bench: '%s' is not a value for this option; see --help\n", optarg);
        return RILL_ERR_INVALID;
    }
    if (optind == argc)
        return RILL_OK;
    fprintf(stderr, "rill-bench: what is '%s'? See --help\n", argv[optind]);
    return RILL_ERR_INVALID;
}
