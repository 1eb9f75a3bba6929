// SPDX-License-Identifier: Apache-2.0
#include "clock.h"
#include "families.h"
#include "message.h"
#include "payload.h"
#include "remote.h"
#include "spawn.h"

#include <inttypes.h>

// ---- request ----

struct asking {
    const struct call *call;
    uint64_t shown;
};

static bool on_reply(struct rill_msg *reply, void *context)
{
    struct asking *asking = context;
    message_print(asking->call, reply, ++asking->shown, call_has(asking->call, "raw"));
    return !interrupt_seen();
}

/* One question with one answer, or with as many as --replies says; 0 is all that come in time. */
static enum tool_exit ask(struct asking *asking, struct remote *remote, const struct rill_publish *request)
{
    const struct call *call = asking->call;
    const int64_t replies = call_number(call, "replies", 1);
    const uint64_t before = asking->shown;
    struct rill_msg *reply = NULL;
    const struct rill_many until = {.timeout_ms = remote->timeout_ms,
                                    .gap_ms = call_ms(call, "gap", 0),
                                    .replies_max = (uint64_t)replies};
    const enum rill_err err = replies == 1
                                  ? rill_request_msg(remote->conn, request, remote->timeout_ms, &reply)
                                  : rill_request_many(remote->conn, request, &until, on_reply, asking, NULL);
    if (err)
        return call_error(call, err, NULL, request->subject);
    if (reply)
        (void)on_reply(reply, asking);
    rill_msg_unref(reply);
    if (asking->shown - before < (uint64_t)replies && !interrupt_seen())
        return call_fail(call, TOOL_TIMEOUT, "%" PRIu64 " of %" PRId64 " answers came in time",
                         asking->shown - before, replies);
    return asking->shown > before ? TOOL_DONE : call_fail(call, TOOL_TIMEOUT, "no answer came in time");
}

static enum tool_exit ask_all(struct remote *remote, struct payload *payload, struct rill_publish *request)
{
    const struct call *call = remote->call;
    struct asking asking = {.call = call};
    const uint64_t wanted = (uint64_t)call_number(call, "count", payload->lines ? INT64_MAX : 1);
    enum tool_exit code = TOOL_DONE;
    bool end = false;
    for (uint64_t count = 1; !code && count <= wanted && !interrupt_seen(); count++) {
        struct rill_bytes data;
        code = payload_next(payload, count, rill_bytes_of(NULL, 0), &data, &end);
        if (code || end)
            break;
        request->data = data.data;
        request->data_bytes = data.len;
        code = ask(&asking, remote, request);
    }
    return code;
}

static enum tool_exit run_request(struct call *call)
{
    struct remote remote;
    struct payload payload;
    struct rill_publish request = {.subject = call_text(call, "subject")};
    enum tool_exit code = payload_open(&payload, call);
    if (!code && !(code = remote_open(call, &remote))) {
        interrupt_catch();
        request.headers = message_headers(call, &request.headers_count);
        code = ask_all(&remote, &payload, &request);
        message_headers_free((struct rill_header *)request.headers, request.headers_count);
        remote_close(&remote);
    }
    payload_close(&payload);
    return code;
}

// ---- reply ----

struct replying {
    const struct call *call;
    struct remote remote;
    struct payload payload;
    struct rill_publish answer;
};

/* The output of --command becomes the answer; what it says to standard error goes to ours. */
static enum tool_exit answer_of_command(struct replying *replying, const struct rill_msg *request,
                                        struct rill_buf *out)
{
    const struct rill_bytes input = rill_bytes_of(rill_msg_data(request), rill_msg_data_bytes(request));
    int status = 0;
    const enum rill_err err =
        spawn_shell(call_text(replying->call, "command"), rill_msg_subject(request), input, out, &status);
    if (err)
        return call_error(replying->call, err, NULL, "the command");
    if (status)
        (void)call_fail(replying->call, TOOL_FAILED,
                        "the command ended with %d; its output is answered all the same", status);
    return TOOL_DONE;
}

static enum tool_exit answer_one(struct replying *replying, const struct rill_msg *request, uint64_t count)
{
    const struct rill_bytes asked = rill_bytes_of(rill_msg_data(request), rill_msg_data_bytes(request));
    struct rill_bytes data = asked;
    struct rill_buf out;
    rill_buf_init(&out, PAYLOAD_BYTES_MAX);
    enum tool_exit code = TOOL_DONE;
    bool end;
    if (call_has(replying->call, "command")) {
        code = answer_of_command(replying, request, &out);
        data = rill_buf_bytes(&out);
    } else if (!call_has(replying->call, "echo")) {
        code = payload_next(&replying->payload, count, asked, &data, &end);
    }
    replying->answer.subject = rill_msg_reply(request);
    replying->answer.data = data.data;
    replying->answer.data_bytes = data.len;
    enum rill_err err = RILL_OK;
    if (!code && replying->answer.subject)
        err = rill_publish_msg(replying->remote.conn, &replying->answer);
    rill_buf_fini(&out);
    return err ? call_error(replying->call, err, NULL, "answer") : code;
}

static enum tool_exit answer_all(struct replying *replying, struct rill_sub *sub)
{
    const struct call *call = replying->call;
    const uint64_t wanted = (uint64_t)call_number(call, "count", INT64_MAX);
    enum tool_exit code = TOOL_DONE;
    for (uint64_t count = 0; !code && count < wanted && !interrupt_seen();) {
        struct rill_msg *request = NULL;
        const enum rill_err err = message_wait(message_of_sub, sub, -1, &request);
        if (err == RILL_ERR_TIMEOUT)
            break;
        if (err)
            return call_error(call, err, NULL, "subscribe");
        count++;
        message_print(call, request, count, false);
        clock_sleep_ms(call_ms(call, "sleep", 0));
        code = answer_one(replying, request, count);
        rill_msg_unref(request);
    }
    return code;
}

static enum tool_exit reply_with_session(struct replying *replying)
{
    struct rill_sub *sub;
    const struct call *call = replying->call;
    const char *queue = call_text(call, "queue");
    const struct rill_subscribe want = {.subject = call_text(call, "subject"),
                                        .queue = queue ? queue : "rill-reply"};
    enum rill_err err = rill_subscribe_with(replying->remote.conn, &want, &sub);
    err = err ? err : rill_flush(replying->remote.conn, replying->remote.timeout_ms);
    if (err)
        return call_error(call, err, NULL, want.subject);
    (void)fprintf(stderr, "answering on %s\n", want.subject);
    return answer_all(replying, sub);
}

static enum tool_exit run_reply(struct call *call)
{
    struct replying replying = {.call = call};
    if (call_has(call, "echo") + call_has(call, "command") + call_has(call, "body") != 1)
        return call_usage(call,
                          "nothing or too much to answer with: give one of <body>, --echo and --command");
    payload_open_text(&replying.payload, call);
    enum tool_exit code = remote_open(call, &replying.remote);
    if (!code) {
        interrupt_catch();
        replying.answer.headers = message_headers(call, &replying.answer.headers_count);
        code = remote_finish(&replying.remote, reply_with_session(&replying));
        message_headers_free((struct rill_header *)replying.answer.headers, replying.answer.headers_count);
    }
    payload_close(&replying.payload);
    return code;
}

// ---- rtt ----

static enum tool_exit rtt_report(const struct call *call, struct remote *remote, const int64_t sum[3],
                                 int64_t count)
{
    static const struct show_field fields[] = {
        {"server", "Server", SHOW_TEXT},       {"count", "Measured", SHOW_COUNT},
        {"min_ns", "Shortest", SHOW_DURATION}, {"avg_ns", "Average", SHOW_DURATION},
        {"max_ns", "Longest", SHOW_DURATION},  {0},
    };
    struct rill_server_info server = {0};
    const enum rill_err err = rill_conn_server(remote->conn, &server);
    if (err)
        return call_error(call, err, NULL, NULL);
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:I}", "server", server.url, "count", (json_int_t)count, "min_ns",
                  (json_int_t)sum[0], "avg_ns", (json_int_t)(sum[1] / count), "max_ns", (json_int_t)sum[2]);
    return show_card(call, "Round trip", fields, object);
}

static enum tool_exit run_rtt(struct call *call)
{
    struct remote remote;
    int64_t sum[3] = {INT64_MAX, 0, 0}; // shortest, all together, longest
    const int64_t count = call_number(call, "count", 5);
    if (count == 0)
        return call_usage(call, "--count cannot be 0: give 1 or more");
    enum tool_exit code = remote_open(call, &remote);
    if (code)
        return code;
    for (int64_t i = 0; !code && i < count; i++) {
        int64_t ns = 0;
        const enum rill_err err = rill_rtt(remote.conn, remote.timeout_ms, &ns);
        code = err ? call_error(call, err, NULL, "PING") : TOOL_DONE;
        sum[0] = ns < sum[0] ? ns : sum[0];
        sum[1] += ns;
        sum[2] = ns > sum[2] ? ns : sum[2];
    }
    if (!code)
        code = rtt_report(call, &remote, sum, count);
    remote_close(&remote);
    return code;
}

// ---- the family ----

static const struct parameter request_arguments[] = {
    {"subject", 0, VALUE_SUBJECT, .help = "Whom to ask."},
    {"body", 0, VALUE_TEXT, .help = "The payload; it may have templates such as {{Count}}.",
     .optional = true},
    {0},
};
static const struct parameter request_options[] = {
    {"count", 'n', VALUE_COUNT, .help = "Ask so many times."},
    {"replies", 0, VALUE_COUNT, .help = "Wait for so many answers to each; 0 is all that come in --timeout."},
    {"gap", 0, VALUE_DURATION, .help = "With several answers: end when none came for so long."},
    {0},
};
static const struct parameter reply_arguments[] = {
    {"subject", 0, VALUE_SUBJECT, .help = "What to listen to."},
    {"body", 0, VALUE_TEXT, .help = "The answer; {{Request}} in it stands for what was asked.",
     .optional = true},
    {0},
};
static const struct parameter reply_options[] = {
    {"echo", 0, VALUE_FLAG, .help = "Answer with what was asked."},
    {"command", 0, VALUE_TEXT, .metavar = "COMMAND",
     .help =
         "Answer with what this shell command prints. The request is its standard input, its subject is in "
         "RILL_SUBJECT."},
    {"queue", 'q', VALUE_TEXT, .metavar = "GROUP",
     .help = "Share the requests with the others of this group; rill-reply without it."},
    {"count", 'n', VALUE_COUNT, .help = "End after so many."},
    {"sleep", 0, VALUE_DURATION, .help = "Wait so long before each answer."},
    {0},
};
static const struct parameter rtt_options[] = {
    {"count", 'n', VALUE_COUNT, .help = "Measure so many times, 5 without it."},
    {0},
};

static const struct command commands[] = {
    {.name = "request",
     .summary = "Ask, and print the answer",
     .arguments = request_arguments,
     .options = {request_options, option_headers, option_raw, payload_options},
     .examples = "request time.now\n"
                 "request stock.left '{\"item\":7}' --raw\n"
                 "request who.is.there --replies 0 --timeout 1s\n",
     .run = run_request},
    {.name = "reply",
     .summary = "Answer requests",
     .arguments = reply_arguments,
     .options = {reply_options, option_headers, payload_option_plain},
     .examples = "reply time.now --command date\n"
                 "reply 'echo.>' --echo\n"
                 "reply greet 'hello {{Request}}, you are number {{Count}}'\n",
     .run = run_reply},
    {.name = "rtt",
     .summary = "Measure the round trip to the server",
     .options = {rtt_options},
     .examples = "rtt\nrtt --count 100 --json\n",
     .run = run_rtt},
    {0},
};

const struct family request_family = {"request", NULL, commands};
