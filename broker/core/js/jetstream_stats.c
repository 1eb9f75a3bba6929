// SPDX-License-Identifier: Apache-2.0
#include "jetstream_stats.h"

void jetstream_stats(const struct jetstream *jetstream, struct jetstream_stats *ret)
{
    *ret = (struct jetstream_stats){.store_dir = "", .unavailable_name = "", .unavailable_why = ""};
}
