// SPDX-License-Identifier: Apache-2.0
#include "proto/pull_request.h"

#include "proto/json_codec.h"
#include "proto/message.h"
#include "trim.h"

enum rill_err rill_pull_request_parse(struct rill_bytes body, Rill__PullRequest **ret_request,
                                      struct rill_error_text *why)
{
    const struct rill_bytes text = trim(body);
    uint64_t batch = 1;
    const bool is_json = text.len && text.data[0] == '{';
    if (!is_json && text.len && !rill_bytes_to_u64(text, INT64_MAX, &batch)) {
        rill_error_text_set(why, "neither a number nor an object");
        return RILL_ERR_INVALID;
    }
    ProtobufCMessage *message = NULL;
    const enum rill_err err =
        rill_json_decode(&rill__pull_request__descriptor, is_json ? text : RILL_BYTES("{}"),
                         RILL_JSON_UNKNOWN_IGNORED, &message, why);
    if (err)
        return err;
    Rill__PullRequest *request = (Rill__PullRequest *)message;
    if (!is_json)
        request->batch = (int64_t)batch;
    request->has_batch = true;
    if (request->batch < 1)
        request->batch = 1;
    *ret_request = request;
    return RILL_OK;
}
