// SPDX-License-Identifier: Apache-2.0
//
// What a server sends, from reads of any size to whole commands. One buffer: reads are put behind what is
// left of a command, and only such a rest is ever moved. Pure; one thread at a time.
//
//     data  0 ........ begin ........ end ........ capacity
//             taken      |   to be parsed  |   to be read into
#pragma once

#include "base/err.h"
#include "proto/parser.h"

enum {
    INLET_READ_BYTES = 64 * 1024,                // room for a read, and what an idle connection holds
    INLET_READ_BYTES_MAX = 512 * 1024,           // of a connection whose reads fill all the room there is
    INLET_LINE_BYTES_MAX = 256 * 1024,           // of a control line; INFO of a large cluster is long
    INLET_PAYLOAD_BYTES_MAX = 128 * 1024 * 1024, // headers and payload of a message
};

struct inlet {
    uint8_t *data; // heap
    size_t capacity;
    size_t begin;
    size_t end;
    size_t wanted; // bytes that the command at `begin` has at least
    size_t last;   // bytes of the last read
};

void inlet_init(struct inlet *inlet);
void inlet_fini(struct inlet *inlet);
/* Forgets what has come: another link begins. */
void inlet_reset(struct inlet *inlet);

/* Where to read to: at least one byte of room, until inlet_filled. Views of earlier commands end with this.
   NO_MEMORY. */
enum rill_err inlet_room(struct inlet *inlet, uint8_t **ret_data, size_t *ret_bytes) RILL_MUST_CHECK;
/* So many bytes were read. */
void inlet_filled(struct inlet *inlet, size_t bytes);

/* The next whole command, with views into the buffer. AGAIN when more has to be read first; DAMAGED when no
   server would send this, LIMIT when it is too large: then the link is of no more use. */
enum rill_err inlet_next(struct inlet *inlet, struct rill_command *ret) RILL_MUST_CHECK;
