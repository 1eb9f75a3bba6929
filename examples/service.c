// SPDX-License-Identifier: Apache-2.0
//
// Request and reply: a service with two members in a queue group, and somebody who asks.
//
//     service [URL]
//
// Of a queue group one member gets each request, so members may be added while it runs. Here they are two connections of
// one program; as a rule they are processes. Who asks and finds nobody is told at once.
#include <rill.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 2, QUESTIONS = 4 };

static int fail(const char *what, enum rill_err err)
{
    (void)fprintf(stderr, "service: %s: %s\n", what, rill_error_string(err));
    return 1;
}

/* Answers "21" with "42". What is no number gets an answer too, or the other side would wait in vain. */
static void on_request(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    char answer[32], *end;
    (void)sub;
    (void)context;
    const char *text = rill_msg_data(msg); // a NUL stands behind it
    const long number = strtol(text, &end, 10);
    if (end == text || *end)
        (void)snprintf(answer, sizeof answer, "not a number");
    else
        (void)snprintf(answer, sizeof answer, "%ld", 2 * number);
    const enum rill_err err = rill_respond(conn, msg, answer, strlen(answer));
    if (err)
        (void)fail("answer", err);
}

static enum rill_err serve(struct rill_conn *member)
{
    struct rill_sub *sub;
    const enum rill_err err = rill_queue_subscribe(member, "double", "doublers", on_request, NULL, &sub);
    return err ? err : rill_flush(member, RILL_TIMEOUT_DEFAULT); // now the server knows
}

static enum rill_err ask(struct rill_conn *conn, const char *question)
{
    struct rill_msg *answer;
    const enum rill_err err =
        rill_request(conn, "double", question, strlen(question), RILL_TIMEOUT_DEFAULT, &answer);
    if (err)
        return err;
    printf("twice %s: %s\n", question, (const char *)rill_msg_data(answer));
    rill_msg_unref(answer);
    return RILL_OK;
}

int main(int argc, char **argv)
{
    static const char *const questions[QUESTIONS] = {"1", "21", "-7", "apples"};
    struct rill_conn *conns[MEMBERS + 1] = {NULL}; // the last one asks
    struct rill_error error;
    const char *url = argc > 1 ? argv[1] : "nats://127.0.0.1:4222";
    int status = 0;
    for (int i = 0; i <= MEMBERS && !status; i++) {
        if (rill_connect_why(&conns[i], url, NULL, &error)) {
            (void)fprintf(stderr, "service: %s\n", error.text);
            status = 1;
        }
    }
    enum rill_err err = RILL_OK;
    for (int i = 0; i < MEMBERS && !status; i++)
        if ((err = serve(conns[i])))
            status = fail("serve", err);
    for (int i = 0; i < QUESTIONS && !status; i++)
        if ((err = ask(conns[MEMBERS], questions[i]))) // NO_RESPONDERS: no member is there
            status = fail("ask", err);
    for (int i = 0; i <= MEMBERS; i++)
        rill_destroy(conns[i]); // NULL is harmless
    return status;
}
