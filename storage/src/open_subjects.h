// SPDX-License-Identifier: Apache-2.0
//
// What is not committed, by subject: the messages appended since the last commit that has finished, and the removals of
// others. With the index of what is committed in front of it, questions about a subject can be answered as of the next
// append: how many messages it has, which is its oldest, which its newest.
//
//     messages[]   one for each sequence behind the committed ones, in a chain per subject
//     removals[]   of the open commit and the one in flight, in a chain per subject
//     subjects     those that have something in one of the two, or wait to have messages removed
//
// Whether a message is still there is asked of the live maps; the chains only say where to look. Two commits bound it
// all. It begins when it is first needed (a limit on messages of one subject, a question), and is kept up from then on.
#pragma once

#include "storage/store.h"

#include <uthash.h>

struct open_subject {
    UT_hash_handle hh;
    size_t refs;     // from the chains
    uint64_t oldest; // message of its chain; 0: none
    uint64_t newest;
    uint64_t removal; // number of the newest one of its chain; 0: none
    uint64_t count;   // of messages, as of the next append, in the epoch `counted`
    uint64_t counted;
    uint64_t from; // none of its messages is live in front of this one
    uint64_t owed; // removals for which room is reserved in the open commit
    bool queued;
    struct open_subject *prev, *next; // in the queue
    size_t len;
    char text[];
};

struct open_message {
    struct open_subject *subject;
    uint32_t back; // distance to the subject's message before it; 0: none
    uint32_t ahead;
};

struct open_removal {
    struct open_subject *subject;
    uint64_t commit;
    uint64_t sequence;
    uint64_t before; // number of the subject's removal before it; it may be gone
};

struct open_subjects {
    bool is_on;
    struct open_subject *by_text;
    struct open_message *messages;
    uint64_t first_sequence; // of messages[0]
    size_t message_count, message_capacity;
    struct open_removal *removals;
    uint64_t first_removal; // number of removals[0]
    size_t removal_count, removal_capacity;
    struct open_subject *queue; // that may have too many messages, see subject_limit.c
    uint64_t epoch;             // counts of an older one are not right any more
};

/* Makes sure that it is kept up. The store has an index that works. NO_MEMORY. */
enum rill_err open_subjects_begin(struct rill_store *store) RILL_MUST_CHECK;
void open_subjects_fini(struct open_subjects *opens);

/* ---- what happens; nothing is done while it is off ---- */

void open_subjects_appended(struct rill_store *store, uint64_t sequence, struct rill_bytes subject);
/* In the commit with this number. The last one can be taken back, before anything else happens. */
void open_subjects_removed(struct rill_store *store, uint64_t commit, uint64_t sequence,
                           struct rill_bytes subject);
void open_subjects_not_removed(struct rill_store *store);
/* Messages went, or came back, in another way. */
void open_subjects_recount(struct rill_store *store);
/* A commit has finished. */
void open_subjects_committed(struct rill_store *store);
/* All that is not committed was taken back. */
void open_subjects_taken_back(struct rill_store *store);

/* ---- asking; it is on ---- */

/* NULL when nothing of it is open. */
struct open_subject *open_subjects_find(const struct open_subjects *opens, struct rill_bytes subject);
/* The same, made when it is not there; it stays until it has neither chains nor a place in the queue. */
struct open_subject *open_subjects_get(struct open_subjects *opens, struct rill_bytes subject);
/* The message before and behind one in its chain; 0: none. */
uint64_t open_subjects_back(const struct open_subjects *opens, uint64_t sequence);
uint64_t open_subjects_ahead(const struct open_subjects *opens, uint64_t sequence);
/* Messages of a subject as of the next append. AGAIN, UNAVAILABLE, NO_MEMORY. */
enum rill_err open_subjects_count(struct rill_store *store, struct rill_bytes subject,
                                  uint64_t *ret_count) RILL_MUST_CHECK;
/* Is this message of its chain? */
bool open_subjects_has(const struct open_subjects *opens, const struct open_subject *subject,
                       uint64_t sequence);

void open_subjects_queue(struct open_subjects *opens, struct open_subject *subject, bool first);
void open_subjects_unqueue(struct open_subjects *opens, struct open_subject *subject);

static inline struct rill_bytes open_subject_text(const struct open_subject *subject)
{
    return rill_bytes_of(subject->text, subject->len);
}
