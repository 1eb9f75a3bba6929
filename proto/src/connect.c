// SPDX-License-Identifier: Apache-2.0
#include "proto/connect.h"

#include "base/alloc.h"
#include "proto/json_codec.h"
#include "proto/message.h"

enum rill_err rill_connect_parse(struct rill_bytes json, Rill__ConnectOptions **ret_options,
                                 struct rill_error_text *why)
{
    if (json.len > RILL_CONNECT_BYTES_MAX) {
        rill_error_text_set(why, "longer than %d bytes", RILL_CONNECT_BYTES_MAX);
        return RILL_ERR_LIMIT;
    }
    ProtobufCMessage *message = NULL;
    const enum rill_err err =
        rill_json_decode(&rill__connect_options__descriptor, json, RILL_JSON_UNKNOWN_IGNORED, &message, why);
    if (!err)
        *ret_options = (Rill__ConnectOptions *)message;
    return err;
}

Rill__ConnectOptions *rill_connect_default(void)
{
    Rill__ConnectOptions *options = rill_alloc_zero(1, sizeof *options);
    rill__connect_options__init(options);
    options->has_verbose = options->has_pedantic = options->has_tls_required = options->has_protocol = true;
    options->has_echo = options->has_headers = options->has_no_responders = true;
    options->verbose = options->pedantic = false;
    return options;
}

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
}

void rill_connect_free(Rill__ConnectOptions *options)
{
    if (!options)
        return;
    wipe(options->pass);
    wipe(options->auth_token);
    wipe(options->jwt);
    wipe(options->sig);
    rill_message_free(&options->base);
}

enum rill_err rill_connect_append(const Rill__ConnectOptions *options, struct rill_buf *buf)
{
    const size_t start = buf->len;
    enum rill_err err = rill_buf_append(buf, RILL_BYTES("CONNECT "));
    if (!err)
        err = rill_json_encode(&options->base, buf);
    if (!err)
        err = rill_buf_append(buf, RILL_BYTES("\r\n"));
    if (err)
        buf->len = start;
    return err;
}
