// SPDX-License-Identifier: Apache-2.0
//
// A hostile server: whatever bytes come, in whatever pieces, the client's reader makes of them the same
// commands, and messages whose parts add up; what it refuses, it refuses for good.
#include "base/assert.h"
#include "inlet.h"
#include "msg.h"
#include "proto/info.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct rill_command *command)
{
    if (command->op == RILL_OP_INFO) {
        Rill__ServerInfo *info;
        struct rill_error_text why;
        if (rill_info_parse(command->args, &info, &why) == RILL_OK)
            rill_info_free(info);
    }
    if (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG)
        return;
    struct rill_msg *msg = msg_create(command);
    RILL_ASSERT(msg);
    RILL_ASSERT(rill_bytes_equal(msg_subject(msg), command->subject));
    RILL_ASSERT(rill_bytes_equal(msg_payload(msg), command->payload));
    size_t cursor = 0;
    size_t headers = 0;
    struct rill_text name, value;
    while (rill_msg_header_next(msg, &cursor, &name, &value))
        headers += name.bytes + value.bytes;
    RILL_ASSERT(headers <= command->headers.len);
    (void)rill_msg_status(msg);
    rill_msg_unref(msg);
}

/* How many commands, and how it ended. */
static size_t read_in_pieces(struct rill_bytes input, size_t piece, enum rill_err *ret_end)
{
    struct inlet inlet;
    struct rill_command command;
    size_t count = 0;
    inlet_init(&inlet);
    *ret_end = RILL_ERR_AGAIN;
    while (input.len && *ret_end == RILL_ERR_AGAIN) {
        uint8_t *room;
        size_t room_bytes;
        RILL_ASSERT(inlet_room(&inlet, &room, &room_bytes) == RILL_OK);
        size_t part = input.len < piece ? input.len : piece;
        part = part < room_bytes ? part : room_bytes;
        memcpy(room, input.data, part);
        inlet_filled(&inlet, part);
        input = rill_bytes_from(input, part);
        while ((*ret_end = inlet_next(&inlet, &command)) == RILL_OK) {
            look_at(&command);
            count++;
        }
    }
    inlet_fini(&inlet);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum rill_err whole_end, piece_end;
    const struct rill_bytes input = rill_bytes_of(data + 1, size - 1);
    const size_t whole = read_in_pieces(input, SIZE_MAX, &whole_end);
    const size_t pieces = read_in_pieces(input, (size_t)data[0] + 1, &piece_end);
    // What is wrong may be seen some bytes later when they come in pieces.
    RILL_ASSERT(whole == pieces && (whole_end == piece_end || piece_end == RILL_ERR_AGAIN));
    return 0;
}
