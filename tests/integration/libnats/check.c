// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMAND_FD = 3, ANSWER_FD = 4 };

int check_run(const struct check_case *cases, size_t case_count)
{
    size_t failed_count = 0;
    printf("1..%zu\n", case_count);
    for (size_t at = 0; at < case_count; at++) {
        bool holds = cases[at].law();
        failed_count += holds ? 0 : 1;
        printf("%s %zu - %s\n", holds ? "ok" : "not ok", at + 1, cases[at].name);
        fflush(stdout);
    }
    nats_Close();
    return failed_count == 0 ? 0 : 1;
}

bool check_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("# ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    return false;
}

bool check_ok(natsStatus status, const char *what)
{
    return status == NATS_OK || check_fail("%s: %s", what, natsStatus_GetText(status));
}

bool check_payload(natsMsg *message, const char *text)
{
    const char *data = natsMsg_GetData(message);
    size_t size = (size_t)natsMsg_GetDataLength(message);
    bool same = size == strlen(text) && memcmp(data, text, size) == 0;
    return same || check_fail("expected \"%s\", got \"%.*s\"", text, (int)size, data);
}

natsConnection *check_connect(void)
{
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK)
        status = natsOptions_SetURL(options, getenv("RILL_URL"));
    if (status == NATS_OK)
        status = natsOptions_SetReconnectWait(options, 20);
    if (status == NATS_OK)
        status = natsOptions_SetMaxReconnect(options, 1000);
    if (status == NATS_OK)
        status = natsConnection_Connect(&connection, options);
    natsOptions_Destroy(options);
    return check_ok(status, "connect") ? connection : NULL;
}

static bool ask_for(const char *command)
{
    char answer[16];
    if (write(COMMAND_FD, command, strlen(command)) != (ssize_t)strlen(command))
        return check_fail("nobody to end and start the server");
    return read(ANSWER_FD, answer, sizeof(answer)) > 0 || check_fail("the server was not started again");
}

bool check_restart_server(void)
{
    return ask_for("restart\n");
}

bool check_kill_server(void)
{
    return ask_for("kill\n");
}
