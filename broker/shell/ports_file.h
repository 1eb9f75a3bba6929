// SPDX-License-Identifier: Apache-2.0
//
// `<folder>/rilld_<pid>.ports`: where the broker listens, as JSON, for programs that start it on ports chosen
// by the kernel. A listener on every address is written once for each address of the machine, as nats-server
// does.
//
//     {"nats":["nats://127.0.0.1:45809"],"monitoring":["http://127.0.0.1:35101"],"websocket":["ws://127.0.0.1:33001"]}
#pragma once

#include "base/buf.h"

#include <stdint.h>

/* port 0: there is no such listener. */
struct ports_entry {
    const char *host; // NULL: every address
    uint16_t port;
};

struct ports {
    struct ports_entry nats;
    struct ports_entry monitoring;
    struct ports_entry websocket;
};

/* Appends the JSON. `addresses` are those of the machine. */
enum rill_err ports_format(const struct ports *ports, const char *const *addresses, size_t address_count,
                           struct rill_buf *out) RILL_MUST_CHECK;

struct ports_file {
    char path[512]; // "": not written
};

/* Writes the file in one step: under another name first. LIMIT: the folder's path is too long. */
enum rill_err ports_file_write(struct ports_file *file, const char *folder, const struct ports *ports,
                               struct rill_error_text *why) RILL_MUST_CHECK;
/* Harmless when it was not written. */
void ports_file_remove(struct ports_file *file);
