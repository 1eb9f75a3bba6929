// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include "families.h"

#include <inttypes.h>

enum tool_exit stream_with(struct call *call, stream_act *act)
{
    struct remote remote;
    enum tool_exit code = remote_open(call, &remote);
    if (code)
        return code;
    code = act(&remote, call->command->arguments ? call_text(call, "stream") : NULL);
    remote_close(&remote);
    return code;
}

// ---- purge and rm ----

static enum tool_exit purge(struct remote *remote, const char *stream)
{
    const struct call *call = remote->call;
    Rill__StreamPurgeRequest request = RILL__STREAM_PURGE_REQUEST__INIT;
    request.filter = (char *)call_text(call, "subject");
    request.has_seq = call_has(call, "seq");
    request.seq = (uint64_t)call_number(call, "seq", 0);
    request.has_keep = call_has(call, "keep");
    request.keep = (uint64_t)call_number(call, "keep", 0);
    struct rill_error error = {0};
    uint64_t purged = 0;
    const enum rill_err err = rill_stream_purge(remote->js, stream, &request, &purged, &error);
    if (err)
        return call_error(call, err, &error, stream);
    return show_done(call, json_pack("{s:s, s:I}", "stream", stream, "purged", (json_int_t)purged),
                     "%" PRIu64 " messages of %s are gone", purged, stream);
}

static enum tool_exit run_purge(struct call *call)
{
    if (call_has(call, "seq") && call_has(call, "keep"))
        return call_usage(call, "--seq and --keep exclude each other: give one of them");
    const char *subject = call_text(call, "subject");
    const enum tool_exit asked =
        remote_confirm(call, "Remove messages%s%s of stream %s?", subject ? " of subject " : "",
                       subject ? subject : "", call_text(call, "stream"));
    return asked ? asked : stream_with(call, purge);
}

static enum tool_exit rm(struct remote *remote, const char *stream)
{
    struct rill_error error = {0};
    const enum rill_err err = rill_stream_delete(remote->js, stream, &error);
    if (err)
        return call_error(remote->call, err, &error, stream);
    return show_done(remote->call, json_pack("{s:s}", "removed", stream), "stream %s is removed", stream);
}

static enum tool_exit run_rm(struct call *call)
{
    const enum tool_exit asked = remote_confirm(call, "Remove stream %s with all its messages and consumers?",
                                                call_text(call, "stream"));
    return asked ? asked : stream_with(call, rm);
}

// ---- the family ----

static const struct parameter stream_argument[] = {
    {"stream", 0, VALUE_STREAM, .help = "The name of the stream."},
    {0},
};
static const struct parameter ls_options[] = {
    {"subject", 0, VALUE_SUBJECT, .help = "Only streams that keep subjects that match this one."},
    {0},
};
static const struct parameter info_options[] = {
    {"deleted", 0, VALUE_FLAG, .help = "Say which messages were deleted."},
    {0},
};
static const struct parameter report_options[] = {
    {"sort", 0, VALUE_CHOICE, .choices = "bytes messages name consumers",
     .help = "What comes first; bytes without it."},
    {0},
};
static const struct parameter subjects_arguments[] = {
    {"stream", 0, VALUE_STREAM, .help = "The name of the stream."},
    {"filter", 0, VALUE_SUBJECT, .help = "Only subjects that match this one.", .optional = true},
    {0},
};
static const struct parameter purge_options[] = {
    {"subject", 0, VALUE_SUBJECT, .help = "Only messages of subjects that match this one."},
    {"seq", 0, VALUE_COUNT, .metavar = "SEQ", .help = "Only messages below this sequence."},
    {"keep", 0, VALUE_COUNT, .help = "Keep the last so many."},
    {0},
};
static const struct parameter view_options[] = {
    {"from", 0, VALUE_COUNT, .metavar = "SEQ", .help = "Begin at this sequence."},
    {"since", 0, VALUE_TIME, .help = "Begin with what was stored at this time, or so long ago."},
    {"subject", 0, VALUE_SUBJECT, .help = "Only messages of subjects that match this one.", .many = true},
    {"last-per-subject", 0, VALUE_FLAG, .help = "Only the last message of each subject."},
    {"count", 'n', VALUE_COUNT, .help = "At most so many; 25 on a terminal, else all."},
    {0},
};
static const struct parameter get_arguments[] = {
    {"stream", 0, VALUE_STREAM, .help = "The name of the stream."},
    {"seq", 0, VALUE_COUNT, .help = "The sequence of the message.", .optional = true},
    {0},
};
static const struct parameter get_options[] = {
    {"last-for", 0, VALUE_SUBJECT, .help = "The last message of this subject."},
    {"next-for", 0, VALUE_SUBJECT, .help = "The first message of this subject, at or behind <seq>."},
    {0},
};
static const struct parameter rmm_arguments[] = {
    {"stream", 0, VALUE_STREAM, .help = "The name of the stream."},
    {"seq", 0, VALUE_COUNT, .help = "The sequence of the message."},
    {0},
};
static const struct parameter rmm_options[] = {
    {"no-erase", 0, VALUE_FLAG, .help = "Do not overwrite its bytes on the disk, which is quicker."},
    {0},
};

static const struct command commands[] = {
    {.name = "stream ls",
     .summary = "List streams",
     .options = {ls_options, option_names},
     .examples = "stream ls\nstream ls --names --subject 'orders.>'\n",
     .run = stream_run_ls},
    {.name = "stream add",
     .summary = "Make a stream",
     .arguments = stream_argument,
     .options = {stream_config_options},
     .about = "Without --subjects the stream keeps the subject of its own name. What no option says is what "
              "the server makes "
              "of it. --config takes the JSON of a configuration, as `stream info --json` shows it; options "
              "go before it.",
     .examples = "stream add ORDERS --subjects 'orders.>' --max-age 30d --max-bytes 10G\n"
                 "stream add WORK --subjects 'work.*' --retention workqueue --discard new --max-msgs 100000\n"
                 "stream add COPY --config orders.json\n",
     .run = stream_run_add},
    {.name = "stream edit",
     .summary = "Change the configuration of a stream",
     .arguments = stream_argument,
     .options = {stream_config_options},
     .about = "Only what is given is changed.",
     .examples = "stream edit ORDERS --max-age 7d --description 'orders of the shop'\n",
     .run = stream_run_edit},
    {.name = "stream info",
     .summary = "Show the configuration and the state of a stream",
     .arguments = stream_argument,
     .options = {info_options},
     .examples = "stream info ORDERS\nstream info ORDERS --json\n",
     .run = stream_run_info},
    {.name = "stream subjects",
     .summary = "List the subjects of a stream with their messages",
     .arguments = subjects_arguments,
     .examples = "stream subjects ORDERS 'orders.new.*'\n",
     .run = stream_run_subjects},
    {.name = "stream report",
     .summary = "Compare streams by what they hold",
     .options = {report_options},
     .examples = "stream report --sort messages\n",
     .run = stream_run_report},
    {.name = "stream view",
     .summary = "Print messages of a stream",
     .arguments = stream_argument,
     .options = {view_options, option_raw},
     .about = "No consumer is left behind, and nothing is acknowledged.",
     .examples = "stream view ORDERS --from 1000 --count 10\nstream view ORDERS --since 2h --subject "
                 "'orders.new.>' --raw\n",
     .run = stream_run_view},
    {.name = "stream get",
     .summary = "Print one message of a stream",
     .arguments = get_arguments,
     .options = {get_options, option_raw},
     .examples = "stream get ORDERS 17\nstream get ORDERS --last-for orders.new.17\n",
     .run = stream_run_get},
    {.name = "stream purge",
     .summary = "Remove messages of a stream",
     .arguments = stream_argument,
     .options = {purge_options, option_force},
     .examples = "stream purge ORDERS --subject orders.test --force\nstream purge ORDERS --keep 1000\n",
     .run = run_purge},
    {.name = "stream rmm",
     .summary = "Remove one message of a stream",
     .arguments = rmm_arguments,
     .options = {rmm_options, option_force},
     .examples = "stream rmm ORDERS 17 --force\n",
     .run = stream_run_rmm},
    {.name = "stream rm",
     .summary = "Remove a stream with all that is in it",
     .arguments = stream_argument,
     .options = {option_force},
     .examples = "stream rm ORDERS --force\n",
     .run = run_rm},
    {0},
};

const struct family stream_family = {"stream", "Streams, which keep messages", commands};
