// SPDX-License-Identifier: Apache-2.0
#include "notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_send(const char *socket_path, const char *state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t len = socket_path ? strlen(socket_path) : 0;
    if (!len)
        return true;
    if (len >= sizeof address.sun_path || (socket_path[0] != '/' && socket_path[0] != '@'))
        return false;
    memcpy(address.sun_path, socket_path, len);
    if (socket_path[0] == '@')
        address.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    const socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    const ssize_t sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, bytes);
    (void)close(fd);
    return sent == (ssize_t)strlen(state);
}
