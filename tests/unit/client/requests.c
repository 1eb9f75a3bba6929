// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(client_requests);

struct asked {
    struct request request; // first
    int ends;
    enum rill_err err;
};

static void done(struct request *request, enum rill_err err, struct rill_msg *take_reply)
{
    struct asked *asked = (struct asked *)request;
    asked->ends++;
    asked->err = err;
    rill_msg_unref(take_reply);
}

static struct rill_msg *message(struct rill_bytes headers)
{
    const struct rill_command command = {.subject = RILL_BYTES("a"), .headers = headers};
    return msg_create(&command);
}

static struct asked ask(void)
{
    return (struct asked){.request.done = done};
}

// An answer ends its request once; a second one, or one to nobody, is dropped.
Test(client_requests, an_answer_ends_its_request_once)
{
    struct requests requests;
    bool earliest;
    struct asked one = ask();
    struct asked other = ask();
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    cr_assert(eq(int, (int)requests_add(&requests, &one.request, RILL_NEVER_NS, &earliest), RILL_OK));
    cr_assert(eq(int, (int)requests_add(&requests, &other.request, RILL_NEVER_NS, &earliest), RILL_OK));
    requests_answer(&requests, one.request.token, message(RILL_BYTES("")));
    requests_answer(&requests, one.request.token, message(RILL_BYTES("")));
    requests_answer(&requests, 4711, message(RILL_BYTES("")));
    cr_expect(eq(int, one.ends, 1));
    cr_expect(eq(int, other.ends, 0));
    cr_expect(requests_remove(&requests, &other.request));
    cr_expect(not(requests_remove(&requests, &other.request)));
    requests_fini(&requests);
}

// The server's 503 is the end that nobody listens.
Test(client_requests, a_503_is_no_responders)
{
    struct requests requests;
    bool earliest;
    struct asked one = ask();
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    cr_assert(eq(int, (int)requests_add(&requests, &one.request, RILL_NEVER_NS, &earliest), RILL_OK));
    requests_answer(&requests, one.request.token, message(RILL_BYTES("NATS/1.0 503\r\n\r\n")));
    cr_expect(eq(int, (int)one.err, RILL_ERR_NO_RESPONDERS));
    requests_fini(&requests);
}

// Deadlines end requests in their order, not before their time.
Test(client_requests, deadlines_end_requests)
{
    struct requests requests;
    bool earliest;
    struct asked late = ask();
    struct asked soon = ask();
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    cr_assert(eq(int, (int)requests_add(&requests, &late.request, 200, &earliest), RILL_OK));
    cr_expect(earliest);
    cr_assert(eq(int, (int)requests_add(&requests, &soon.request, 100, &earliest), RILL_OK));
    cr_expect(earliest);
    cr_expect(eq(i64, requests_next_ns(&requests), 100));
    requests_expire(&requests, 99);
    cr_expect(eq(int, soon.ends, 0));
    requests_expire(&requests, 100);
    cr_expect(eq(int, (int)soon.err, RILL_ERR_TIMEOUT));
    cr_expect(eq(int, late.ends, 0));
    requests_close(&requests);
    cr_expect(eq(int, (int)late.err, RILL_ERR_CLOSED));
    cr_expect(eq(int, (int)requests_add(&requests, &soon.request, 1, &earliest), RILL_ERR_CLOSED));
    requests_fini(&requests);
}
