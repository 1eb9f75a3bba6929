// SPDX-License-Identifier: Apache-2.0
//
// A look inside a broker that is at rest: does what its stream and its consumers remember agree with the oracle?
#pragma once

#include "core/core.h"
#include "delivery_oracle.h"

/* Every sequence that is there, matches and is not done is outstanding or not behind the cursor; and whatever is outstanding is
   so in the oracle, as often delivered and as ready. The oracle takes over what is the broker's to choose: how far its cursor
   stands in front of the next message, and when it forgets deliveries of what is gone. */
void look_at_consumers(struct rill_core *core, struct oracle *oracle);
/* The stream has what the oracle has. */
void look_at_stream(struct rill_core *core, struct oracle *oracle);
/* After a crash: what was not in the log may be forgotten, but nothing that was answered, and nothing that is owed. The
   oracle takes over what there is. */
void look_after_crash(struct rill_core *core, struct oracle *oracle);
/* Is a message given up, and its letter not stored yet? */
bool look_awaits_letters(struct rill_core *core);
/* The number of a consumer that is there. */
uint64_t look_number(struct rill_core *core, uint32_t number);
/* Is everything gone that is to be? Asked before look_at_stream, which says so when it is not. */
bool look_is_tidy(struct rill_core *core, const struct oracle *oracle);
