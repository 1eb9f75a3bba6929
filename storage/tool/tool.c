// SPDX-License-Identifier: Apache-2.0
#include "tool.h"

#include "dump.h"
#include "reindex.h"
#include "salvage.h"
#include "streams.h"
#include "verify.h"

enum { OUT_BUFFER_BYTES = 1 << 20 };

struct command {
    const char *name;
    int folders;
    const char *flags;
    int (*run)(const struct request *request);
};

static const char help_text[] =
    "Usage: rilld store <command> [flags] DIR\n"
    "\n"
    "Looks at the folders in which rilld keeps streams. DIR is a stream's folder, "
    "<store>/<account>/<stream>;\n"
    "for all but salvage also a whole store: then all streams in it. verify and dump write nothing, salvage\n"
    "to a new folder only.\n"
    "\n"
    "  verify DIR                    read every record, say what is sound and what is damaged\n"
    "  dump DIR                      print every record as a line of JSON; damage goes to the error output\n"
    "  salvage DIR NEW               copy what is sound to the new folder NEW, with all sequences kept\n"
    "  reindex DIR                   make the index again from the log, then verify\n"
    "\n"
    "Flags\n"
    "  --live                        verify, dump: beside a running broker, without its lock; what is just\n"
    "                                being written shows as a torn tail\n"
    "  --json                        verify, salvage, reindex: the report as JSON, one line for a stream\n"
    "  --strict                      verify, reindex: notes (a torn tail, a gap, an unknown file) count as "
    "damage\n"
    "  --from N, --to N              dump: only records with sequences from N, up to N\n"
    "  --subject PATTERN             dump: only messages whose subject matches\n"
    "  --messages                    dump: only messages, no commits, events or checkpoints\n"
    "  --payload base64|text|none    dump: how payloads are shown (default: base64)\n"
    "  --keep-torn                   dump, salvage: take what is sound of a torn last commit too\n"
    "  --config FILE                 salvage: the stream's configuration as JSON, for when no checkpoint is "
    "sound\n"
    "\n"
    "Exit codes\n"
    "  0 sound   1 damage was found   2 wrong command line   3 could not be done: no such folder, in use, "
    "...\n"
    "\n"
    "Examples\n"
    "  rilld store verify /var/lib/rill\n"
    "  rilld store verify --live --json /var/lib/rill/'$G'/ORDERS\n"
    "  rilld store dump --subject 'orders.*.eu' --payload text /var/lib/rill/'$G'/ORDERS | jq .payload_text\n"
    "  rilld store salvage /var/lib/rill/'$G'/ORDERS /var/lib/rill-new/'$G'/ORDERS\n";

static int run_verify(const struct request *request)
{
    return streams_each(request, verify_stream);
}

static int run_dump(const struct request *request)
{
    // One write for many lines; nothing was written before.
    (void)setvbuf(request->out, NULL, _IOFBF, OUT_BUFFER_BYTES);
    return streams_each(request, dump_stream);
}

static int run_salvage(const struct request *request)
{
    const size_t len = strlen(request->folder);
    if (strncmp(request->target, request->folder, len) == 0 &&
        (request->target[len] == '/' || request->folder[len - 1] == '/'))
        return streams_fail(request, request->target, RILL_ERR_INVALID, "lies in the damaged folder");
    if (streams_is_stream(request))
        return streams_each(request, salvage_stream);
    return streams_fail(request, request->folder, RILL_ERR_NOT_FOUND, "not a stream's folder");
}

static int run_reindex(const struct request *request)
{
    struct request writing = *request;
    writing.writes = true;
    return streams_each(&writing, reindex_stream);
}

static const struct command commands[] = {
    {"verify", 1, " --json --live --strict ", run_verify},
    {"dump", 1, " --live --from --to --subject --messages --payload --keep-torn ", run_dump},
    {"salvage", 2, " --json --keep-torn --config ", run_salvage},
    {"reindex", 1, " --json --strict ", run_reindex},
};

static int fail_usage(FILE *err, const char *what, const char *why)
{
    (void)fprintf(err, "rilld store: %s%s%s\nrilld store --help says more\n", what, *what ? ": " : "", why);
    return TOOL_USAGE;
}

static bool asks_for_help(int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            (i == 1 && strcmp(argv[i], "help") == 0))
            return true;
    }
    return false;
}

static int run_command(const struct command *command, int argc, char *const argv[], FILE *out, FILE *err)
{
    struct request request = {.disk = rill_disk_real(), .out = out, .err = err};
    struct rill_error_text why;
    if (request_read(argc, argv, command->folders, command->flags, &request, &why))
        return fail_usage(err, command->name, why.text);
    return command->run(&request);
}

int rill_store_tool_run(int argc, char *const argv[], FILE *out, FILE *err)
{
    if (asks_for_help(argc, argv))
        return fputs(help_text, out) < 0 ? TOOL_FAILED : TOOL_SOUND;
    if (argc < 2)
        return fail_usage(err, "", "say what to do: verify, dump, salvage, reindex");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(&commands[i], argc - 2, argv + 2, out, err);
    }
    return fail_usage(err, argv[1], "no such command");
}
