// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(notify);

// The service manager's socket gets one datagram, also when it is an abstract one; without a socket nothing
// is wrong.
Test(notify, sends_one_datagram)
{
    char name[64];
    char heard[64] = "";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int len = snprintf(name, sizeof name, "@rill-notify-%d", (int)getpid());
    memcpy(address.sun_path, name, (size_t)len);
    address.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
    cr_assert(eq(int, bind(fd, (const struct sockaddr *)&address, bytes), 0));
    cr_expect(notify_send(name, "READY=1"));
    cr_expect(eq(sz, (size_t)recv(fd, heard, sizeof heard - 1, 0), 7));
    cr_expect(eq(str, heard, "READY=1"));
    (void)close(fd);
    cr_expect(not(notify_send(name, "READY=1")));
    cr_expect(notify_send(NULL, "READY=1"));
}
