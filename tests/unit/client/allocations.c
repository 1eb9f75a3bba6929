// SPDX-License-Identifier: Apache-2.0
//
// What librill allocates for a message in steady state. Linked with --wrap for malloc, calloc and realloc, so what is counted
// is what our own code asks for, on any thread.
#include "story.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(client_allocations, .timeout = 60);

enum { WARM = 200, COUNTED = 2000, BURST = 50 };

static atomic_int allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    (void)atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    (void)atomic_fetch_add(&allocations, 1);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    (void)atomic_fetch_add(&allocations, 1);
    return __real_realloc(memory, size);
}

/* So many messages at once. */
static void say_burst(void)
{
    static const char one[] = "HMSG a 1 r 20 25\r\nNATS/1.0\r\nA: bcd\r\n\r\nhello\r\n";
    char text[BURST * sizeof one] = "";
    for (int i = 0; i < BURST; i++)
        memcpy(text + (size_t)i * (sizeof one - 1), one, sizeof one);
    cr_assert(fake_say(&story_server, text));
}

static int count_of(void (*work)(struct rill_conn *, struct rill_sub *), struct rill_conn *conn,
                    struct rill_sub *sub)
{
    for (int i = 0; i < WARM; i += BURST)
        work(conn, sub);
    atomic_store(&allocations, 0);
    for (int i = 0; i < COUNTED; i += BURST)
        work(conn, sub);
    return atomic_load(&allocations);
}

static void take_burst(struct rill_conn *conn, struct rill_sub *sub)
{
    (void)conn;
    say_burst();
    for (int i = 0; i < BURST; i++)
        cr_assert(story_next_is(sub, "hello"));
}

// Of a message that is taken nothing is allocated but the message.
Test(client_allocations, a_message_that_is_taken_is_one)
{
    struct rill_conn *conn = story_connect();
    struct rill_sub *sub;
    cr_assert(eq(int, (int)rill_subscribe(conn, "a", &sub), RILL_OK));
    cr_expect(eq(int, count_of(take_burst, conn, sub), COUNTED));
    story_end(conn);
}

static atomic_int called;

static void on_message(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)conn;
    (void)sub;
    (void)context;
    if (rill_msg_data_bytes(msg) == 5)
        (void)atomic_fetch_add(&called, 1);
}

static void call_burst(struct rill_conn *conn, struct rill_sub *sub)
{
    (void)sub;
    const int wanted = atomic_load(&called) + BURST;
    say_burst();
    // A PING behind the messages: its answer says that they were read, and the flush that the callback had its turn.
    cr_assert(fake_say(&story_server, "PING\r\n") && fake_hears(&story_server, "PONG\r\n"));
    while (atomic_load(&called) < wanted)
        cr_assert(eq(int, (int)rill_conn_state(conn), RILL_STATE_CONNECTED));
}

// The same goes for one that is given to a callback.
Test(client_allocations, a_message_of_a_callback_is_one)
{
    struct rill_conn *conn = story_connect();
    struct rill_sub *sub;
    cr_assert(eq(int, (int)rill_subscribe_callback(conn, "a", on_message, NULL, &sub), RILL_OK));
    cr_expect(eq(int, count_of(call_burst, conn, sub), COUNTED));
    story_end(conn);
}

static void publish_burst(struct rill_conn *conn, struct rill_sub *sub)
{
    (void)sub;
    for (int i = 0; i < BURST; i++)
        cr_assert(eq(int, (int)rill_publish(conn, "b", "hello", 5), RILL_OK));
    for (int i = 0; i < BURST; i++)
        cr_assert(fake_hears(&story_server, "PUB b 5\r\nhello\r\n"));
}

// A publish allocates nothing: it goes into buffers that are there.
Test(client_allocations, a_publish_is_none)
{
    struct rill_conn *conn = story_connect();
    cr_expect(lt(int, count_of(publish_burst, conn, NULL), COUNTED / 100));
    story_end(conn);
}
