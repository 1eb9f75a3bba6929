// SPDX-License-Identifier: Apache-2.0
//
// Tells the service manager how far the broker is: one datagram to the socket named by NOTIFY_SOCKET, as
// sd_notify(3) describes it. Any thread.
#pragma once

#include <stdbool.h>

/* `state` is "READY=1" or other lines. `socket_path` NULL or "" (no service manager waits): nothing happens.
   False: it could not be delivered. */
bool notify_send(const char *socket_path, const char *state);
