// SPDX-License-Identifier: Apache-2.0
//
// Reads every record of a stream and says what is sound and what is not, as a table or as JSON.
#pragma once

#include "streams.h"

int verify_stream(const struct request *request, const char *folder);
