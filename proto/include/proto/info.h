// SPDX-License-Identifier: Apache-2.0
//
// What a server says about itself: the line INFO {...}, written by the broker and read by the client. The
// content is the message ServerInfo of handshake.proto. Any thread.
#pragma once

#include "base/buf.h"
#include "proto/handshake.pb-c.h"

enum { RILL_INFO_BYTES_MAX = 256 * 1024 }; // of the JSON; a cluster's connect_urls may be many

/* Appends the line "INFO {...}\r\n". LIMIT or NO_MEMORY leave the buffer as it was. */
enum rill_err rill_info_append(const Rill__ServerInfo *info, struct rill_buf *buf) RILL_MUST_CHECK;

/* Parses the argument of INFO; unknown fields are ignored. *ret_info belongs to the caller, freed with
   rill_info_free. LIMIT when the text is too long, INVALID with a reason, NO_MEMORY. */
enum rill_err rill_info_parse(struct rill_bytes json, Rill__ServerInfo **ret_info,
                              struct rill_error_text *why) RILL_MUST_CHECK;

/* NULL is harmless. */
void rill_info_free(Rill__ServerInfo *info);
