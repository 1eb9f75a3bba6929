// SPDX-License-Identifier: Apache-2.0
//
// Throws a stream's index away and makes it again from the log, then reports as verify does.
//
// It opens the stream as a start of the broker does, and so does to the log what that would do: a torn last commit is
// dropped, the log ends with a seal, messages that were being erased are overwritten.
#pragma once

#include "streams.h"

int reindex_stream(const struct request *request, const char *folder);
