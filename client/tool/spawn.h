// SPDX-License-Identifier: Apache-2.0
//
// A shell command with input and output.
#pragma once

#include "base/buf.h"

/* Runs `sh -c command` with RILL_SUBJECT in its environment, gives it the input, and appends what it prints. *ret_status is
   its exit code, or 128 and the number of the signal that ended it. LIMIT when it prints more than the buffer takes (it is
   ended then); IO. */
enum rill_err spawn_shell(const char *command, const char *subject, struct rill_bytes input,
                          struct rill_buf *out, int *ret_status) RILL_MUST_CHECK;
