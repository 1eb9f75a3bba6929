// SPDX-License-Identifier: Apache-2.0
#include "consumer.h"

#include "clock.h"
#include "families.h"
#include "proto/rfc3339.h"

enum { API_SUBJECT_BYTES = 2 * RILL_NAME_BYTES + 64 };

static bool takes(const struct call *call, const char *name)
{
    const struct parameter *row = call->command->arguments;
    while (row && row->name && strcmp(row->name, name) != 0)
        row++;
    return row && row->name;
}

enum tool_exit consumer_with(struct call *call, consumer_act *act)
{
    struct remote remote;
    const enum tool_exit code = remote_open(call, &remote);
    if (code)
        return code;
    const char *consumer = takes(call, "consumer") ? call_text(call, "consumer") : NULL;
    return remote_finish(&remote, act(&remote, call_text(call, "stream"), consumer));
}

// ---- rm ----

static enum tool_exit rm(struct remote *remote, const char *stream, const char *consumer)
{
    struct rill_error error = {0};
    const enum rill_err err = rill_consumer_delete(remote->js, stream, consumer, &error);
    if (err)
        return call_error(remote->call, err, &error, consumer);
    return show_done(remote->call, json_pack("{s:s, s:s}", "stream", stream, "removed", consumer),
                     "consumer %s of %s is removed", consumer, stream);
}

static enum tool_exit run_rm(struct call *call)
{
    const enum tool_exit asked = remote_confirm(call, "Remove consumer %s of stream %s?",
                                                call_text(call, "consumer"), call_text(call, "stream"));
    return asked ? asked : consumer_with(call, rm);
}

// ---- pause and resume ----

/* librill has no function for this one. Without a time it resumes. */
static enum tool_exit set_pause(struct remote *remote, const char *stream, const char *consumer,
                                int64_t until_ns)
{
    char subject[API_SUBJECT_BYTES];
    char time[RILL_RFC3339_BYTES_MAX];
    json_t *request = json_object();
    json_t *answer = NULL;
    (void)snprintf(subject, sizeof subject, "CONSUMER.PAUSE.%s.%s", stream, consumer);
    if (until_ns)
        (void)json_object_set_new(request, "pause_until",
                                  json_stringn(time, rill_rfc3339_format(until_ns, time)));
    const enum tool_exit code = remote_ask(remote, subject, request, &answer);
    if (code)
        return code;
    const char *until = json_string_value(json_object_get(answer, "pause_until"));
    const bool paused = json_is_true(json_object_get(answer, "paused"));
    json_t *object = json_pack("{s:s, s:s, s:b, s:s*}", "stream", stream, "consumer", consumer, "paused",
                               paused, "pause_until", paused ? until : NULL);
    char line[128];
    (void)snprintf(line, sizeof line, paused ? "is paused until %s" : "is not paused", until);
    json_decref(answer);
    return show_done(remote->call, object, "consumer %s of %s %s", consumer, stream, line);
}

static enum tool_exit pause_until(struct remote *remote, const char *stream, const char *consumer)
{
    const int64_t until = call_number(remote->call, "until", 0);
    return set_pause(remote, stream, consumer, until < 0 ? clock_wall_ns() - until : until);
}

static enum tool_exit run_pause(struct call *call)
{
    return consumer_with(call, pause_until);
}

static enum tool_exit resume(struct remote *remote, const char *stream, const char *consumer)
{
    return set_pause(remote, stream, consumer, 0);
}

static enum tool_exit run_resume(struct call *call)
{
    return consumer_with(call, resume);
}

// ---- the family ----

#define STREAM_ROW                                                                                           \
    {                                                                                                        \
        "stream", 0, VALUE_STREAM, .help = "The name of the stream."                                         \
    }
#define CONSUMER_ROW                                                                                         \
    {                                                                                                        \
        "consumer", 0, VALUE_CONSUMER, .help = "The name of the consumer."                                   \
    }

static const struct parameter stream_argument[] = {STREAM_ROW, {0}};
static const struct parameter both_arguments[] = {STREAM_ROW, CONSUMER_ROW, {0}};
static const struct parameter add_arguments[] = {
    STREAM_ROW,
    {"consumer", 0, VALUE_CONSUMER,
     .help = "Its name; without one the server makes one up, and it is ephemeral.", .optional = true},
    {0},
};
static const struct parameter pause_arguments[] = {
    STREAM_ROW, CONSUMER_ROW, {"until", 0, VALUE_TIME, .help = "Until when, or for how long."}, {0}};
static const struct parameter add_options[] = {
    {"ephemeral", 0, VALUE_FLAG,
     .help = "It goes when nobody has used it for a while, also if it has a name."},
    {0},
};
static const struct parameter report_options[] = {
    {"sort", 0, VALUE_CHOICE, .choices = "name pending unacknowledged redelivered",
     .help = "What comes first; name without it."},
    {0},
};
static const struct parameter read_options[] = {
    {"count", 'n', VALUE_COUNT, .help = "End after so many."},
    {"wait", 0, VALUE_DURATION, .help = "End when no message came for so long."},
    {"no-ack", 0, VALUE_FLAG, .help = "Leave messages unacknowledged; they come again."},
    {"nak", 0, VALUE_FLAG, .help = "Say that each is to come again."},
    {"term", 0, VALUE_FLAG, .help = "Say that each is never to come again."},
    {0},
};

static const struct command commands[] = {
    {.name = "consumer ls",
     .summary = "List the consumers of a stream",
     .arguments = stream_argument,
     .options = {option_names},
     .examples = "consumer ls ORDERS\n",
     .run = consumer_run_ls},
    {.name = "consumer add",
     .summary = "Make a consumer",
     .arguments = add_arguments,
     .options = {add_options, consumer_config_options},
     .about =
         "A consumer with a name is durable, unless --ephemeral is given. It is pulled from, unless --target "
         "names a "
         "subject for its messages. Messages are acknowledged one by one, unless --ack says something else.",
     .examples = "consumer add ORDERS worker --filter 'orders.new.>' --wait 30s --max-deliver 5\n"
                 "consumer add ORDERS mirror --target copies.orders --deliver new --ack none\n"
                 "consumer add ORDERS audit --start-time 2h --config worker.json\n",
     .run = consumer_run_add},
    {.name = "consumer edit",
     .summary = "Change the configuration of a consumer",
     .arguments = both_arguments,
     .options = {consumer_config_options},
     .about = "Only what is given is changed.",
     .examples = "consumer edit ORDERS worker --max-pending 500\n",
     .run = consumer_run_edit},
    {.name = "consumer info",
     .summary = "Show the configuration and the state of a consumer",
     .arguments = both_arguments,
     .examples = "consumer info ORDERS worker --json\n",
     .run = consumer_run_info},
    {.name = "consumer report",
     .summary = "Compare the consumers of a stream",
     .arguments = stream_argument,
     .options = {report_options},
     .examples = "consumer report ORDERS --sort pending\n",
     .run = consumer_run_report},
    {.name = "consumer next",
     .summary = "Take the next messages of a pull consumer",
     .arguments = both_arguments,
     .options = {read_options, option_raw},
     .about = "One message, or --count of them, each acknowledged when it was printed. Ends with 5 when "
              "there is none.",
     .examples = "consumer next ORDERS worker\nconsumer next ORDERS worker --count 10 --no-ack --raw\n",
     .run = consumer_run_next},
    {.name = "consumer sub",
     .summary = "Print the messages of a consumer as they come",
     .arguments = both_arguments,
     .options = {read_options, option_raw},
     .about = "Of pull and of push consumers.",
     .examples = "consumer sub ORDERS worker --json\n",
     .run = consumer_run_sub},
    {.name = "consumer pause",
     .summary = "Let a consumer deliver nothing for a while",
     .arguments = pause_arguments,
     .examples = "consumer pause ORDERS worker 10m\nconsumer pause ORDERS worker 2026-01-31T06:00:00Z\n",
     .run = run_pause},
    {.name = "consumer resume",
     .summary = "End a pause",
     .arguments = both_arguments,
     .examples = "consumer resume ORDERS worker\n",
     .run = run_resume},
    {.name = "consumer rm",
     .summary = "Remove a consumer",
     .arguments = both_arguments,
     .options = {option_force},
     .examples = "consumer rm ORDERS worker --force\n",
     .run = run_rm},
    {0},
};

const struct family consumer_family = {"consumer", "Consumers, which read streams", commands};
