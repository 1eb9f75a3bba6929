// SPDX-License-Identifier: Apache-2.0
#include "proto/info.h"

#include "proto/json_codec.h"
#include "proto/message.h"

enum rill_err rill_info_append(const Rill__ServerInfo *info, struct rill_buf *buf)
{
    const size_t start = buf->len;
    enum rill_err err = rill_buf_append(buf, RILL_BYTES("INFO "));
    if (!err)
        err = rill_json_encode(&info->base, buf);
    if (!err)
        err = rill_buf_append(buf, RILL_BYTES("\r\n"));
    if (err)
        buf->len = start;
    return err;
}

enum rill_err rill_info_parse(struct rill_bytes json, Rill__ServerInfo **ret_info,
                              struct rill_error_text *why)
{
    if (json.len > RILL_INFO_BYTES_MAX) {
        rill_error_text_set(why, "longer than %d bytes", RILL_INFO_BYTES_MAX);
        return RILL_ERR_LIMIT;
    }
    ProtobufCMessage *message = NULL;
    const enum rill_err err =
        rill_json_decode(&rill__server_info__descriptor, json, RILL_JSON_UNKNOWN_IGNORED, &message, why);
    if (!err)
        *ret_info = (Rill__ServerInfo *)message;
    return err;
}

void rill_info_free(Rill__ServerInfo *info)
{
    if (info)
        rill_message_free(&info->base);
}
