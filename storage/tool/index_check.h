// SPDX-License-Identifier: Apache-2.0
//
// Holds a stream's index.db against its log: whether the postings name exactly the messages that were live at the place
// of the log that the index covers, each with its subject. A second reader of "The index" in docs/STORAGE-FORMAT.md, by
// plain SQL; it shares no code with the store's own. It writes nothing into the stream's folder: an index with a
// write-ahead log, as a kill leaves it, is read from a copy.
//
// While the log is walked each record is shown to it; then it is asked. Memory: 16 bytes for each message that is live.
#pragma once

#include "finding.h"
#include "walk.h"

struct index_check;

/* NULL when there is no index. One that cannot be understood is told by the finish. `live`: somebody writes to it. */
struct index_check *index_check_open(const char *folder, bool live);
void index_check_destroy(struct index_check *check);

/* In the order of the log. */
void index_check_record(struct index_check *check, const struct walk_record *record);

/* How many messages the index names, and at most one finding. */
bool index_check_finish(struct index_check *check, uint64_t *ret_messages, struct finding *ret_finding);
