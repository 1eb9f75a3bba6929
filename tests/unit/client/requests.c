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

#define NOBODY RILL_BYTES("NATS/1.0 503\r\n\r\n")

/* Without a deadline. */
static struct asked ask(void)
{
    return (struct asked){.request = {.done = done}};
}

static void add(struct requests *requests, struct asked *asked)
{
    uint64_t token;
    bool earliest;
    asked->request.untimed = true;
    cr_assert(eq(int, (int)requests_add(requests, &asked->request, 0, &token, &earliest), RILL_OK));
    cr_assert(eq(u64, token, asked->request.token));
}

// An answer ends its request once; a second one, or one to nobody, is dropped.
Test(client_requests, an_answer_ends_its_request_once)
{
    struct requests requests;
    struct asked one = ask();
    struct asked other = ask();
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    add(&requests, &one);
    add(&requests, &other);
    cr_expect(not(requests_answer(&requests, one.request.token, message(RILL_BYTES("")))));
    cr_expect(not(requests_answer(&requests, one.request.token, message(RILL_BYTES("")))));
    cr_expect(not(requests_answer(&requests, 4711, message(RILL_BYTES("")))));
    cr_expect(eq(int, one.ends, 1));
    cr_expect(eq(int, other.ends, 0));
    cr_expect(requests_remove(&requests, other.request.token));
    cr_expect(not(requests_remove(&requests, other.request.token)));
    requests_fini(&requests);
}

// The server's 503 is the end that nobody listens.
Test(client_requests, a_503_is_no_responders)
{
    struct requests requests;
    struct asked one = ask();
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    add(&requests, &one);
    cr_expect(not(requests_answer(&requests, one.request.token, message(NOBODY))));
    cr_expect(eq(int, (int)one.err, RILL_ERR_NO_RESPONDERS));
    requests_fini(&requests);
}

// Deadlines end requests in their order, not before their time.
Test(client_requests, deadlines_end_requests)
{
    struct requests requests;
    uint64_t token;
    bool earliest;
    struct asked late = ask();
    struct asked soon = ask();
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    cr_assert(eq(int, (int)requests_add(&requests, &late.request, 200, &token, &earliest), RILL_OK));
    cr_expect(earliest);
    cr_assert(eq(int, (int)requests_add(&requests, &soon.request, 100, &token, &earliest), RILL_OK));
    cr_expect(earliest);
    cr_expect(eq(i64, requests_next_ns(&requests), 100));
    requests_expire(&requests, 99);
    cr_expect(eq(int, soon.ends, 0));
    requests_expire(&requests, 100);
    cr_expect(eq(int, (int)soon.err, RILL_ERR_TIMEOUT));
    cr_expect(eq(int, late.ends, 0));
    requests_close(&requests);
    cr_expect(eq(int, (int)late.err, RILL_ERR_CLOSED));
    cr_expect(eq(int, (int)requests_add(&requests, &soon.request, 1, &token, &earliest), RILL_ERR_CLOSED));
    requests_fini(&requests);
}

// ---- when a link breaks ----

static void add_lossy(struct requests *requests, struct asked *asked, enum request_loss when_lost,
                      const char *command)
{
    *asked = ask();
    asked->request.when_lost = when_lost;
    add(requests, asked);
    if (when_lost == REQUEST_AGAIN)
        requests_copy(requests, asked->request.token, rill_bytes_from_cstr(command), false);
}

static bool owes(struct requests *requests, const char *commands)
{
    struct rill_buf out;
    rill_buf_init(&out, 1000);
    const bool same =
        requests_send_owed(requests, &out) && rill_bytes_equal_cstr(rill_buf_bytes(&out), commands);
    rill_buf_fini(&out);
    return same;
}

// A break ends what says so, once; the rest waits, and what was copied is owed, in the order in which it was asked.
Test(client_requests, a_break_ends_what_is_not_sent_again)
{
    struct requests requests;
    struct asked waits, first, ends, second;
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    add_lossy(&requests, &waits, REQUEST_WAITS, "");
    add_lossy(&requests, &first, REQUEST_AGAIN, "first ");
    add_lossy(&requests, &ends, REQUEST_ENDS, "");
    add_lossy(&requests, &second, REQUEST_AGAIN, "second");
    cr_expect(owes(&requests, ""));
    requests_link_lost(&requests);
    cr_expect(eq(int, (int)ends.err, RILL_ERR_DISCONNECTED));
    cr_expect(eq(int, ends.ends, 1));
    cr_expect(eq(int, waits.ends + first.ends + second.ends, 0));
    cr_expect(owes(&requests, "first second"));
    cr_expect(owes(&requests, ""), "it is owed once");
    requests_close(&requests);
    cr_expect(eq(int, waits.ends + first.ends + second.ends, 3));
    requests_fini(&requests);
}

// What the output still has is neither ended nor sent a second time; the next break asks anew.
Test(client_requests, what_the_output_keeps_is_not_lost)
{
    struct requests requests;
    struct asked again, ends;
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    add_lossy(&requests, &again, REQUEST_AGAIN, "again");
    add_lossy(&requests, &ends, REQUEST_ENDS, "");
    requests_keep(&requests, again.request.token);
    requests_keep(&requests, ends.request.token);
    requests_link_lost(&requests);
    cr_expect(eq(int, ends.ends, 0));
    cr_expect(owes(&requests, ""));
    requests_link_lost(&requests);
    cr_expect(eq(int, ends.ends, 1));
    cr_expect(owes(&requests, "again"));
    requests_close(&requests);
    requests_fini(&requests);
}

// That nobody listens is the end before a break, and a reason to try again after one.
Test(client_requests, after_a_break_nobody_may_come_back)
{
    struct requests requests;
    struct asked before, after;
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    add_lossy(&requests, &before, REQUEST_AGAIN, "before");
    cr_expect(not(requests_answer(&requests, before.request.token, message(NOBODY))));
    cr_expect(eq(int, (int)before.err, RILL_ERR_NO_RESPONDERS));
    add_lossy(&requests, &after, REQUEST_AGAIN, "after");
    requests_link_lost(&requests);
    cr_expect(owes(&requests, "after"));
    cr_expect(requests_answer(&requests, after.request.token, message(NOBODY)));
    cr_expect(eq(int, after.ends, 0));
    cr_expect(owes(&requests, "after"));
    cr_expect(not(requests_answer(&requests, after.request.token, message(RILL_BYTES("")))));
    cr_expect(eq(int, (int)after.err, RILL_OK));
    requests_fini(&requests);
}

// What does not fit is owed still, and goes out when there is room.
Test(client_requests, what_does_not_fit_is_owed_still)
{
    struct requests requests;
    struct asked one, two;
    struct rill_buf out;
    cr_assert(eq(int, (int)requests_init(&requests), RILL_OK));
    add_lossy(&requests, &one, REQUEST_AGAIN, "one");
    add_lossy(&requests, &two, REQUEST_AGAIN, "two");
    requests_link_lost(&requests);
    rill_buf_init(&out, 5);
    cr_expect(not(requests_send_owed(&requests, &out)));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&out), "one"));
    cr_expect(owes(&requests, "two"));
    rill_buf_fini(&out);
    requests_close(&requests);
    requests_fini(&requests);
}
