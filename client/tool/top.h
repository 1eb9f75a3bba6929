// SPDX-License-Identifier: Apache-2.0
//
// `rill top`: a server at work, drawn anew every second.
#pragma once

#include "command.h"

enum tool_exit top_run(struct call *call);
extern const struct parameter top_options[];
