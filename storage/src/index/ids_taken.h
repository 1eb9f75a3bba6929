// SPDX-License-Identifier: Apache-2.0
//
// The ids that an index that is made anew has from the one in whose place it comes: those of the file that was set aside
// (index_old.h), and those that the other one had only in memory. With them it knows the ids of messages that the log has no
// longer.
//
// Of a file that is damaged all rows are taken that can be read: a page that cannot is passed over. Only when all were read
// does the new file say up to which message it has the ids (`ids_sequence`); else they come once more from the log, which
// has those of most messages.
#pragma once

#include "id_set.h"
#include "index_internal.h"

struct rill_index_ids {
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    struct id_set set;
    int64_t from_ns; // nobody asks for those of earlier times any more
};

/* [blocking] Into an index that has no file yet; makes one if there are any. Then the old file goes. IO, LOCKED when not all
   can be read now, and `takes_unread` is false; NO_SPACE, NO_MEMORY. */
enum rill_err ids_take(struct rill_index *index, const struct rill_index_options *options) RILL_MUST_CHECK;
