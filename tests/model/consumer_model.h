// SPDX-License-Identifier: Apache-2.0
//
// A consumer's state machine beside a naive one: an array with the fate of each sequence, searched from end to end for
// everything. Around them a stream that is just as naive: which messages are there, of which subject, and which of those the
// consumer's filter takes. consumer.c does things to both.
#pragma once

#include "consumer_keys.h"

#include "base/random.h"

enum { SUBJECTS = 4, STEPS = 1500, SEQUENCES_MAX = 400, LOG_EVENTS_MAX = STEPS };

#define ACK_WAIT_NS 100

enum fate { NEVER, WAITS, READY, GIVEN_UP, PARKED, DONE };

struct naive {
    enum fate fate[SEQUENCES_MAX];
    uint32_t delivered[SEQUENCES_MAX];
    uint64_t consumer_seq_of[SEQUENCES_MAX]; // of its first delivery
    int64_t due_ns[SEQUENCES_MAX];
    bool terminated[SEQUENCES_MAX];
    bool owes_nothing[SEQUENCES_MAX]; // acknowledged, given up, or not for it when its turn came
    uint64_t cursor;
    uint64_t consumer_seq;
};

struct model {
    uint64_t seed;
    uint32_t step;
    struct rill_random random;
    struct consumer_limits limits;
    struct consumer *consumer;
    struct naive naive;
    struct naive noted; // as the log has it
    uint64_t first_sequence;
    uint64_t last_sequence;
    int64_t now_ns;
    int64_t backoff_ns[3];

    // the stream
    bool gone[SEQUENCES_MAX]; // deleted or purged
    uint32_t takes;           // the filter: a bit for each subject

    // what the stream hears of it, to forget messages: in this step
    struct sequences done;
    struct sequences done_expected;

    // the log
    struct rill_buf log[LOG_EVENTS_MAX];
    uint32_t log_count;
};

uint32_t model_subject_number(uint64_t sequence);
struct rill_bytes model_subject(uint64_t sequence);
/* It is in the stream, and the filter takes it. */
bool model_is_for_it(const struct model *model, uint64_t sequence);
/* The first such at or behind `from`, searched one by one; 0: none. */
uint64_t model_next(const struct model *model, uint64_t from);

/* Delivered, about to be, or parked; and not done. */
bool naive_is_outstanding(const struct naive *naive, uint64_t sequence);
/* The same without the parked. */
bool naive_is_out(const struct naive *naive, uint64_t sequence);
bool model_subject_is_full(const struct model *model, uint64_t sequence);

/* Both agree, and nothing is forgotten. */
void model_check(struct model *model);
