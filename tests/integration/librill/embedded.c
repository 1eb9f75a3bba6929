// SPDX-License-Identifier: Apache-2.0
//
// Brokers inside this process, reached through librill.
#include "law.h"
#include "rill-broker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIGNALS = 32, LOG_BYTES = 4096 };

static struct rill_broker *start(const struct rill_broker_options *options)
{
    struct rill_broker *broker = NULL;
    struct rill_broker_error error;
    if (!rill_broker_start(&broker, options, &error))
        (void)law_fail("start: %s", error.text);
    return broker;
}

static bool start_fails(const struct rill_broker_options *options, const char *because)
{
    struct rill_broker *broker = NULL;
    struct rill_broker_error error = {""};
    if (rill_broker_start(&broker, options, &error)) {
        rill_broker_stop(broker);
        return law_fail("it started, without \"%s\"", because);
    }
    return (!broker && strstr(error.text, because)) || law_fail("\"%s\" has no \"%s\"", error.text, because);
}

static struct rill_conn *connect_to(const char *url)
{
    struct rill_conn *conn = NULL;
    struct rill_error error;
    if (rill_connect_why(&conn, url, NULL, &error))
        (void)law_fail("connect to %s: %s", url, error.text);
    return conn;
}

static bool hears(const char *url, const char *far_url)
{
    struct rill_conn *near = connect_to(url), *far = connect_to(far_url);
    struct rill_sub *sub;
    const bool holds = near && far && law_ok(rill_subscribe(far, "news.*", &sub), "subscribe") &&
                       law_ok(rill_flush(far, -1), "flush") &&
                       law_ok(rill_publish(near, "news.a", "one", 3), "publish") &&
                       law_ok(rill_flush(near, -1), "flush") && law_next_is(sub, "one");
    rill_destroy(near);
    rill_destroy(far);
    return holds;
}

static bool a_program_reaches_its_broker(void)
{
    struct rill_broker *broker = start(NULL);
    const bool holds = broker && hears(rill_broker_url(broker), rill_broker_url(broker)) &&
                       (!rill_broker_tcp_url(broker) || law_fail("it listens on TCP"));
    rill_broker_stop(broker);
    return holds;
}

static bool tcp_is_there_when_it_is_asked_for(void)
{
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    options.tcp_host = "127.0.0.1";
    struct rill_broker *broker = start(&options);
    const bool holds = broker && hears(rill_broker_tcp_url(broker), rill_broker_url(broker));
    rill_broker_stop(broker);
    return holds;
}

// ---- streams ----

/* Publishes `count` messages into a stream that is made when it is not there, and sees that it then has `wanted`. */
static bool store(struct rill_broker *broker, int count, uint64_t wanted)
{
    struct rill_conn *conn = connect_to(rill_broker_url(broker));
    struct rill_js *js = NULL;
    struct rill_error error = {.text = ""};
    struct rill_stored stored = {.seq = 0};
    Rill__StreamInfo *info = NULL;
    Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
    config.name = "S";
    config.subjects = (char *[]){"s.>"};
    config.n_subjects = 1;
    const struct rill_publish publish = {.subject = "s.a", .data = "x", .data_bytes = 1};
    bool holds = conn && law_ok(rill_js_open(conn, NULL, &js), "open") &&
                 law_ok(rill_stream_create(js, &config, NULL, &error), "create");
    for (int i = 0; i < count && holds; i++)
        holds = law_ok(rill_js_publish(js, &publish, NULL, &stored, &error), "publish");
    holds = holds && law_ok(rill_stream_info(js, "S", NULL, &info, &error), "info") &&
            (info->state->messages == wanted ||
             law_fail("%d messages, not %d", (int)info->state->messages, (int)wanted));
    if (info)
        rill_model_free(&info->base);
    rill_js_destroy(js);
    rill_destroy(conn);
    return holds;
}

static bool stored_twice(const char *folder, uint64_t in_the_end)
{
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    options.store_folder = folder;
    struct rill_broker *broker = start(&options);
    bool holds = broker && store(broker, 10, 10);
    rill_broker_stop(broker);
    broker = holds ? start(&options) : NULL;
    holds = broker && store(broker, 5, in_the_end);
    rill_broker_stop(broker);
    return holds;
}

static bool in_folder(bool (*body)(const char *))
{
    char folder[] = "/tmp/rill-embedded-XXXXXX";
    char command[64];
    const bool holds = mkdtemp(folder) && body(folder);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 && holds;
}

static bool kept(const char *folder)
{
    return stored_twice(folder, 15);
}

static bool a_broker_finds_the_streams_of_its_folder(void)
{
    return in_folder(kept);
}

static bool streams_in_memory_end_with_their_broker(void)
{
    return stored_twice(NULL, 5);
}

static bool owned(const char *folder)
{
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    options.store_folder = folder;
    struct rill_broker *broker = start(&options);
    const bool holds = broker && store(broker, 1, 1) && start_fails(&options, "in use by another");
    rill_broker_stop(broker);
    return holds;
}

static bool a_folder_has_one_broker(void)
{
    return in_folder(owned);
}

// ---- several ----

static bool brokers_of_one_process_are_strangers(void)
{
    struct rill_broker *one = start(NULL), *two = start(NULL);
    struct rill_conn *near = one ? connect_to(rill_broker_url(one)) : NULL;
    struct rill_conn *far = two ? connect_to(rill_broker_url(two)) : NULL;
    struct rill_sub *sub = NULL;
    struct rill_msg *msg = NULL;
    const bool holds = near && far && law_ok(rill_subscribe(far, ">", &sub), "subscribe") &&
                       law_ok(rill_flush(far, -1), "flush") &&
                       law_ok(rill_publish(near, "a", "x", 1), "publish") &&
                       law_ok(rill_flush(near, -1), "flush") && law_ok(rill_flush(far, -1), "flush") &&
                       law_err_is(rill_next_msg(sub, 0, &msg), RILL_ERR_TIMEOUT, "the other's message") &&
                       store(one, 3, 3) && store(two, 2, 2);
    rill_destroy(near);
    rill_destroy(far);
    rill_broker_stop(one);
    rill_broker_stop(two);
    return holds;
}

static bool a_name_has_one_broker(void)
{
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    char name[40], url[60];
    (void)snprintf(name, sizeof name, "rill-test-%d", (int)getpid());
    (void)snprintf(url, sizeof url, "abstract://%s", name);
    options.name = name;
    struct rill_broker *broker = start(&options);
    bool holds = broker && hears(url, rill_broker_url(broker)) && start_fails(&options, name);
    rill_broker_stop(broker);
    broker = holds ? start(&options) : NULL; // the name is free again
    holds = holds && broker;
    rill_broker_stop(broker);
    return holds;
}

static bool what_is_wrong_is_told(void)
{
    static const struct {
        struct rill_broker_options options;
        const char *because;
    } cases[] = {
        {{.config = "max_paylod: 1"}, "max_payload"},
        {{.config = "pid_file: /tmp/x"}, "pid_file"},
        {{.config = "jetstream { store_dir: /tmp/x }"}, "store_dir"},
        {{.name = "a b"}, "name"},
        {{.tcp_host = "256.1.1.1"}, "256.1.1.1"},
        {{.store_folder = "/dev/null/streams"}, "/dev/null/streams"},
    };
    bool holds = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rill_broker_options options = cases[i].options;
        options.struct_bytes = sizeof options;
        holds = start_fails(&options, cases[i].because) && holds;
    }
    return holds;
}

// ---- the process ----

static bool the_configuration_holds(void)
{
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    options.config = "authorization { token: s3cret }";
    struct rill_broker *broker = start(&options);
    struct rill_conn *conn = NULL;
    struct rill_options with_token = RILL_OPTIONS;
    with_token.token = "s3cret";
    const bool holds =
        broker &&
        law_err_is(rill_connect(&conn, rill_broker_url(broker), NULL), RILL_ERR_DENIED, "without") &&
        law_ok(rill_connect(&conn, rill_broker_url(broker), &with_token), "with the token");
    rill_destroy(conn);
    rill_broker_stop(broker);
    return holds;
}

static void append_line(void *context, enum rill_broker_level level, const char *line)
{
    char *text = context;
    const size_t len = strlen(text);
    (void)snprintf(text + len, LOG_BYTES - len, "%d %s\n", (int)level, line);
}

static bool what_it_says_comes_to_the_callback(void)
{
    char text[LOG_BYTES] = "";
    struct rill_broker_options options = RILL_BROKER_OPTIONS;
    options.log = append_line;
    options.log_context = text;
    struct rill_broker *broker = start(&options);
    rill_broker_stop(broker);
    return broker && ((strstr(text, "3 Server is ready\n") && strstr(text, "3 Server Exiting..\n")) ||
                      law_fail("it said \"%s\"", text));
}

static volatile sig_atomic_t caught;
static volatile sig_atomic_t caught_elsewhere;
static pthread_t main_thread;

static void on_signal(int number)
{
    (void)number;
    caught++;
    if (!pthread_equal(pthread_self(), main_thread))
        caught_elsewhere++;
}

static bool handlers_are(const struct sigaction *before)
{
    for (int i = 1; i < SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(i, NULL, &now) == 0 && now.sa_handler != before[i].sa_handler)
            return law_fail("the handler of signal %d was changed", i);
    }
    return true;
}

static bool signals_stay_the_programs(void)
{
    struct sigaction before[SIGNALS];
    main_thread = pthread_self();
    caught = caught_elsewhere = 0;
    (void)signal(SIGTERM, on_signal);
    for (int i = 1; i < SIGNALS; i++)
        (void)sigaction(i, NULL, &before[i]);
    struct rill_broker *broker = start(NULL);
    bool holds = broker && handlers_are(before);
    for (int i = 0; i < 100 && holds; i++)
        holds = kill(getpid(), SIGTERM) == 0;
    holds = holds && (caught == 100 || law_fail("%d of 100 signals came", (int)caught)) &&
            (caught_elsewhere == 0 || law_fail("a thread of the broker's was interrupted")) &&
            hears(rill_broker_url(broker), rill_broker_url(broker));
    rill_broker_stop(broker);
    (void)signal(SIGTERM, SIG_DFL);
    return holds;
}

static bool a_stop_ends_its_clients(void)
{
    struct rill_broker *broker = start(NULL);
    struct rill_options once = RILL_OPTIONS;
    once.reconnect_rounds_max = -1;
    struct rill_conn *conn = NULL;
    const bool connected = broker && law_ok(rill_connect(&conn, rill_broker_url(broker), &once), "connect");
    rill_broker_stop(broker);
    int64_t deadline_ns = 0;
    while (connected && rill_conn_state(conn) != RILL_STATE_CLOSED && law_goes_on(&deadline_ns))
        (void)!rill_flush(conn, 10);
    const bool holds =
        connected && (rill_conn_state(conn) == RILL_STATE_CLOSED || law_fail("it is still connected"));
    rill_destroy(conn);
    return holds;
}

static const struct law_case cases[] = {
    {"a_program_reaches_its_broker", a_program_reaches_its_broker},
    {"tcp_is_there_when_it_is_asked_for", tcp_is_there_when_it_is_asked_for},
    {"a_broker_finds_the_streams_of_its_folder", a_broker_finds_the_streams_of_its_folder},
    {"streams_in_memory_end_with_their_broker", streams_in_memory_end_with_their_broker},
    {"a_folder_has_one_broker", a_folder_has_one_broker},
    {"brokers_of_one_process_are_strangers", brokers_of_one_process_are_strangers},
    {"a_name_has_one_broker", a_name_has_one_broker},
    {"what_is_wrong_is_told", what_is_wrong_is_told},
    {"the_configuration_holds", the_configuration_holds},
    {"what_it_says_comes_to_the_callback", what_it_says_comes_to_the_callback},
    {"signals_stay_the_programs", signals_stay_the_programs},
    {"a_stop_ends_its_clients", a_stop_ends_its_clients},
};

int main(void)
{
    return law_run(cases, sizeof cases / sizeof cases[0]);
}
