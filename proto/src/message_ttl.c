// SPDX-License-Identifier: Apache-2.0
#include "proto/message_ttl.h"

#include "base/clock.h"
#include "proto/duration.h"
#include "proto/headers.h"

#include <strings.h>

bool rill_message_ttl_parse(struct rill_bytes text, int64_t *ret_ns)
{
    uint64_t seconds;
    int64_t ttl_ns = 0;
    if (text.len == strlen("never") && strncasecmp((const char *)text.data, "never", text.len) == 0)
        ttl_ns = RILL_MESSAGE_TTL_NEVER_NS;
    else if (rill_bytes_to_u64(text, INT64_MAX / RILL_NS_PER_S, &seconds))
        ttl_ns = (int64_t)seconds * RILL_NS_PER_S;
    else if (text.len && (!rill_duration_parse(text, &ttl_ns) || ttl_ns < RILL_NS_PER_S))
        return false;
    *ret_ns = ttl_ns > 0 ? ttl_ns - ttl_ns % RILL_NS_PER_S : ttl_ns;
    return true;
}

int64_t rill_message_ttl_of(struct rill_bytes headers)
{
    struct rill_bytes text;
    int64_t ttl_ns = 0;
    if (headers.len && rill_headers_find(headers, RILL_BYTES("Nats-TTL"), &text))
        (void)rill_message_ttl_parse(text, &ttl_ns);
    return ttl_ns;
}
