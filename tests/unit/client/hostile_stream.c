// SPDX-License-Identifier: Apache-2.0
//
// Streams against a server that answers nonsense: each call ends with an error that says so, and the connection stands.
#include "stage.h"

#include <stdatomic.h>
#include <stdio.h>

TestSuite(client_hostile_stream, .timeout = 60);

enum { IMPATIENT_MS = 100 };

// ---- the API ----

static void *ask_info(void *context)
{
    struct stage_call *call = context;
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
        struct stage_call call;
        char reply[FAKE_WORD_BYTES];
        stage_call_begin(&call, &stage, ask_info, NULL);
        cr_assert(fake_hears_word(&story_server, "PUB $JS.API.STREAM.INFO.S ", reply), "%s", answers[i].why);
        cr_assert(fake_answers(&story_server, reply, answers[i].headers, answers[i].payload));
        stage_call_end(&call);
        cr_expect(eq(int, (int)call.err, (int)answers[i].err), "%s", answers[i].why);
        cr_expect(ne(int, call.error.text[0], 0), "%s", answers[i].why);
    }
    stage_close(&stage, 0);
}

// An answer that comes after the time-out, or twice, is no answer to anything else.
Test(client_hostile_stream, a_late_answer_is_nobodys)
{
    struct stage stage = stage_open(IMPATIENT_MS);
    struct stage_call call;
    char reply[FAKE_WORD_BYTES];
    static const char none[] = "{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"x\"}}";
    stage_call_begin(&call, &stage, ask_info, NULL);
    cr_assert(fake_hears_word(&story_server, "PUB $JS.API.STREAM.INFO.S ", reply));
    stage_call_end(&call);
    cr_expect(eq(int, (int)call.err, RILL_ERR_TIMEOUT));
    cr_expect(fake_answers(&story_server, reply, "", none) && fake_answers(&story_server, reply, "", none));
    stage_call_begin(&call, &stage, ask_info, NULL);
    cr_assert(fake_hears(&story_server, "PUB $JS.API.STREAM.INFO.S "));
    stage_call_end(&call);
    cr_expect(eq(int, (int)call.err, RILL_ERR_TIMEOUT));
    stage_close(&stage, 0);
}

static void *open_ordered(void *context)
{
    struct stage_call *call = context;
    struct rill_ordered *ordered = NULL;
    call->err = rill_ordered_open(call->stage->js, "S", NULL, &ordered, &call->error);
    rill_ordered_close(ordered);
    return NULL;
}

static void *open_bucket(void *context)
{
    struct stage_call *call = context;
    struct rill_kv *kv = NULL;
    call->err = rill_kv_open(call->stage->js, "B", &kv, &call->error);
    rill_kv_close(kv);
    return NULL;
}

static void *get_revision(void *context)
{
    struct stage_call *call = context;
    struct rill_kv_entry *entry = NULL;
    struct rill_kv *kv = NULL;
    call->err = rill_kv_open(call->stage->js, "B", &kv, &call->error);
    if (!call->err)
        call->err = rill_kv_get_revision(kv, "k", 1, &entry, &call->error);
    rill_kv_entry_free(entry);
    rill_kv_close(kv);
    return NULL;
}

#define GOOD_BUCKET                                                                                          \
    "{\"config\":{\"name\":\"KV_B\",\"allow_direct\":true},\"created\":\"2024-01-01T00:00:00Z\",\"state\":{" \
    "\"messages\":0,"                                                                                        \
    "\"bytes\":0,\"first_seq\":0,\"last_seq\":0,\"consumer_count\":0}}"

static const struct {
    void *(*function)(void *context);
    struct {
        const char *subject, *payload;
    } answers[2];
    enum rill_err err;
    const char *why;
} partial[] = {
    {open_ordered,
     {{"$JS.API.CONSUMER.CREATE.S.", "{\"name\":\"x\"}"},
      {"$JS.API.CONSUMER.DELETE.S.", "{\"success\":true}"}},
     RILL_OK,
     "a consumer of which only the name is told"},
    {open_bucket,
     {{"$JS.API.STREAM.INFO.KV_B", "{\"total\":1}"}},
     RILL_ERR_DAMAGED,
     "a stream of which nothing is told"},
    {open_bucket,
     {{"$JS.API.STREAM.INFO.KV_B", "{\"created\":\"2024-01-01T00:00:00Z\"}"}},
     RILL_OK,
     "a stream without configuration"},
    {get_revision,
     {{"$JS.API.STREAM.INFO.KV_B", GOOD_BUCKET}, {"$JS.API.STREAM.MSG.GET.KV_B", "{\"message\":{}}"}},
     RILL_ERR_NOT_FOUND,
     "an empty message"},
    {get_revision,
     {{"$JS.API.STREAM.INFO.KV_B", GOOD_BUCKET},
      {"$JS.API.STREAM.MSG.GET.KV_B", "{\"message\":{\"subject\":\"$KV.B.k\",\"seq\":1,\"data\":\"eA==\"}}"}},
     RILL_OK,
     "a message without its time"},
};

// What an answer leaves out counts as empty: there is no hole to fall into.
Test(client_hostile_stream, an_answer_that_lacks_something_does_no_harm)
{
    struct stage stage = stage_open(0);
    for (size_t i = 0; i < sizeof partial / sizeof partial[0]; i++) {
        struct stage_call call;
        stage_call_begin(&call, &stage, partial[i].function, NULL);
        for (size_t k = 0; k < 2 && partial[i].answers[k].subject; k++)
            stage_answers(partial[i].answers[k].subject, partial[i].answers[k].payload, partial[i].why);
        stage_call_end(&call);
        cr_expect(eq(int, (int)call.err, (int)partial[i].err), "%s", partial[i].why);
    }
    stage_close(&stage, 0);
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
    stage_close(&stage, 0);
}

// ---- fetching ----

static void *fetch_two(void *context)
{
    struct stage_call *call = context;
    const struct rill_fetch fetch = {.msgs_max = 2, .expires_ms = IMPATIENT_MS};
    call->err = rill_fetch(call->stage->js, "S", "C", &fetch, call->msgs, &call->count, &call->error);
    return NULL;
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
        struct stage_call call;
        char inbox[FAKE_WORD_BYTES], sid[16];
        (void)snprintf(sid, sizeof sid, "%zu", i + 1);
        stage_call_begin(&call, &stage, fetch_two, NULL);
        cr_assert(fake_hears_word(&story_server, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C ", inbox));
        stage_says(sid, "s.1", "$JS.ACK.S.C.1.1.1.1.0", "", "one");
        stage_says(sid, fetches[i].headers[0] && fetches[i].count == 1 ? inbox : "s.2", "$JS.ACK.nonsense",
                   fetches[i].headers, "");
        stage_says(sid, "s.3", "$JS.ACK.S.C.1.3.3.1.0", "", "three");
        stage_call_end(&call);
        cr_expect(eq(int, (int)call.err, RILL_OK), "%s", fetches[i].why);
        cr_expect(eq(sz, call.count, fetches[i].count), "%s", fetches[i].why);
    }
    stage_close(&stage, 0);
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
        stage_says("1", "s", replies[i], "", "x");
        cr_assert(eq(int, (int)rill_next_msg(sub, STORY_DEADLINE_MS, &msg), RILL_OK));
        cr_expect(eq(int, (int)rill_msg_meta(msg, &meta), RILL_ERR_INVALID), "%s", replies[i]);
        rill_msg_unref(msg);
    }
    stage_close(&stage, 0);
}
