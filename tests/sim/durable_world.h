// SPDX-License-Identifier: Apache-2.0
//
// A small world around one broker whose disk loses power: a publisher with message ids that tries again until it has an
// acknowledgement, one without ids that never tries again, and a worker that pulls, and acknowledges, refuses or forgets.
// The world remembers what it was promised and holds the broker to it, across any number of crashes:
//
//   W1  a sequence never has two contents, among all acknowledgements and deliveries
//   W2  what was acknowledged or delivered is in the stream after every recovery
//   W3  an id is stored once
//   W4  a message whose acknowledgement was confirmed is never delivered to that consumer again
//   W5  no publish and no pull stays without an answer while the broker lives
//   W6  in the end the worker has seen every message
//   W7  with order by subject, no message of a subject is delivered before the one in front of it is done
//   W8  in the end the index counts the messages of each subject as they are
//
// The worker's consumer is one of several kinds: pulled from or pushing, with each message or all before it acknowledged,
// with or without order by subject.
#pragma once

#include "sim_core.h"
#include "sim_disk.h"

enum {
    WORLD_IDS = 40,
    WORLD_PLAIN = 12,
    WORLD_MESSAGES = WORLD_IDS + WORLD_PLAIN,
    WORLD_SEQUENCES_MAX = 4096
};

struct world_message {
    uint64_t sequence; // acknowledged with; 0: not yet
    bool in_flight;
    bool given_up; // without an id, and the answer never came
    int64_t sent_ns;
};

struct world {
    struct rill_disk *disk;
    struct sim_core sim;
    struct rill_random random;
    bool calm;
    uint64_t segment_bytes;
    uint64_t cache_bytes_max;
    uint64_t index_log_bytes; // little: a restart goes on from the index
    char failure[512];        // what was broken first; empty: nothing

    // what was promised: message number plus one by sequence
    uint32_t content[WORLD_SEQUENCES_MAX];
    bool confirmed[WORLD_SEQUENCES_MAX];
    bool delivered_once[WORLD_SEQUENCES_MAX]; // to the worker
    bool answered[WORLD_SEQUENCES_MAX];       // the worker has acknowledged it, if only it was heard
    bool seen[WORLD_MESSAGES];                // by the worker
    uint64_t highest;                         // sequence acknowledged or delivered
    struct world_message messages[WORLD_MESSAGES];

    // this life of the broker
    struct sim_client *publisher;
    struct sim_client *worker;
    enum { WORLD_SETS_UP_STREAM, WORLD_SETS_UP_CONSUMER, WORLD_ASKS_INFO, WORLD_RUNS } stage;
    int64_t try_at_ns; // for what was refused
    bool asked;
    bool pulling;
    uint64_t pull_left;
    int64_t pull_ends_ns;
    uint32_t syncs_waiting;

    // the end: a second consumer reads everything
    bool auditing;
    char audit_name[32];
    uint64_t audited;       // last sequence read
    uint64_t last_sequence; // of the stream, as INFO says
    bool counted;           // by subject, as INFO says
    uint32_t stored[WORLD_MESSAGES];
    bool worker_done;

    // at times the disk is full for a while
    enum { WORLD_PULLS, WORLD_PULLS_ALL, WORLD_PUSHES, WORLD_KEEPS_ORDER, WORLD_KINDS } kind;

    bool may_fill;
    int64_t space_back_ns; // 0: there is space

    char acked_subject[256]; // acknowledged without wanting an answer; "": none
    uint64_t acked_sequence;

    uint64_t crashes;
    uint64_t full_times;
    uint64_t redeliveries;
    uint64_t refusals; // publishes that were answered with an error
};

void world_create(struct world *world, uint64_t seed, bool calm);
void world_destroy(struct world *world);

/* Lives until everything is published, worked off and checked, or the disk is off. False when it is off. */
bool world_live(struct world *world);
/* After world_live was false: the process and the power are gone, and back. */
void world_crash_and_restart(struct world *world, bool only_killed);
