// SPDX-License-Identifier: Apache-2.0
#include "ports_file.h"

#include <jansson.h>

bool ports_file_parse(struct rill_bytes text, uint16_t *ret_port)
{
    json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL);
    const char *url = json_string_value(json_array_get(json_object_get(root, "nats"), 0));
    const char *colon = url ? strrchr(url, ':') : NULL;
    uint64_t port = 0;
    const bool found =
        colon && rill_bytes_to_u64(rill_bytes_from_cstr(colon + 1), UINT16_MAX, &port) && port > 0;
    if (found)
        *ret_port = (uint16_t)port;
    json_decref(root);
    return found;
}
