// SPDX-License-Identifier: Apache-2.0
//
// An account: a subject space of its own with the connections that belong to it. There are two, $G for
// everybody and $SYS for the system; more come with a later version. Loop thread only.
#pragma once

#include "interest.h"

struct account {
    const char *name; // static
    struct interest *interest;
    uint32_t conn_count;
    uint64_t conns_total;

    // of connections that are gone; monitoring adds those of the living
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t out_msgs;
    uint64_t out_bytes;
    uint64_t slow_consumers;
};

enum {
    ACCOUNT_GLOBAL, // $G
    ACCOUNT_SYSTEM, // $SYS
    ACCOUNT_COUNT
};
