// SPDX-License-Identifier: Apache-2.0
#include "clock.h"
#include "message.h"
#include "stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { VIEW_ON_TERMINAL = 25 };

// ---- get ----

static enum tool_exit get(struct remote *remote, const char *stream)
{
    const struct call *call = remote->call;
    Rill__MsgGetRequest request = RILL__MSG_GET_REQUEST__INIT;
    request.has_seq = call_has(call, "seq");
    request.seq = (uint64_t)call_number(call, "seq", 0);
    request.last_by_subj = (char *)call_text(call, "last-for");
    request.next_by_subj = (char *)call_text(call, "next-for");
    Rill__StoredMessage *stored = NULL;
    struct rill_error error = {0};
    const enum rill_err err = rill_stream_get_msg(remote->js, stream, &request, &stored, &error);
    if (err)
        return call_error(call, err, &error, stream);
    struct message_view view = message_view_of_stored(stored, stream);
    message_view_print(call, &view, 0, message_form_of(call));
    message_view_fini(&view);
    rill_model_free(&stored->base);
    return TOOL_DONE;
}

enum tool_exit stream_run_get(struct call *call)
{
    const bool by_seq = call_has(call, "seq") && !call_has(call, "next-for");
    if (by_seq + call_has(call, "last-for") + call_has(call, "next-for") != 1)
        return call_usage(call, "which message is not clear: give one of <seq>, --last-for and --next-for");
    return stream_with(call, get);
}

// ---- rmm ----

static enum tool_exit rmm(struct remote *remote, const char *stream)
{
    const uint64_t seq = (uint64_t)call_number(remote->call, "seq", 0);
    struct rill_error error = {0};
    const enum rill_err err =
        rill_stream_delete_msg(remote->js, stream, seq, !call_has(remote->call, "no-erase"), &error);
    if (err)
        return call_error(remote->call, err, &error, stream);
    return show_done(remote->call, json_pack("{s:s, s:I}", "stream", stream, "removed", (json_int_t)seq),
                     "message %" PRIu64 " of %s is removed", seq, stream);
}

enum tool_exit stream_run_rmm(struct call *call)
{
    const enum tool_exit asked = remote_confirm(call, "Remove message %s of stream %s?",
                                                call_text(call, "seq"), call_text(call, "stream"));
    return asked ? asked : stream_with(call, rmm);
}

// ---- view ----

static Rill__Timestamp since_of(const struct call *call)
{
    Rill__Timestamp since = RILL__TIMESTAMP__INIT;
    const int64_t number = call_number(call, "since", 0);
    since.unix_ns = number < 0 ? clock_wall_ns() + number : number;
    return since;
}

static Rill__DeliverPolicy policy_of(const struct call *call)
{
    if (call_has(call, "last-per-subject"))
        return RILL__DELIVER_POLICY__DELIVER_POLICY_LAST_PER_SUBJECT;
    if (call_has(call, "from"))
        return RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE;
    return call_has(call, "since") ? RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_TIME
                                   : RILL__DELIVER_POLICY__DELIVER_POLICY_ALL;
}

/* One filter is a field of its own, which older servers know too; several are a list. */
static void set_filters(const struct call *call, Rill__ConsumerConfig *config, char **filters)
{
    size_t at = 0;
    const size_t count = call_count(call, "subject");
    for (size_t i = 0; i < count; i++)
        filters[i] = (char *)call_next_text(call, "subject", &at);
    if (count == 1)
        config->filter_subject = filters[0];
    else if (count == 0 && call_has(call, "last-per-subject"))
        config->filter_subject = (char *)">"; // the server insists on one
    config->filter_subjects = filters;
    config->n_filter_subjects = count > 1 ? count : 0;
}

static enum tool_exit view_open(struct remote *remote, const char *stream, struct rill_ordered **ret)
{
    const struct call *call = remote->call;
    Rill__Timestamp since = since_of(call);
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    config.deliver_policy = policy_of(call);
    config.has_opt_start_seq = call_has(call, "from");
    config.opt_start_seq = (uint64_t)call_number(call, "from", 0);
    config.opt_start_time = call_has(call, "since") ? &since : NULL;
    char **filters = calloc(call_count(call, "subject") + 1, sizeof *filters);
    if (!filters)
        return call_error(call, RILL_ERR_NO_MEMORY, NULL, stream);
    set_filters(call, &config, filters);
    struct rill_error error = {0};
    const enum rill_err err = rill_ordered_open(remote->js, stream, &config, ret, &error);
    free(filters);
    return err ? call_error(call, err, &error, stream) : TOOL_DONE;
}

static enum tool_exit view(struct remote *remote, const char *stream)
{
    const struct call *call = remote->call;
    struct rill_ordered *ordered = NULL;
    enum tool_exit code = view_open(remote, stream, &ordered);
    if (code)
        return code;
    uint64_t left = rill_ordered_pending(ordered);
    const uint64_t wanted =
        (uint64_t)call_number(call, "count", isatty(STDOUT_FILENO) ? VIEW_ON_TERMINAL : INT64_MAX);
    for (left = left < wanted ? left : wanted; !code && left && !interrupt_seen(); left--) {
        struct rill_msg *msg = NULL;
        const enum rill_err err = rill_ordered_next(ordered, remote->timeout_ms, &msg);
        if (err)
            code = call_error(call, err, NULL, stream);
        else
            message_print(call, msg, 0, message_form_of(call));
        rill_msg_unref(msg);
    }
    rill_ordered_close(ordered);
    return code;
}

enum tool_exit stream_run_view(struct call *call)
{
    if (call_has(call, "from") + call_has(call, "since") + call_has(call, "last-per-subject") > 1)
        return call_usage(call,
                          "--from, --since and --last-per-subject exclude each other: give one of them");
    interrupt_catch();
    return stream_with(call, view);
}
