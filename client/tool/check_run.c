// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include "clock.h"
#include "remote.h"

/* A server that cannot be reached is the worst that a check can find. The reason went to standard error. */
static enum tool_exit open_or_fail(struct check *check, struct remote *remote)
{
    const enum tool_exit code = remote_open(check->call, remote);
    if (!code || code == TOOL_USAGE)
        return code ? (enum tool_exit)CHECK_UNKNOWN : TOOL_DONE;
    check_fail(check, CHECK_CRITICAL, "there is no connection to the server");
    return check_finish(check);
}

static void fail_with(struct check *check, enum rill_err err, const struct rill_error *error)
{
    check_fail(check, CHECK_CRITICAL, "%s", error && error->text[0] ? error->text : rill_error_string(err));
}

/* Opens a connection, measures, prints. */
static enum tool_exit run(struct check *check, void (*measure)(struct check *check, struct remote *remote))
{
    struct remote remote;
    const enum tool_exit code = open_or_fail(check, &remote);
    if (code)
        return code;
    measure(check, &remote);
    remote_close(&remote);
    return check_finish(check);
}

static double seconds_since(const Rill__Timestamp *time)
{
    const int64_t now_ns = clock_wall_ns();
    return time && time->unix_ns > 0 && time->unix_ns < now_ns ? (double)(now_ns - time->unix_ns) / 1e9 : 0;
}

// ---- connection ----

enum tool_exit check_run_connection(struct call *call)
{
    struct check check = {.call = call, .kind = "connection", .item = "connection"};
    struct remote remote;
    int64_t rtt_ns = 0;
    const int64_t begun_ns = clock_mono_ns();
    const enum tool_exit code = open_or_fail(&check, &remote);
    if (code)
        return code;
    check_above(&check, "connect", "s", (double)(clock_mono_ns() - begun_ns) / 1e9);
    const enum rill_err err = rill_rtt(remote.conn, remote.timeout_ms, &rtt_ns);
    if (err)
        fail_with(&check, err, NULL);
    else
        check_above(&check, "rtt", "s", (double)rtt_ns / 1e9);
    remote_close(&remote);
    return check_finish(&check);
}

// ---- stream ----

static void measure_stream(struct check *check, struct remote *remote)
{
    struct rill_error error = {0};
    Rill__StreamInfo *info = NULL;
    const enum rill_err err = rill_stream_info(remote->js, check->item, NULL, &info, &error);
    if (err) {
        fail_with(check, err, &error);
        return;
    }
    const Rill__StreamState *state = info->state;
    check_above(check, "messages", "", (double)state->messages);
    check_below(check, "min-messages", "", (double)state->messages);
    check_above(check, "bytes", "B", (double)state->bytes);
    check_above(check, "age", "s", seconds_since(state->messages ? state->last_ts : info->created));
    check_below(check, "consumers", "", (double)state->consumer_count);
    if (state->lost && state->lost->n_msgs)
        check_fail(check, CHECK_CRITICAL, "%zu messages are lost", state->lost->n_msgs);
    rill_model_free(&info->base);
}

enum tool_exit check_run_stream(struct call *call)
{
    return run(&(struct check){.call = call, .kind = "stream", .item = call_text(call, "stream")},
               measure_stream);
}

// ---- consumer ----

static void measure_consumer(struct check *check, struct remote *remote)
{
    struct rill_error error = {0};
    Rill__ConsumerInfo *info = NULL;
    const enum rill_err err =
        rill_consumer_info(remote->js, call_text(check->call, "stream"), check->item, &info, &error);
    if (err) {
        fail_with(check, err, &error);
        return;
    }
    check_above(check, "unacknowledged", "", (double)info->num_ack_pending);
    check_above(check, "pending", "", (double)info->num_pending);
    check_above(check, "redelivered", "", (double)info->num_redelivered);
    check_below(check, "waiting", "", (double)info->num_waiting);
    check_above(check, "last-delivery", "s", seconds_since(info->delivered->last_active));
    check_above(check, "last-ack", "s", seconds_since(info->ack_floor->last_active));
    if (info->paused)
        check_fail(check, CHECK_WARNING, "it is paused");
    rill_model_free(&info->base);
}

enum tool_exit check_run_consumer(struct call *call)
{
    return run(&(struct check){.call = call, .kind = "consumer", .item = call_text(call, "consumer")},
               measure_consumer);
}

// ---- jetstream ----

/* Of what the account may use; nothing when that is unlimited. */
static double percent(uint64_t used, int64_t limit)
{
    return limit > 0 ? 100 * (double)used / (double)limit : 0;
}

static void measure_jetstream(struct check *check, struct remote *remote)
{
    struct rill_error error = {0};
    Rill__AccountInfo *info = NULL;
    const enum rill_err err = rill_js_account(remote->js, &info, &error);
    if (err) {
        fail_with(check, err, &error);
        return;
    }
    check_above(check, "storage", "%", percent(info->storage, info->limits->max_storage));
    check_above(check, "memory", "%", percent(info->memory, info->limits->max_memory));
    check_above(check, "streams", "", (double)info->streams);
    check_above(check, "consumers", "", (double)info->consumers);
    check_note(check, "storage-used", "B", (double)info->storage);
    check_note(check, "memory-used", "B", (double)info->memory);
    rill_model_free(&info->base);
}

enum tool_exit check_run_jetstream(struct call *call)
{
    return run(&(struct check){.call = call, .kind = "jetstream", .item = "jetstream"}, measure_jetstream);
}

// ---- options ----

#define LIMITS(name, kind, when)                                                                             \
    {name "-warn", 0, kind, .help = "Warn when " when},                                                      \
    {                                                                                                        \
        name "-critical", 0, kind, .help = "Critical when " when                                             \
    }

const struct parameter check_format_options[] = {
    {"format", 0, VALUE_CHOICE, .choices = "nagios prometheus",
     .help = "The form of the result; nagios without it."},
    {0},
};
const struct parameter check_connection_options[] = {
    LIMITS("connect", VALUE_DURATION, "connecting takes so long."),
    LIMITS("rtt", VALUE_DURATION, "a round trip takes so long."),
    {0},
};
const struct parameter check_stream_options[] = {
    LIMITS("messages", VALUE_COUNT, "there are so many messages or more."),
    LIMITS("min-messages", VALUE_COUNT, "there are so many messages or fewer."),
    LIMITS("bytes", VALUE_BYTES, "it has this size or more."),
    LIMITS("age", VALUE_DURATION, "nothing was stored for so long."),
    LIMITS("consumers", VALUE_COUNT, "it has so many consumers or fewer."),
    {0},
};
const struct parameter check_consumer_options[] = {
    LIMITS("unacknowledged", VALUE_COUNT, "so many messages are unacknowledged."),
    LIMITS("pending", VALUE_COUNT, "so many messages are still to come."),
    LIMITS("redelivered", VALUE_COUNT, "so many messages were delivered again."),
    LIMITS("waiting", VALUE_COUNT, "so many pulls wait, or fewer."),
    LIMITS("last-delivery", VALUE_DURATION, "nothing was delivered for so long."),
    LIMITS("last-ack", VALUE_DURATION, "nothing was acknowledged for so long."),
    {0},
};
const struct parameter check_jetstream_options[] = {
    LIMITS("storage", VALUE_COUNT, "so many percent of the storage are used."),
    LIMITS("memory", VALUE_COUNT, "so many percent of the memory are used."),
    LIMITS("streams", VALUE_COUNT, "there are so many streams."),
    LIMITS("consumers", VALUE_COUNT, "there are so many consumers."),
    {0},
};
