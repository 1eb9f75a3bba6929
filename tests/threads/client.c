// SPDX-License-Identifier: Apache-2.0
//
// One connection used by many threads at once, while its link breaks again and again: publishing, asking,
// subscribing, unsubscribing from callbacks, flushing, publishing into a stream. The server is a scripted one in a thread of its own
// that answers pings, sends every publish back to the subscriptions of that subject, and hangs up now and
// then. A plain program, because Criterion does not run under ThreadSanitizer. Exit status 0 when all holds.
#include "base/assert.h"
#include "base/random.h"
#include "proto/parser.h"
#include "proto/writer.h"
#include "rill.h"
#include "wait.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 300, INPUT_BYTES = 1 << 18, SIDS = 4096, HANG_UP_EVERY = 100 };

/* nng itself is not built for ThreadSanitizer, which therefore does not see how it hands a stream to the thread
   that frees it. Nothing of ours destroys a mutex that is in use without being seen elsewhere too. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race_top:pthread_mutex_destroy\n";
}

// ---- the server: one client at a time ----

struct echo {
    int listener, conn;
    char url[64];
    size_t input_bytes, commands;
    uint8_t input[INPUT_BYTES];
    char subjects[SIDS][48]; // by sid
    atomic_bool stopping;
};

static void echo_open(struct echo *echo)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    echo->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    RILL_ASSERT(bind(echo->listener, (struct sockaddr *)&address, len) == 0 &&
                listen(echo->listener, 8) == 0);
    RILL_ASSERT(getsockname(echo->listener, (struct sockaddr *)&address, &len) == 0);
    (void)snprintf(echo->url, sizeof echo->url, "nats://127.0.0.1:%u", ntohs(address.sin_port));
}

static void say(struct echo *echo, struct rill_bytes bytes)
{
    while (bytes.len) {
        const ssize_t sent = send(echo->conn, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes = rill_bytes_from(bytes, (size_t)sent);
    }
}

static uint64_t sid_of(const struct rill_command *command)
{
    uint64_t sid = 0;
    (void)rill_bytes_to_u64(command->sid, SIDS - 1, &sid);
    return sid;
}

static void deliver(struct echo *echo, const struct rill_command *command, struct rill_buf *output)
{
    for (unsigned sid = 1; sid < SIDS; sid++) {
        const char *subject = echo->subjects[sid];
        const size_t len = strlen(subject);
        const bool inbox = len && subject[len - 1] == '*' && command->subject.len >= len &&
                           memcmp(subject, command->subject.data, len - 1) == 0;
        if (!inbox && !(len && rill_bytes_equal_cstr(command->subject, subject)))
            continue;
        char text[16];
        const int digits = snprintf(text, sizeof text, "%u", sid);
        RILL_ASSERT(!rill_append_message(output, command->subject, rill_bytes_of(text, (size_t)digits),
                                         rill_bytes_of(NULL, 0), command->headers, command->payload));
    }
}

static void obey(struct echo *echo, const struct rill_command *command, struct rill_buf *output)
{
    struct rill_command reply = *command;
    if (command->op == RILL_OP_PING)
        RILL_ASSERT(!rill_buf_append(output, RILL_BYTES("PONG\r\n")));
    if (command->op == RILL_OP_SUB)
        (void)snprintf(echo->subjects[sid_of(command)], sizeof echo->subjects[0], RILL_PRI,
                       RILL_ARG(command->subject));
    if (command->op == RILL_OP_UNSUB && !command->max)
        echo->subjects[sid_of(command)][0] = '\0';
    if (command->op != RILL_OP_PUB && command->op != RILL_OP_HPUB)
        return;
    deliver(echo, command, output);
    reply.subject = command->reply;
    if (command->reply.len)
        deliver(echo, &reply, output);
}

/* False when the link is to end. */
static bool serve_once(struct echo *echo)
{
    static const struct rill_parse_limits limits = {RILL_SIDE_BROKER, 65536, 1 << 20};
    struct pollfd polled = {echo->conn, POLLIN, 0};
    if (poll(&polled, 1, 50) != 1)
        return !atomic_load(&echo->stopping);
    const ssize_t got = recv(echo->conn, echo->input + echo->input_bytes, INPUT_BYTES - echo->input_bytes, 0);
    if (got <= 0)
        return false;
    echo->input_bytes += (size_t)got;
    struct rill_buf output;
    rill_buf_init(&output, SIZE_MAX / 2);
    size_t at = 0;
    struct rill_command command;
    while (rill_parse(&limits, rill_bytes_of(echo->input + at, echo->input_bytes - at), &command) ==
           RILL_PARSE_DONE) {
        obey(echo, &command, &output);
        at += command.bytes;
        echo->commands++;
    }
    echo->input_bytes -= at;
    memmove(echo->input, echo->input + at, echo->input_bytes);
    say(echo, rill_buf_bytes(&output));
    rill_buf_fini(&output);
    return true;
}

static void *serve(void *context)
{
    struct echo *echo = context;
    size_t links = 0;
    while (!atomic_load(&echo->stopping)) {
        struct pollfd polled = {echo->listener, POLLIN, 0};
        if (poll(&polled, 1, 50) != 1)
            continue;
        echo->conn = accept(echo->listener, NULL, NULL);
        echo->input_bytes = echo->commands = 0;
        memset(echo->subjects, 0, sizeof echo->subjects);
        say(echo,
            RILL_BYTES(
                "INFO "
                "{\"server_id\":\"E\",\"version\":\"2.10.0\",\"headers\":true,\"max_payload\":1000000}\r\n"));
        // Each link may do more than the one before it, so there is an end to it.
        links++;
        while (serve_once(echo) && echo->commands < HANG_UP_EVERY * links) {
        }
        (void)close(echo->conn);
    }
    return NULL;
}

// ---- the users ----

struct user {
    struct rill_conn *conn;
    struct rill_js *js;
    int published; // into the stream
    atomic_int stored, lost;
    struct rill_random random;
    atomic_int callbacks;
    int answers;
};

static void on_message(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    struct user *user = context;
    (void)conn;
    (void)msg;
    if (atomic_fetch_add(&user->callbacks, 1) % 7 == 6)
        rill_unsubscribe(sub);
}

static void on_reply(struct rill_conn *conn, enum rill_err err, struct rill_msg *reply, void *context)
{
    (void)conn;
    (void)err;
    (void)reply;
    (void)atomic_fetch_add((atomic_int *)context, 1);
}

static void use_callbacks(struct user *user, const char *subject)
{
    struct rill_sub *sub;
    const struct rill_subscribe want = {.subject = subject,
                                        .callback = on_message,
                                        .context = user,
                                        .own_thread = rill_random_chance(&user->random, 1, 2)};
    if (rill_subscribe_with(user->conn, &want, &sub))
        return;
    for (int i = 0; i < 3; i++)
        (void)!rill_publish(user->conn, subject, "x", 1);
}

static void use_queue(struct user *user, const char *subject)
{
    struct rill_sub *sub;
    struct rill_msg *msg = NULL;
    if (rill_subscribe(user->conn, subject, &sub))
        return;
    (void)!rill_publish(user->conn, subject, "y", 1);
    if (!rill_next_msg(sub, 5, &msg))
        rill_msg_unref(msg);
    rill_unsubscribe(sub);
}

static void ask(struct user *user)
{
    struct rill_msg *reply = NULL;
    if (rill_request(user->conn, "ask", "z", 1, 20, &reply))
        return;
    RILL_ASSERT(rill_msg_data_bytes(reply) == 1);
    user->answers++;
    rill_msg_unref(reply);
}

static void on_stored(struct rill_js *js, const struct rill_stored *stored, const struct rill_error *error,
                      void *context)
{
    struct user *user = context;
    (void)js;
    RILL_ASSERT(error->err ? error->err == RILL_ERR_DISCONNECTED : stored->seq == 1);
    (void)atomic_fetch_add(error->err ? &user->lost : &user->stored, 1);
}

/* The answer is the echo; with an id it comes however often the link breaks. */
static void use_stream(struct user *user)
{
    static const char echoed[] = "{\"stream\":\"S\",\"seq\":1}";
    const bool has_id = rill_random_chance(&user->random, 1, 2);
    const struct rill_publish publish = {.subject = "o", .data = echoed, .data_bytes = sizeof echoed - 1};
    const struct rill_expect once = {.msg_id = has_id ? "id" : NULL};
    if (rill_random_chance(&user->random, 1, 8)) {
        const enum rill_err err = rill_js_publish(user->js, &publish, &once, NULL, NULL);
        RILL_ASSERT(!err || (!has_id && err == RILL_ERR_DISCONNECTED));
    } else if (!rill_js_publish_async(user->js, &publish, &once, on_stored, user)) {
        user->published++;
    }
}

static void *use(void *context)
{
    struct user *user = context;
    const struct rill_publish question = {.subject = "ask", .data = "q", .data_bytes = 1};
    for (int round = 0; round < ROUNDS; round++) {
        char subject[32];
        struct rill_stats stats;
        (void)snprintf(subject, sizeof subject, "s.%u", rill_random_below(&user->random, 8));
        switch (rill_random_below(&user->random, 7)) {
        case 0:
            use_callbacks(user, subject);
            break;
        case 1:
            use_queue(user, subject);
            break;
        case 2:
            ask(user);
            break;
        case 3:
            (void)!rill_request_async(user->conn, &question, 20, on_reply, &user->callbacks);
            break;
        case 4:
            (void)!rill_flush(user->conn, 20);
            break;
        case 5:
            use_stream(user);
            break;
        default:
            rill_conn_stats(user->conn, &stats);
            (void)!rill_publish(user->conn, subject, "x", 1);
        }
    }
    return NULL;
}

int main(void)
{
    const char *given = getenv("RILL_SEED");
    struct rill_random random = {given ? strtoull(given, NULL, 10) : (uint64_t)getpid()};
    printf("RILL_SEED=%llu\n", (unsigned long long)random.state);
    static struct echo echo;
    static struct user users[THREADS];
    pthread_t server, threads[THREADS];
    struct rill_conn *conn;
    struct rill_js *js;
    const struct rill_js_options patient = {.struct_bytes = sizeof patient, .timeout_ms = 60000};
    const struct rill_options options = {.reconnect_wait_ms = 1, .reconnect_jitter_ms = 1};
    echo_open(&echo);
    RILL_ASSERT(pthread_create(&server, NULL, serve, &echo) == 0);
    const bool connected = !rill_connect(&conn, echo.url, &options) && !rill_js_open(conn, &patient, &js);
    RILL_ASSERT(connected);
    for (int i = 0; i < THREADS; i++) {
        users[i].conn = conn;
        users[i].js = js;
        users[i].random.state = rill_random_next(&random);
        RILL_ASSERT(pthread_create(&threads[i], NULL, use, &users[i]) == 0);
    }
    int answers = 0;
    int callbacks = 0;
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        answers += users[i].answers;
        callbacks += atomic_load(&users[i].callbacks);
    }
    struct rill_stats stats;
    rill_conn_stats(conn, &stats);
    rill_js_destroy(js);
    for (int i = 0; i < THREADS; i++)
        RILL_ASSERT(atomic_load(&users[i].stored) + atomic_load(&users[i].lost) == users[i].published);
    rill_destroy(conn);
    atomic_store(&echo.stopping, true);
    (void)pthread_join(server, NULL);
    (void)close(echo.listener);
    printf("%d answers, %d callbacks, %llu reconnects\n", answers, callbacks,
           (unsigned long long)stats.reconnects);
    RILL_ASSERT(answers > 0 && callbacks > 0 && stats.reconnects > 0);
    return 0;
}
