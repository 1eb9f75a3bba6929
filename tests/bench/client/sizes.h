// SPDX-License-Identifier: Apache-2.0
//
// What a client library costs in memory: the library itself, and a process with two connections and a subscription.
#pragma once

#include "side.h"

struct sizes {
    double library_kib;  // what is mapped of its file: code, tables and data
    double resident_kib; // what its client adds to a process that had none, after a few messages
};

/* Measures in a process of its own, so before the caller has threads. False after saying why on stderr. */
bool sizes_measure(const struct side *side, struct work *work, struct sizes *ret);
