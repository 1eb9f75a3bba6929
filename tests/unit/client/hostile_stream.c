// SPDX-License-Identifier: Apache-2.0
//
// Streams against a server that answers nonsense: each call ends with an error that says so, and the connection stands.
#include "story.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(client_hostile_stream, .timeout = 60);

enum { IMPATIENT_MS = 100 };

struct stage {
    struct rill_conn *conn;
    struct rill_js *js;
};

static struct stage stage_open(int64_t timeout_ms)
{
    struct stage stage = {.conn = story_connect()};
    const struct rill_js_options options = {.struct_bytes = sizeof options, .timeout_ms = timeout_ms};
    cr_assert(eq(int, (int)rill_js_open(stage.conn, &options, &stage.js), RILL_OK));
    return stage;
}

/* The link must have survived. */
static void stage_close(struct stage *stage)
{
    cr_expect(eq(int, story_heard.counts[RILL_EVENT_DISCONNECTED], 0));
    rill_js_destroy(stage->js);
    story_end(stage->conn);
}

/* A call of the client's, which waits, on a thread of its own while the script goes on. */
struct call {
    struct stage *stage;
    enum rill_err err;
    struct rill_error error;
    size_t count;
    struct rill_msg *msgs[4];
    pthread_t thread;
};

static void call_begin(struct call *call, struct stage *stage, void *(*function)(void *))
{
    *call = (struct call){.stage = stage};
    cr_assert(eq(int, pthread_create(&call->thread, NULL, function, call), 0));
}

static void call_end(struct call *call)
{
    cr_assert(eq(int, pthread_join(call->thread, NULL), 0));
    for (size_t i = 0; i < call->count; i++)
        rill_msg_unref(call->msgs[i]);
}

// ---- the API ----

static void *ask_info(void *context)
{
    struct call *call = context;
    Rill__StreamInfo *info = NULL;
    call->err = rill_stream_info(call->stage->js, "S", NULL, &info, &call->error);
    if (!call->err)
        rill_model_free(&info->base);
    return NULL;
}

static const struct {
    const char *headers, *payload;
    enum rill_err err;
    const char *why;
} answers[] = {
    {"", "", RILL_ERR_DAMAGED, "nothing"},
    {"", "hello", RILL_ERR_DAMAGED, "no JSON"},
    {"", "{\"config\":", RILL_ERR_DAMAGED, "cut off"},
    {"", "[]", RILL_ERR_DAMAGED, "a list"},
    {"", "{}", RILL_ERR_DAMAGED, "no information"},
    {"", "{\"config\":7}", RILL_ERR_DAMAGED, "another type"},
    {"", "{\"config\":{\"name\":\"S\"},\"created\":\"yesterday\",\"state\":{}}", RILL_ERR_DAMAGED, "no time"},
    {"", "{\"error\":{}}", RILL_ERR_REFUSED, "an error that says nothing"},
    {"", "{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"stream not found\"}}",
     RILL_ERR_NOT_FOUND, "none"},
    {"NATS/1.0 503\r\n\r\n", "", RILL_ERR_NO_RESPONDERS, "nobody"},
};

// Whatever an answer of the API is, the call ends with an error and words, and the next call has its own answer.
Test(client_hostile_stream, an_answer_that_is_none_is_an_error)
{
    struct stage stage = stage_open(0);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct call call;
        char reply[FAKE_WORD_BYTES];
        call_begin(&call, &stage, ask_info);
        cr_assert(fake_hears_word(&story_server, "PUB $JS.API.STREAM.INFO.S ", reply), "%s", answers[i].why);
        cr_assert(fake_answers(&story_server, reply, answers[i].headers, answers[i].payload));
        call_end(&call);
        cr_expect(eq(int, (int)call.err, (int)answers[i].err), "%s", answers[i].why);
        cr_expect(ne(int, call.error.text[0], 0), "%s", answers[i].why);
    }
    stage_close(&stage);
}

// An answer that comes after the time-out, or twice, is no answer to anything else.
Test(client_hostile_stream, a_late_answer_is_nobodys)
{
    struct stage stage = stage_open(IMPATIENT_MS);
    struct call call;
    char reply[FAKE_WORD_BYTES];
    static const char none[] = "{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"x\"}}";
    call_begin(&call, &stage, ask_info);
    cr_assert(fake_hears_word(&story_server, "PUB $JS.API.STREAM.INFO.S ", reply));
    call_end(&call);
    cr_expect(eq(int, (int)call.err, RILL_ERR_TIMEOUT));
    cr_expect(fake_answers(&story_server, reply, "", none) && fake_answers(&story_server, reply, "", none));
    call_begin(&call, &stage, ask_info);
    cr_assert(fake_hears(&story_server, "PUB $JS.API.STREAM.INFO.S "));
    call_end(&call);
    cr_expect(eq(int, (int)call.err, RILL_ERR_TIMEOUT));
    stage_close(&stage);
}

// ---- publishing ----

struct ended {
    atomic_int count;
    enum rill_err err;
};

static void on_stored(struct rill_js *js, const struct rill_stored *stored, const struct rill_error *error,
                      void *context)
{
    struct ended *ended = context;
    (void)js;
    (void)stored;
    ended->err = error->err;
    (void)atomic_fetch_add(&ended->count, 1);
}

static const struct {
    const char *payload;
    enum rill_err err;
    const char *why;
} acknowledgements[] = {
    {"{\"stream\":\"S\",\"seq\":7}", RILL_OK, "a good one"},
    {"", RILL_ERR_DAMAGED, "nothing"},
    {"{\"stream\":\"S\",\"seq\":-7}", RILL_ERR_DAMAGED, "no sequence"},
    {"{\"seq\":7}", RILL_ERR_DAMAGED, "no stream"},
    {"{\"stream\":\"S\",\"seq\":0}", RILL_ERR_DAMAGED, "no message has that sequence"},
    {"{}", RILL_ERR_DAMAGED, "what a service may answer"},
    {"{\"stream\":\"S\",\"seq\":7", RILL_ERR_DAMAGED, "cut off"},
    {"{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last "
     "sequence\"},\"stream\":\"S\",\"seq\":0}",
     RILL_ERR_EXISTS, "a refusal"},
};

// An asynchronous publish ends once, with what its acknowledgement is worth, however often that comes.
Test(client_hostile_stream, an_acknowledgement_counts_once)
{
    struct stage stage = stage_open(0);
    for (size_t i = 0; i < sizeof acknowledgements / sizeof acknowledgements[0]; i++) {
        struct ended ended = {.err = RILL_ERR_AGAIN};
        char reply[FAKE_WORD_BYTES];
        const char *payload = acknowledgements[i].payload;
        const struct rill_publish publish = {.subject = "s", .data = "x", .data_bytes = 1};
        cr_assert(eq(int, (int)rill_js_publish_async(stage.js, &publish, NULL, on_stored, &ended), RILL_OK));
        cr_assert(fake_hears_word(&story_server, "PUB s ", reply));
        cr_expect(fake_answers(&story_server, reply, "", payload) &&
                  fake_answers(&story_server, reply, "", payload));
        cr_expect(eq(int, (int)rill_js_wait(stage.js, STORY_DEADLINE_MS, NULL), RILL_OK));
        cr_expect(eq(int, atomic_load(&ended.count), 1), "%s", acknowledgements[i].why);
        cr_expect(eq(int, (int)ended.err, (int)acknowledgements[i].err), "%s", acknowledgements[i].why);
    }
    stage_close(&stage);
}

// ---- fetching ----

static void *fetch_two(void *context)
{
    struct call *call = context;
    const struct rill_fetch fetch = {.msgs_max = 2, .expires_ms = IMPATIENT_MS};
    call->err = rill_fetch(call->stage->js, "S", "C", &fetch, call->msgs, &call->count, &call->error);
    return NULL;
}

/* A message, or a status, to the inbox of the fetch, which has a subscription of its own. */
static void feed(const char *sid, const char *subject, const char *reply, const char *headers,
                 const char *payload)
{
    char text[512];
    const size_t header_bytes = strlen(headers);
    if (header_bytes)
        (void)snprintf(text, sizeof text, "HMSG %s %s %s %zu %zu\r\n%s%s\r\n", subject, sid, reply,
                       header_bytes, header_bytes + strlen(payload), headers, payload);
    else
        (void)snprintf(text, sizeof text, "MSG %s %s %s %zu\r\n%s\r\n", subject, sid, reply, strlen(payload),
                       payload);
    cr_assert(fake_say(&story_server, text));
}

static const struct {
    const char *headers; // of the second of three
    size_t count;
    const char *why;
} fetches[] = {
    {"", 2, "more messages than were asked for"},
    {"NATS/1.0 408 Request Timeout\r\n\r\n", 1, "the end behind one message"},
    {"NATS/1.0 999 What\r\n\r\n", 1, "a status that there is not"},
    {"NATS/1.0\r\nA: b\r\n\r\n", 2, "headers without a status"},
};

// A fetch takes what it asked for and not more, whatever statuses stand between.
Test(client_hostile_stream, a_fetch_takes_no_more_than_it_asked_for)
{
    struct stage stage = stage_open(0);
    for (size_t i = 0; i < sizeof fetches / sizeof fetches[0]; i++) {
        struct call call;
        char inbox[FAKE_WORD_BYTES], sid[16];
        (void)snprintf(sid, sizeof sid, "%zu", i + 1);
        call_begin(&call, &stage, fetch_two);
        cr_assert(fake_hears_word(&story_server, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C ", inbox));
        feed(sid, "s.1", "$JS.ACK.S.C.1.1.1.1.0", "", "one");
        feed(sid, fetches[i].headers[0] && fetches[i].count == 1 ? inbox : "s.2", "$JS.ACK.nonsense",
             fetches[i].headers, "");
        feed(sid, "s.3", "$JS.ACK.S.C.1.3.3.1.0", "", "three");
        call_end(&call);
        cr_expect(eq(int, (int)call.err, RILL_OK), "%s", fetches[i].why);
        cr_expect(eq(sz, call.count, fetches[i].count), "%s", fetches[i].why);
    }
    stage_close(&stage);
}

static const char *const replies[] = {
    "$JS.ACK",
    "$JS.ACK.S.C",
    "$JS.ACK.S.C.1.2.3.4",
    "$JS.ACK.S.C.x.1.1.1.0",
    "$JS.ACK.S.C.1.99999999999999999999999.1.1.0",
    "$JS.ACK.S.C.1.1.1.1.0.extra.words.that.are.too.many.by.far",
    "inbox",
};

// A reply subject that says nothing of a stream gives no sequence that somebody could believe.
Test(client_hostile_stream, a_senseless_reply_subject_has_no_meta)
{
    struct stage stage = stage_open(0);
    struct rill_sub *sub;
    cr_assert(eq(int, (int)rill_subscribe(stage.conn, "s", &sub), RILL_OK));
    cr_assert(fake_hears(&story_server, "SUB s 1\r\n"));
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct rill_msg *msg = NULL;
        struct rill_msg_meta meta;
        feed("1", "s", replies[i], "", "x");
        cr_assert(eq(int, (int)rill_next_msg(sub, STORY_DEADLINE_MS, &msg), RILL_OK));
        cr_expect(eq(int, (int)rill_msg_meta(msg, &meta), RILL_ERR_INVALID), "%s", replies[i]);
        rill_msg_unref(msg);
    }
    stage_close(&stage);
}
