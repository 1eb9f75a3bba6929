// SPDX-License-Identifier: Apache-2.0
//
// What a command line of `rilld store` asks for.
#pragma once

#include "base/bytes.h"
#include "storage/disk.h"

#include <stdio.h>

enum payload_form { PAYLOAD_BASE64, PAYLOAD_TEXT, PAYLOAD_NONE };

struct request {
    struct rill_disk *disk;
    FILE *out;
    FILE *err;
    const char *folder;
    const char *target; // salvage: the new folder
    const char *config; // salvage: a file with the stream's configuration as JSON
    bool json;
    bool live;
    bool writes; // takes the stream's lock itself, alone
    bool strict; // notes count as damage
    bool keep_torn;
    bool messages_only;
    uint64_t from_sequence;
    uint64_t to_sequence;
    struct rill_bytes subject; // pattern; empty: all
    enum payload_form payload;
};

/* Reads the words behind the command. `folders` is how many it needs, `flags` names those that it takes, a blank in
   front of and behind each. INVALID. */
enum rill_err request_read(int argc, char *const argv[], int folders, const char *flags,
                           struct request *request, struct rill_error_text *why) RILL_MUST_CHECK;
