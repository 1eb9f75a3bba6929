// SPDX-License-Identifier: Apache-2.0
#include "config.h"
#include "stream.h"

/* What the new configuration starts from. */
static enum tool_exit base_config(struct remote *remote, const char *stream, bool is_new, json_t **ret)
{
    struct rill_error error = {0};
    Rill__StreamInfo *info = NULL;
    const char *file = call_text(remote->call, "config");
    if (file)
        return config_load(remote->call, file, ret);
    if (is_new) {
        *ret = json_object();
        return TOOL_DONE;
    }
    const enum rill_err err = rill_stream_info(remote->js, stream, NULL, &info, &error);
    if (err)
        return call_error(remote->call, err, &error, stream);
    *ret = show_model(&info->config->base);
    rill_model_free(&info->base);
    return TOOL_DONE;
}

static enum tool_exit make_config(struct remote *remote, const char *stream, bool is_new,
                                  Rill__StreamConfig **ret)
{
    json_t *json = NULL;
    const enum tool_exit code = base_config(remote, stream, is_new, &json);
    if (code)
        return code;
    (void)json_object_set_new(json, "name", json_string(stream));
    config_apply(remote->call, json);
    return config_decode(remote->call, json, &rill__stream_config__descriptor, (ProtobufCMessage **)ret);
}

static enum tool_exit store_config(struct remote *remote, const char *stream, bool is_new)
{
    Rill__StreamConfig *config = NULL;
    const enum tool_exit code = make_config(remote, stream, is_new, &config);
    if (code)
        return code;
    struct rill_error error = {0};
    Rill__StreamInfo *info = NULL;
    const enum rill_err err = is_new ? rill_stream_create(remote->js, config, &info, &error)
                                     : rill_stream_update(remote->js, config, &info, &error);
    rill_model_free(&config->base);
    return err ? call_error(remote->call, err, &error, stream) : stream_show(remote->call, info);
}

static enum tool_exit add(struct remote *remote, const char *stream)
{
    return store_config(remote, stream, true);
}

static enum tool_exit edit(struct remote *remote, const char *stream)
{
    return store_config(remote, stream, false);
}

enum tool_exit stream_run_add(struct call *call)
{
    return stream_with(call, add);
}

enum tool_exit stream_run_edit(struct call *call)
{
    return stream_with(call, edit);
}

const struct parameter stream_config_options[] = {
    {"subjects", 0, VALUE_SUBJECT, .json = "subjects", .help = "A subject that the stream keeps.",
     .many = true},
    {"description", 0, VALUE_TEXT, .json = "description", .help = "What it is for."},
    {"storage", 0, VALUE_CHOICE, .choices = "file memory", .json = "storage",
     .help = "Where messages are kept."},
    {"retention", 0, VALUE_CHOICE, .choices = "limits interest workqueue", .json = "retention",
     .help = "What messages are kept for: until a limit is reached, while a consumer needs them, until one "
             "has done them."},
    {"discard", 0, VALUE_CHOICE, .choices = "old new", .json = "discard",
     .help = "What goes when a limit is reached: the oldest messages, or those that come."},
    {"discard-per-subject", 0, VALUE_SWITCH, .json = "discard_new_per_subject",
     .help = "With --discard new: also at the limit of a subject."},
    {"max-msgs", 0, VALUE_LIMIT, .json = "max_msgs", .help = "Messages kept."},
    {"max-msgs-per-subject", 0, VALUE_LIMIT, .json = "max_msgs_per_subject",
     .help = "Messages kept of each subject."},
    {"max-bytes", 0, VALUE_BYTES, .json = "max_bytes", .help = "Bytes kept."},
    {"max-age", 0, VALUE_DURATION, .json = "max_age", .help = "How long a message is kept; 0 is for ever."},
    {"max-msg-size", 0, VALUE_BYTES, .json = "max_msg_size", .help = "Bytes of one message."},
    {"max-consumers", 0, VALUE_LIMIT, .json = "max_consumers", .help = "Consumers that there may be."},
    {"dupe-window", 0, VALUE_DURATION, .json = "duplicate_window",
     .help = "How long message ids are remembered."},
    {"replicas", 0, VALUE_COUNT, .json = "num_replicas", .help = "Servers that keep it."},
    {"compression", 0, VALUE_CHOICE, .choices = "none s2", .json = "compression",
     .help = "Pack what is stored."},
    {"no-ack", 0, VALUE_SWITCH, .json = "no_ack", .help = "Do not acknowledge what is published."},
    {"deny-delete", 0, VALUE_SWITCH, .json = "deny_delete", .help = "Refuse to remove single messages."},
    {"deny-purge", 0, VALUE_SWITCH, .json = "deny_purge", .help = "Refuse purges."},
    {"allow-rollup", 0, VALUE_SWITCH, .json = "allow_rollup_hdrs",
     .help = "A message may replace all before it."},
    {"allow-direct", 0, VALUE_SWITCH, .json = "allow_direct",
     .help = "Allow quick reading of single messages."},
    {"allow-msg-ttl", 0, VALUE_SWITCH, .json = "allow_msg_ttl",
     .help = "Messages may say how long they are kept."},
    {"sealed", 0, VALUE_SWITCH, .json = "sealed", .help = "Nothing can be changed any more, also not this."},
    {"first-seq", 0, VALUE_COUNT, .json = "first_seq", .help = "The sequence of the first message."},
    {"transform-source", 0, VALUE_SUBJECT, .json = "subject_transform.src",
     .help = "Subjects that are stored under another."},
    {"transform-destination", 0, VALUE_TEXT, .metavar = "SUBJECT", .json = "subject_transform.dest",
     .help = "That other subject."},
    {"republish-source", 0, VALUE_SUBJECT, .json = "republish.src",
     .help = "What is published again when it is stored."},
    {"republish-destination", 0, VALUE_TEXT, .metavar = "SUBJECT", .json = "republish.dest",
     .help = "Where to."},
    {"republish-headers", 0, VALUE_SWITCH, .json = "republish.headers_only", .help = "Without the payload."},
    {"metadata", 0, VALUE_PAIR, .json = "metadata",
     .help = "A word of your own; without a value it is taken out.", .many = true},
    {"config", 0, VALUE_FILE, .help = "Begin with the JSON in this file; - is standard input."},
    {0},
};
