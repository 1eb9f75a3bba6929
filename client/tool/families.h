// SPDX-License-Identifier: Apache-2.0
//
// The families of commands; each stands at the end of the file of its name.
#pragma once

#include "command.h"

extern const struct family pubsub_family;  // pub, sub
extern const struct family request_family; // request, reply, rtt
extern const struct family stream_family;
extern const struct family consumer_family;
extern const struct family kv_family;
extern const struct family object_family;
extern const struct family backup_family; // backup, restore
extern const struct family server_family;
extern const struct family top_family; // top
extern const struct family bench_family;
extern const struct family context_family;
extern const struct family shell_family; // completion, manual, version

// ---- options that several commands have ----

extern const struct parameter option_force[];
extern const struct parameter option_names[];
extern const struct parameter option_headers[];
extern const struct parameter option_raw[];
