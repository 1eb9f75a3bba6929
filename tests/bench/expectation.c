// SPDX-License-Identifier: Apache-2.0
#include "expectation.h"

#include "base/assert.h"

static const char ping[] = "PING\r\n";

static bool match_ping_byte(struct expectation *expectation, uint8_t byte)
{
    if (byte != (uint8_t)ping[expectation->ping_matched_bytes])
        return false;
    if (++expectation->ping_matched_bytes == sizeof ping - 1) {
        expectation->ping_matched_bytes = 0;
        expectation->pings++;
    }
    return true;
}

static size_t common_prefix_len(const uint8_t *a, const uint8_t *b, size_t len)
{
    if (memcmp(a, b, len) == 0)
        return len;
    size_t same = 0;
    while (a[same] == b[same])
        same++;
    return same;
}

bool expectation_match(struct expectation *expectation, struct rill_bytes received)
{
    RILL_ASSERT(expectation->block.len > 0 && expectation->block.data[0] == 'M');
    while (received.len) {
        const size_t offset = expectation->matched_bytes % expectation->block.len;
        const bool between = offset % expectation->message_bytes == 0;
        if (expectation->ping_matched_bytes || (between && received.data[0] == 'P')) {
            if (!match_ping_byte(expectation, received.data[0]))
                return false;
            received = rill_bytes_from(received, 1);
            continue;
        }
        const size_t left = expectation->block.len - offset;
        const size_t same = common_prefix_len(expectation->block.data + offset, received.data,
                                              left < received.len ? left : received.len);
        if (same == 0)
            return false;
        expectation->matched_bytes += same;
        received = rill_bytes_from(received, same);
    }
    return true;
}
