// SPDX-License-Identifier: Apache-2.0
//
// Prints the records of a stream as JSON, one in a line; what is damaged goes to the error output as text.
#pragma once

#include "streams.h"

int dump_stream(const struct request *request, const char *folder);
