// SPDX-License-Identifier: Apache-2.0
//
// Where a server is: an URL of the user's, taken apart. Pure; any thread.
//
//     [scheme://][user[:password]@ | token@]host[:port][/path]        nats, tcp, ws
//     scheme://path                                                   ipc (also unix), abstract
#pragma once

#include "base/bytes.h"
#include "base/err.h"

enum { URL_DIAL_BYTES = 256, URL_SECRET_BYTES = 256, URL_PORT_DEFAULT = 4222 };

struct url {
    char dial[URL_DIAL_BYTES];   // for nng and for people: "tcp://127.0.0.1:4222", no secrets
    char user[URL_SECRET_BYTES]; // "" when there is none
    char password[URL_SECRET_BYTES];
    char token[URL_SECRET_BYTES]; // what stands alone before the @
};

/* INVALID or LIMIT with a reason, which names no secrets. */
enum rill_err url_parse(struct rill_bytes text, struct url *ret, struct rill_error_text *why) RILL_MUST_CHECK;
