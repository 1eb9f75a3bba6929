// SPDX-License-Identifier: Apache-2.0
#include "jetstream.h"

struct jetstream *jetstream_create(struct rill_core *core, const struct rill_jetstream_config *config)
{
    return NULL;
}

void jetstream_destroy(struct jetstream *jetstream)
{
}

void jetstream_deadline(struct jetstream *jetstream, struct rill_deadline *due)
{
}

void jetstream_begin_turn(struct jetstream *jetstream)
{
}

void jetstream_end_turn(struct jetstream *jetstream)
{
}

bool jetstream_has_work(const struct jetstream *jetstream)
{
    return false;
}

void jetstream_stop(struct jetstream *jetstream)
{
}

bool jetstream_is_idle(const struct jetstream *jetstream)
{
    return true;
}
