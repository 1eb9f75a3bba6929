// SPDX-License-Identifier: Apache-2.0
//
// Requests to the API that have to wait, in their order: for the names of the streams at a start, and for a stream that is
// just being made, redefined or removed. Who sends several requests about a stream at once finds them done one after the
// other. Loop thread only.
#pragma once

#include "kept_messages.h"

#include <stdbool.h>

struct jetstream;

/* Keeps a copy. False when so many are held, all queues of the broker together, that this one must be answered now. */
bool held_add(struct jetstream *js, struct kept_messages *held, const struct message *message);
/* Does them all now, as api_dispatch; some may be held again, by the same owner too. */
void held_release(struct jetstream *js, struct kept_messages *held);
