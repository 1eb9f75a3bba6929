// SPDX-License-Identifier: Apache-2.0
//
// The file in which a server says where it listens: JSON with a member per kind of listener, each an array of
// URLs.
#pragma once

#include "base/bytes.h"

/* The port of the first URL under "nats". False when the text is not (yet) such a file; then *ret_port is
 * untouched. */
bool ports_file_parse(struct rill_bytes text, uint16_t *ret_port);
