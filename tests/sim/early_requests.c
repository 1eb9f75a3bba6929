// SPDX-License-Identifier: Apache-2.0
//
// A broker listens before it has read the names of its streams. What is asked in that moment is answered afterwards, in
// its order, and no request is answered "not ready" for that reason alone.
#include "sim_core.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(early_requests);

struct answers {
    char text[16 * 1024];
    size_t len;
    int count;
};

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct answers *answers = context;
    if (command->op != RILL_OP_MSG)
        return;
    answers->count++;
    const int len = snprintf(answers->text + answers->len, sizeof answers->text - answers->len, RILL_PRI "\n",
                             RILL_ARG(command->payload));
    answers->len += (size_t)len;
    cr_assert(lt(sz, answers->len, sizeof answers->text));
}

// A stream that is made, and asked for, in the first moment of a broker's life is there.
Test(early_requests, what_is_asked_before_the_streams_are_known_is_answered_in_order)
{
    struct sim_core sim;
    struct answers answers = {0};
    struct rill_disk *disk = sim_disk_create(1);
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .calm = true, .disk = disk});
    struct sim_client *client = sim_client_open(&sim, on_command, &answers);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nSUB in 1\r\n");
    sim_client_publish(client, "$JS.API.STREAM.CREATE.S", "in", NULL,
                       RILL_BYTES("{\"name\":\"S\",\"subjects\":[\"s.>\"]}"));
    sim_client_publish(client, "$JS.API.STREAM.CREATE.S", "in", NULL,
                       RILL_BYTES("{\"name\":\"S\",\"subjects\":[\"s.>\"]}"));
    sim_client_publish(client, "$JS.API.STREAM.DELETE.T", "in", NULL, RILL_BYTES(""));
    sim_core_settle(&sim);
    cr_expect(eq(int, answers.count, 3));
    cr_expect(strstr(answers.text, "\"err_code\":10059") != NULL, "%s", answers.text);
    cr_expect(strstr(answers.text, "\"did_create\":true") != NULL, "%s", answers.text);
    cr_expect(strstr(answers.text, "10008") == NULL, "%s", answers.text);
    sim_core_stop(&sim);
    sim_disk_destroy(disk);
}

// Requests about one stream are done one after the other, also while it is being made, and when it is made again.
Test(early_requests, requests_about_a_stream_are_done_in_their_order)
{
    static const char *const lines[][2] = {
        {"CREATE", "{\"name\":\"S\",\"subjects\":[\"s.>\"]}"},
        {"INFO", ""},
        {"DELETE", ""},
        {"INFO", ""},
        {"CREATE", "{\"name\":\"S\",\"subjects\":[\"t.>\"]}"},
        {"UPDATE", "{\"name\":\"S\",\"subjects\":[\"t\"],\"description\":\"other\"}"},
    };
    static const char *const answers_in_order[] = {
        "did_create", "info_response", "success", "err_code\":10059", "\"subjects\":[\"t.", "other",
    };
    struct sim_core sim;
    struct answers answers = {0};
    struct rill_disk *disk = sim_disk_create(1);
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .calm = true, .disk = disk});
    struct sim_client *client = sim_client_open(&sim, on_command, &answers);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nSUB in 1\r\n");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char subject[64];
        (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.%s.S", lines[i][0]);
        sim_client_publish(client, subject, "in", NULL, rill_bytes_from_cstr(lines[i][1]));
    }
    sim_core_settle(&sim);
    const char *at = answers.text;
    for (size_t i = 0; i < sizeof answers_in_order / sizeof answers_in_order[0]; i++) {
        at = strstr(at, answers_in_order[i]);
        cr_assert(at != NULL, "answer %zu: %s", i, answers.text);
        at = strchr(at, '\n');
    }
    cr_expect(eq(int, answers.count, 6));
    sim_core_stop(&sim);
    sim_disk_destroy(disk);
}

// So are several changes of a stream in memory, whose definition is written before each is in force.
Test(early_requests, changes_of_a_stream_in_memory_are_made_one_after_the_other)
{
    struct sim_core sim;
    struct answers answers = {0};
    struct rill_disk *disk = sim_disk_create(1);
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .calm = true, .disk = disk});
    struct sim_client *client = sim_client_open(&sim, on_command, &answers);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nSUB in 1\r\n");
    for (int i = 0; i < 5; i++) {
        char body[128];
        const int len =
            snprintf(body, sizeof body,
                     "{\"name\":\"S\",\"subjects\":[\"s\"],\"storage\":\"memory\",\"max_msgs\":%d}", i + 1);
        sim_client_publish(client, i ? "$JS.API.STREAM.UPDATE.S" : "$JS.API.STREAM.CREATE.S", "in", NULL,
                           rill_bytes_of(body, (size_t)len));
    }
    sim_core_settle(&sim);
    cr_expect(eq(int, answers.count, 5));
    cr_expect(strstr(answers.text, "\"error\"") == NULL, "%s", answers.text);
    const char *last = answers.text;
    for (const char *at = answers.text; (at = strstr(at, "\"max_msgs\":")); at++)
        last = at;
    cr_expect(strncmp(last, "\"max_msgs\":5", 12) == 0, "%s", answers.text);
    sim_core_stop(&sim);
    sim_disk_destroy(disk);
}

// Of very many requests at once those that find no place are told so.
Test(early_requests, more_requests_than_may_wait_are_told_so)
{
    struct answers answers = {0};
    struct sim_core sim;
    struct rill_disk *disk = sim_disk_create(1);
    sim_core_start(&sim, &(struct sim_options){
                             .seed = 1, .calm = true, .disk = disk, .jetstream_limits.requests_max = 3});
    struct sim_client *client = sim_client_open(&sim, on_command, &answers);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nSUB in 1\r\n");
    sim_core_settle(&sim);
    sim_client_publish(client, "$JS.API.STREAM.CREATE.S", "in", NULL,
                       RILL_BYTES("{\"name\":\"S\",\"subjects\":[\"s.>\"]}"));
    for (int i = 0; i < 5; i++)
        sim_client_publish(client, "$JS.API.STREAM.DELETE.S", "in", NULL, RILL_BYTES(""));
    sim_core_settle(&sim);
    cr_expect(eq(int, answers.count, 6));
    int refused = 0;
    for (const char *at = answers.text; (at = strstr(at, "10008")); at++)
        refused++;
    cr_expect(eq(int, refused, 2), "%s", answers.text);
    sim_core_stop(&sim);
    sim_disk_destroy(disk);
}

// A broker that ends in that moment still lets go of what was asked.
Test(early_requests, a_broker_that_stops_before_the_streams_are_known_leaks_nothing)
{
    struct sim_core sim;
    struct answers answers = {0};
    struct rill_disk *disk = sim_disk_create(1);
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .calm = true, .disk = disk});
    struct sim_client *client = sim_client_open(&sim, on_command, &answers);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nSUB in 1\r\nPUB $JS.API.INFO in 0\r\n\r\n");
    (void)sim_core_turn(&sim);
    sim_core_stop(&sim);
    sim_disk_destroy(disk);
}
