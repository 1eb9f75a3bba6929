// SPDX-License-Identifier: Apache-2.0
//
// A stream that cannot be wrong: an array of all messages ever appended, and for each whether it is gone. Like
// the store it has three states: behind everything appended, behind what was started, behind what is committed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plane { OPEN, STARTED, COMMITTED, PLANES };

struct oracle_message {
    int64_t time_ns;
    uint32_t subject; // the test's own number of it
    uint32_t id;      // likewise of its id; 0: none
    int ttl;          // seconds; 0: none, less: it lives for ever
    uint32_t payload_bytes;
    uint32_t record_bytes;
    bool gone[PLANES];
};

struct oracle {
    struct oracle_message *messages; // the one with sequence n is at n - 1
    size_t capacity;
    uint64_t last[PLANES]; // sequence
};

struct oracle_state {
    uint64_t first_sequence; // last + 1 when there is none
    uint64_t messages;
    uint64_t bytes;
    int64_t first_time_ns;
    int64_t last_time_ns;
};

void oracle_fini(struct oracle *oracle);

/* NULL when it is not there, or gone. */
const struct oracle_message *oracle_find(const struct oracle *oracle, enum plane plane, uint64_t sequence);
struct oracle_state oracle_state(const struct oracle *oracle, enum plane plane);
/* Sequence of the n-th live message from the end; the first one's when there are fewer; last + 1 for 0. */
uint64_t oracle_newest(const struct oracle *oracle, uint64_t count);

/* Returns its sequence. */
uint64_t oracle_append(struct oracle *oracle, const struct oracle_message *message);
void oracle_remove(struct oracle *oracle, uint64_t sequence);
/* Removes what is below. Returns how many. */
uint64_t oracle_purge(struct oracle *oracle, uint64_t first_kept);

/* Removes the oldest until no more are left. 0: no limit. Returns how many it removed. */
uint64_t oracle_keep(struct oracle *oracle, uint64_t messages_max, uint64_t bytes_max);
/* Of each subject all but the newest so many. 0: no limit. */
void oracle_keep_subjects(struct oracle *oracle, uint64_t messages_max);
/* Removes those of this time and before. */
uint64_t oracle_expire(struct oracle *oracle, int64_t time_ns);

void oracle_start(struct oracle *oracle);
void oracle_commit(struct oracle *oracle);
/* Takes back what is not committed. */
void oracle_take_back(struct oracle *oracle);
