// SPDX-License-Identifier: Apache-2.0
#include "clock.h"
#include "families.h"
#include "message.h"
#include "payload.h"
#include "remote.h"

#include <inttypes.h>
#include <pthread.h>

// ---- pub ----

/* What the streams have answered; written by librill's thread, read after rill_js_wait. */
struct answers {
    const struct call *call;
    pthread_mutex_t lock;
    struct rill_stored last;
    uint64_t duplicates;
    enum tool_exit code; // of the first failure
};

struct pub {
    const struct call *call;
    struct remote remote;
    struct payload payload;
    struct rill_publish message;
    struct answers answers;
    bool stored; // into a stream
};

static void on_stored(struct rill_js *js, const struct rill_stored *stored, const struct rill_error *error,
                      void *context)
{
    struct answers *answers = context;
    (void)js;
    (void)pthread_mutex_lock(&answers->lock);
    if (!error->err && stored->seq >= answers->last.seq)
        answers->last = *stored;
    if (!error->err)
        answers->duplicates += stored->duplicate;
    else if (!answers->code)
        answers->code = call_error(answers->call, error->err, error, "not stored");
    (void)pthread_mutex_unlock(&answers->lock);
}

static enum tool_exit pub_one(struct pub *pub)
{
    struct rill_expect expect = {.msg_id = call_text(pub->call, "id"),
                                 .ttl_ms = call_ms(pub->call, "ttl", 0),
                                 .check_last_seq = call_has(pub->call, "expect-last"),
                                 .last_seq = (uint64_t)call_number(pub->call, "expect-last", 0)};
    const enum rill_err err =
        pub->stored ? rill_js_publish_async(pub->remote.js, &pub->message, &expect, on_stored, &pub->answers)
                    : rill_publish_msg(pub->remote.conn, &pub->message);
    return err ? call_error(pub->call, err, NULL, "publish") : TOOL_DONE;
}

static enum tool_exit pub_all(struct pub *pub, uint64_t *ret_count)
{
    const int64_t sleep_ms = call_ms(pub->call, "sleep", 0);
    const uint64_t wanted = (uint64_t)call_number(pub->call, "count", pub->payload.lines ? INT64_MAX : 1);
    enum tool_exit code = TOOL_DONE;
    uint64_t count = 0;
    bool end = false;
    while (!code && count < wanted && !interrupt_seen()) {
        struct rill_bytes data;
        if (sleep_ms && count)
            clock_sleep_ms(sleep_ms);
        code = payload_next(&pub->payload, count + 1, rill_bytes_of(NULL, 0), &data, &end);
        if (end)
            break;
        pub->message.data = data.data;
        pub->message.data_bytes = data.len;
        code = code ? code : pub_one(pub);
        count += !code;
    }
    *ret_count = count;
    return code;
}

static enum tool_exit wait_stored(struct pub *pub)
{
    uint64_t failed;
    const enum rill_err err = rill_js_wait(pub->remote.js, pub->remote.timeout_ms + 1000, &failed);
    if (pub->answers.code)
        return pub->answers.code;
    return err ? call_error(pub->call, err, NULL, "not stored") : TOOL_DONE;
}

static enum tool_exit pub_report(const struct pub *pub, uint64_t count)
{
    const char *subject = pub->message.subject;
    if (!pub->stored)
        return show_done(pub->call,
                         json_pack("{s:s, s:I}", "subject", subject, "published", (json_int_t)count),
                         "%" PRIu64 " published to %s", count, subject);
    const struct rill_stored *last = &pub->answers.last;
    json_t *object = json_pack("{s:s, s:I, s:s, s:I, s:I}", "subject", subject, "published",
                               (json_int_t)count, "stream", last->stream, "last_seq", (json_int_t)last->seq,
                               "duplicates", (json_int_t)pub->answers.duplicates);
    return show_done(pub->call, object, "%" PRIu64 " stored in %s, the last one at sequence %" PRIu64 "%s",
                     count, last->stream, last->seq,
                     pub->answers.duplicates ? ", some of them were there already" : "");
}

static enum tool_exit pub_with_session(struct pub *pub)
{
    uint64_t count = 0;
    enum tool_exit code = pub_all(pub, &count);
    if (pub->stored) {
        const enum tool_exit waited = wait_stored(pub);
        code = code ? code : waited;
    }
    code = remote_finish(&pub->remote, code);
    return code ? code : pub_report(pub, count);
}

static enum tool_exit run_pub(struct call *call)
{
    struct pub pub = {.call = call, .answers = {.call = call}};
    (void)pthread_mutex_init(&pub.answers.lock, NULL);
    pub.stored = call_has(call, "stream") || call_has(call, "id") || call_has(call, "ttl") ||
                 call_has(call, "expect-last");
    pub.message.subject = call_text(call, "subject");
    pub.message.reply = call_text(call, "reply");
    pub.message.headers = message_headers(call, &pub.message.headers_count);
    enum tool_exit code = payload_open(&pub.payload, call);
    if (!code)
        code = remote_open(call, &pub.remote);
    interrupt_catch();
    if (!code)
        code = pub_with_session(&pub);
    payload_close(&pub.payload);
    message_headers_free((struct rill_header *)pub.message.headers, pub.message.headers_count);
    (void)pthread_mutex_destroy(&pub.answers.lock);
    return code;
}

// ---- sub ----

static enum tool_exit sub_loop(const struct call *call, struct rill_sub *sub)
{
    const uint64_t wanted = (uint64_t)call_number(call, "count", INT64_MAX);
    const bool raw = call_has(call, "raw");
    for (uint64_t count = 0; count < wanted && !interrupt_seen() && !ferror(stdout);) {
        struct rill_msg *msg = NULL;
        const enum rill_err err = message_wait(message_of_sub, sub, call_ms(call, "wait", -1), &msg);
        if (err == RILL_ERR_TIMEOUT)
            return interrupt_seen() || !call_has(call, "count")
                       ? TOOL_DONE
                       : call_fail(call, TOOL_TIMEOUT, "%" PRIu64 " of %" PRIu64 " messages came", count,
                                   wanted);
        if (err)
            return call_error(call, err, NULL, "subscribe");
        if (call_has(call, "headers-only") && !call->json)
            (void)printf("%s\n", rill_msg_subject(msg));
        else
            message_print(call, msg, count + 1, raw);
        rill_msg_unref(msg);
        count++;
    }
    return TOOL_DONE;
}

static enum tool_exit run_sub(struct call *call)
{
    struct remote remote;
    struct rill_sub *sub;
    enum tool_exit code = remote_open(call, &remote);
    if (code)
        return code;
    interrupt_catch();
    const struct rill_subscribe want = {.subject = call_text(call, "subject"),
                                        .queue = call_text(call, "queue")};
    enum rill_err err = rill_subscribe_with(remote.conn, &want, &sub);
    err = err ? err : rill_flush(remote.conn, remote.timeout_ms);
    code = err ? call_error(call, err, NULL, want.subject) : TOOL_DONE;
    if (!code && !call->json && !call_has(call, "raw"))
        (void)fprintf(stderr, "listening on %s\n", want.subject);
    if (!code)
        code = sub_loop(call, sub);
    remote_close(&remote);
    return code;
}

// ---- the family ----

static const struct parameter pub_arguments[] = {
    {"subject", 0, VALUE_SUBJECT, .help = "Where to publish."},
    {"body", 0, VALUE_TEXT, .help = "The payload; it may have templates such as {{Count}}.",
     .optional = true},
    {0},
};
static const struct parameter pub_options[] = {
    {"count", 'n', VALUE_COUNT, .help = "Publish so many; with --lines all of them without it."},
    {"sleep", 0, VALUE_DURATION, .help = "Wait so long between two."},
    {"reply", 0, VALUE_SUBJECT, .help = "Where an answer is wanted."},
    {"stream", 'J', VALUE_FLAG, .help = "Wait until a stream has stored each of them."},
    {"id", 0, VALUE_TEXT, .help = "A message of this id is stored only once; means --stream."},
    {"ttl", 0, VALUE_DURATION, .help = "The stream keeps it only so long; means --stream."},
    {"expect-last", 0, VALUE_COUNT, .metavar = "SEQ",
     .help = "Store it only if this is the last sequence of the stream; means --stream."},
    {0},
};
static const struct parameter sub_arguments[] = {
    {"subject", 0, VALUE_SUBJECT, .help = "What to listen to; * is one token, > all that follow."},
    {0},
};
static const struct parameter sub_options[] = {
    {"queue", 'q', VALUE_TEXT, .metavar = "GROUP",
     .help = "Share the messages with the others of this group."},
    {"count", 'n', VALUE_COUNT, .help = "End after so many."},
    {"wait", 0, VALUE_DURATION, .help = "End when no message came for so long."},
    {"headers-only", 0, VALUE_FLAG, .help = "Print subjects only."},
    {0},
};

static const struct command commands[] = {
    {.name = "pub",
     .summary = "Publish messages",
     .arguments = pub_arguments,
     .options = {pub_options, option_headers, payload_options},
     .about = "Templates in the payload are filled for each message: {{Count}}, {{Time}}, {{TimeStamp}}, "
              "{{Unix}}, "
              "{{UnixNano}}, {{ID}}, {{Random 3 8}}.",
     .examples = "pub orders.new 'two cups of coffee'\n"
                 "pub orders.new 'order {{Count}}' --count 100 --sleep 50ms\n"
                 "pub orders.new 'once' --id order-17 --header Shop:12\n"
                 "pub logs.line --lines --stream < /var/log/syslog\n",
     .run = run_pub},
    {.name = "sub",
     .summary = "Listen to a subject",
     .arguments = sub_arguments,
     .options = {sub_options, option_raw},
     .examples = "sub 'orders.>'\n"
                 "sub orders.new --queue workers --count 10\n"
                 "sub 'orders.*' --json --wait 5s\n",
     .run = run_sub},
    {0},
};

const struct family pubsub_family = {"pub", NULL, commands};
