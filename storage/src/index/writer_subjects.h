// SPDX-License-Identifier: Apache-2.0
//
// The subjects of a batch as the file knows them: which id each has, and how many messages were fed before. A batch may have
// a hundred thousand, so ids are read in the order of the texts, and rows changed in that of the ids: the next row is mostly
// the next page's neighbour. What was fed before is learned from the row that is changed.
//
// Where a batch has many of a range of subjects, all of them are changed by one statement for that range, which costs a
// quarter of one for each. What it writes it asks of the SQL function rill_fed(what, id), which tells of the batch; as
// rill_fed(what, id, before) it is told how many messages were fed before.
#pragma once

#include "writer.h"

/* A subject with messages in the batch. */
struct fed_subject {
    union {
        uint64_t
            key[2]; // at first, to be sorted by: the text behind what all have in common, as far as it goes
        struct {
            uint64_t id;     // 0: it is new
            uint64_t before; // messages fed before the batch
        };
    };
    uint32_t subject;
    uint32_t messages; // in the batch
};

struct fed_list {
    struct fed_subject *subjects; // by id
    uint32_t count;
    uint32_t *ends;        // of the lists of the batch's subjects, one behind the other, in
    uint32_t *offsets;     // which hold those of the messages that are live
    uint32_t at;           // where rill_fed() was asked last: ids ascend
    struct writer *writer; // of whose batch it tells
};

/* The first argument of rill_fed(). All but the first are of the subject's first posting. */
enum fed_what { FED_MESSAGES, FED_LAST, FED_FIRST, FED_BEFORE, FED_POSTED, FED_POSITIONS };

/* Finds the subjects, makes those that are not there yet, counts the batch's messages, and sets the writer's ids. End with
   fed_list_fini() in every case. */
enum rill_err writer_subjects(struct writer *writer, struct fed_list *ret) RILL_MUST_CHECK;
void fed_list_fini(struct fed_list *list);
/* Offsets of the batch's messages of a subject, sorted. */
static inline const uint32_t *fed_offsets(const struct fed_list *list, const struct fed_subject *fed)
{
    return list->offsets + list->ends[fed->subject] - fed->messages;
}
/* writer_fed.c: makes rill_fed() known to a connection. */
enum rill_err fed_make_known(struct index_db *db) RILL_MUST_CHECK;
/* Runs a statement with rill_fed() for the subjects from the first id of the list to the last, which `third` follows. */
enum rill_err fed_run(struct fed_list *list, enum index_statement which, uint64_t third) RILL_MUST_CHECK;
/* Are there so many of the subjects from the first to the last that this is cheaper? */
bool fed_is_dense(const struct fed_list *list);
/* Messages `from` and behind of a subject, as many as a posting has, into a posting; `before` is set, too. */
void fed_posting(const struct fed_list *list, const struct fed_subject *fed, uint32_t from,
                 struct posting *ret);
