// SPDX-License-Identifier: Apache-2.0
#include "config.h"
#include "consumer.h"

static enum tool_exit base_config(struct remote *remote, const char *stream, const char *consumer,
                                  bool is_new, json_t **ret)
{
    struct rill_error error = {0};
    Rill__ConsumerInfo *info = NULL;
    const char *file = call_text(remote->call, "config");
    if (file)
        return config_load(remote->call, file, ret);
    if (is_new) {
        *ret = json_pack("{s:s}", "ack_policy", "explicit");
        return TOOL_DONE;
    }
    const enum rill_err err = rill_consumer_info(remote->js, stream, consumer, &info, &error);
    if (err)
        return call_error(remote->call, err, &error, consumer);
    *ret = show_model(&info->config->base);
    rill_model_free(&info->base);
    return TOOL_DONE;
}

/* A durable one has its name twice. */
static void set_name(const struct call *call, const char *consumer, json_t *json)
{
    (void)json_object_del(json, "name");
    (void)json_object_del(json, "durable_name");
    if (!consumer)
        return;
    (void)json_object_set_new(json, "name", json_string(consumer));
    if (!call_has(call, "ephemeral"))
        (void)json_object_set_new(json, "durable_name", json_string(consumer));
}

static void set_start(const struct call *call, json_t *json)
{
    if (call_has(call, "start-seq"))
        (void)json_object_set_new(json, "deliver_policy", json_string("by_start_sequence"));
    else if (call_has(call, "start-time"))
        (void)json_object_set_new(json, "deliver_policy", json_string("by_start_time"));
}

/* One filter is a field of its own, which older servers know too; none is asked for with ">". */
static void set_filter(const struct call *call, json_t *json)
{
    json_t *filters = json_object_get(json, "filter_subjects");
    if (!call_has(call, "filter"))
        return;
    (void)json_object_del(json, "filter_subject");
    if (json_array_size(filters) != 1)
        return;
    (void)json_object_set(json, "filter_subject", json_array_get(filters, 0));
    (void)json_object_del(json, "filter_subjects");
}

static enum tool_exit store_config(struct remote *remote, const char *stream, const char *consumer,
                                   bool is_new)
{
    const struct call *call = remote->call;
    json_t *json = NULL;
    enum tool_exit code = base_config(remote, stream, consumer, is_new, &json);
    if (code)
        return code;
    config_apply(call, json);
    if (is_new)
        set_name(call, consumer, json);
    set_start(call, json);
    set_filter(call, json);
    Rill__ConsumerConfig *config = NULL;
    code = config_decode(call, json, &rill__consumer_config__descriptor, (ProtobufCMessage **)&config);
    if (code)
        return code;
    struct rill_error error = {0};
    Rill__ConsumerInfo *info = NULL;
    const enum rill_err err = rill_consumer_create(remote->js, stream, config,
                                                   is_new ? RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE
                                                          : RILL__CONSUMER_ACTION__CONSUMER_ACTION_UPDATE,
                                                   &info, &error);
    rill_model_free(&config->base);
    return err ? call_error(call, err, &error, consumer ? consumer : stream) : consumer_show(call, info);
}

static enum tool_exit add(struct remote *remote, const char *stream, const char *consumer)
{
    return store_config(remote, stream, consumer, true);
}

static enum tool_exit edit(struct remote *remote, const char *stream, const char *consumer)
{
    return store_config(remote, stream, consumer, false);
}

static bool starts_once(const struct call *call)
{
    return call_has(call, "deliver") + call_has(call, "start-seq") + call_has(call, "start-time") <= 1;
}

enum tool_exit consumer_run_add(struct call *call)
{
    if (!starts_once(call))
        return call_usage(call,
                          "--deliver, --start-seq and --start-time exclude each other: give one of them");
    return consumer_with(call, add);
}

enum tool_exit consumer_run_edit(struct call *call)
{
    return consumer_with(call, edit);
}

const struct parameter consumer_config_options[] = {
    {"description", 0, VALUE_TEXT, .json = "description", .help = "What it is for."},
    {"filter", 0, VALUE_SUBJECT, .json = "filter_subjects",
     .help = "Only messages of subjects that match this one.", .many = true},
    {"deliver", 0, VALUE_CHOICE, .choices = "all last new last_per_subject", .json = "deliver_policy",
     .help = "Where to begin; all without it."},
    {"start-seq", 0, VALUE_COUNT, .metavar = "SEQ", .json = "opt_start_seq",
     .help = "Begin at this sequence."},
    {"start-time", 0, VALUE_TIME, .json = "opt_start_time",
     .help = "Begin with what was stored at this time, or so long ago."},
    {"ack", 0, VALUE_CHOICE, .choices = "explicit all none flow_control", .json = "ack_policy",
     .help = "What an acknowledgement is for: the message, it and all before it, nothing; or flow control "
             "does it."},
    {"wait", 0, VALUE_DURATION, .json = "ack_wait",
     .help = "How long to wait for it before a message comes again."},
    {"max-deliver", 0, VALUE_LIMIT, .json = "max_deliver", .help = "How often a message comes."},
    {"backoff", 0, VALUE_DURATION, .json = "backoff",
     .help = "Waits before further deliveries, instead of --wait.", .many = true},
    {"max-pending", 0, VALUE_LIMIT, .json = "max_ack_pending",
     .help = "Messages that may be unacknowledged at one time."},
    {"replay", 0, VALUE_CHOICE, .choices = "instant original", .json = "replay_policy",
     .help = "As fast as can be, or in the rhythm in which messages were stored."},
    {"headers-only", 0, VALUE_SWITCH, .json = "headers_only", .help = "Without payloads."},
    {"sample", 0, VALUE_TEXT, .metavar = "PERCENT", .json = "sample_freq",
     .help = "Tell of so many acknowledgements."},
    {"inactive-threshold", 0, VALUE_DURATION, .json = "inactive_threshold",
     .help = "It goes when nobody has used it for so long."},
    {"replicas", 0, VALUE_COUNT, .json = "num_replicas",
     .help = "Servers that keep its state; 0 is as many as of the stream."},
    {"memory", 0, VALUE_SWITCH, .json = "mem_storage", .help = "Keep its state in memory only."},
    {"max-waiting", 0, VALUE_COUNT, .json = "max_waiting", .help = "Pull: requests that may wait."},
    {"max-batch", 0, VALUE_COUNT, .json = "max_batch",
     .help = "Pull: messages that one request may ask for."},
    {"max-expires", 0, VALUE_DURATION, .json = "max_expires", .help = "Pull: how long a request may wait."},
    {"max-request-bytes", 0, VALUE_BYTES, .json = "max_bytes",
     .help = "Pull: bytes that one request may ask for."},
    {"target", 0, VALUE_SUBJECT, .json = "deliver_subject",
     .help = "Push: the subject that messages are sent to."},
    {"group", 0, VALUE_TEXT, .json = "deliver_group",
     .help = "Push: the queue group that shares the messages."},
    {"heartbeat", 0, VALUE_DURATION, .json = "idle_heartbeat",
     .help = "Push: how often it shows that it is there."},
    {"flow-control", 0, VALUE_SWITCH, .json = "flow_control", .help = "Push: wait for slow readers."},
    {"rate-limit", 0, VALUE_COUNT, .metavar = "BITS", .json = "rate_limit_bps",
     .help = "Push: bits a second."},
    {"metadata", 0, VALUE_PAIR, .json = "metadata",
     .help = "A word of your own; without a value it is taken out.", .many = true},
    {"config", 0, VALUE_FILE, .help = "Begin with the JSON in this file; - is standard input."},
    {0},
};
