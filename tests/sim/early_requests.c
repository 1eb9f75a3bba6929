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
    char text[4096];
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

// While a stream is being made it is not there for anybody; who makes it as well waits for the same answer.
Test(early_requests, a_stream_that_is_being_made_is_not_there_yet)
{
    struct sim_core sim;
    struct answers answers = {0};
    struct rill_disk *disk = sim_disk_create(1);
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .calm = true, .disk = disk});
    struct sim_client *client = sim_client_open(&sim, on_command, &answers);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nSUB in 1\r\n");
    sim_core_settle(&sim);
    sim_client_publish(client, "$JS.API.STREAM.CREATE.S", "in", NULL,
                       RILL_BYTES("{\"name\":\"S\",\"subjects\":[\"s.>\"]}"));
    sim_client_publish(client, "$JS.API.STREAM.INFO.S", "in", NULL, RILL_BYTES(""));
    (void)sim_core_turn(&sim);
    (void)sim_core_turn(&sim);
    cr_expect(strstr(answers.text, "\"err_code\":10059") != NULL, "%s", answers.text);
    sim_core_settle(&sim);
    sim_client_publish(client, "$JS.API.STREAM.INFO.S", "in", NULL, RILL_BYTES(""));
    sim_core_settle(&sim);
    cr_expect(eq(int, answers.count, 3));
    cr_expect(strstr(strstr(answers.text, "did_create"), "stream_info_response") != NULL, "%s", answers.text);
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
