// SPDX-License-Identifier: Apache-2.0
//
// The subjects of a batch as the file knows them: which id each has, and how many messages were fed before. A batch may have
// a hundred thousand, so both are read in the order of the tables, where the next row is mostly the next page's neighbour,
// and nothing is changed while rows are read.
#pragma once

#include "writer.h"

/* A subject with messages in the batch. */
struct fed_subject {
    uint64_t id;
    uint64_t before; // messages fed before the batch
    uint32_t subject;
};

struct fed_list {
    struct fed_subject *subjects; // by id
    uint32_t count;
};

/* Finds the subjects, makes those that are not there yet, counts the batch's messages, and sets the writer's ids. End with
   free(ret->subjects) in every case. */
enum rill_err writer_subjects(struct writer *writer, struct fed_list *ret) RILL_MUST_CHECK;
