// SPDX-License-Identifier: Apache-2.0
#include "store_oracle.h"

#include "base/alloc.h"

#include <stdlib.h>

void oracle_fini(struct oracle *oracle)
{
    free(oracle->messages);
}

const struct oracle_message *oracle_find(const struct oracle *oracle, enum plane plane, uint64_t sequence)
{
    if (!sequence || sequence > oracle->last[plane])
        return NULL;
    const struct oracle_message *message = &oracle->messages[sequence - 1];
    return message->gone[plane] ? NULL : message;
}

struct oracle_state oracle_state(const struct oracle *oracle, enum plane plane)
{
    struct oracle_state state = {.first_sequence = oracle->last[plane] + 1};
    for (uint64_t sequence = oracle->last[plane]; sequence; sequence--) {
        const struct oracle_message *message = oracle_find(oracle, plane, sequence);
        if (!message)
            continue;
        state.first_sequence = sequence;
        state.first_time_ns = message->time_ns;
        state.messages++;
        state.bytes += message->record_bytes;
    }
    state.last_time_ns = oracle->last[plane] ? oracle->messages[oracle->last[plane] - 1].time_ns : 0;
    return state;
}

uint64_t oracle_newest(const struct oracle *oracle, uint64_t count)
{
    uint64_t newest = oracle->last[OPEN] + 1;
    for (uint64_t sequence = oracle->last[OPEN]; sequence && count; sequence--) {
        if (!oracle_find(oracle, OPEN, sequence))
            continue;
        newest = sequence;
        count--;
    }
    return newest;
}

uint64_t oracle_append(struct oracle *oracle, const struct oracle_message *message)
{
    const uint64_t sequence = ++oracle->last[OPEN];
    if (sequence > oracle->capacity) {
        oracle->capacity = oracle->capacity ? oracle->capacity * 2 : 1024;
        oracle->messages = rill_alloc_resize(oracle->messages, oracle->capacity, sizeof oracle->messages[0]);
    }
    oracle->messages[sequence - 1] = *message;
    return sequence;
}

void oracle_remove(struct oracle *oracle, uint64_t sequence)
{
    oracle->messages[sequence - 1].gone[OPEN] = true;
}

uint64_t oracle_purge(struct oracle *oracle, uint64_t first_kept)
{
    uint64_t count = 0;
    for (uint64_t sequence = 1; sequence < first_kept && sequence <= oracle->last[OPEN]; sequence++) {
        count += oracle_find(oracle, OPEN, sequence) != NULL;
        oracle_remove(oracle, sequence);
    }
    return count;
}

uint64_t oracle_keep(struct oracle *oracle, uint64_t messages_max, uint64_t bytes_max)
{
    struct oracle_state state = oracle_state(oracle, OPEN);
    uint64_t sequence = state.first_sequence, removed = 0;
    for (; (messages_max && state.messages > messages_max) || (bytes_max && state.bytes > bytes_max);
         sequence++) {
        const struct oracle_message *message = oracle_find(oracle, OPEN, sequence);
        if (!message)
            continue;
        state.messages--;
        state.bytes -= message->record_bytes;
        oracle_remove(oracle, sequence);
        removed++;
    }
    return removed;
}

void oracle_keep_subjects(struct oracle *oracle, uint64_t messages_max)
{
    enum { SUBJECTS_MAX = 64 };
    uint64_t counts[SUBJECTS_MAX] = {0};
    for (uint64_t sequence = oracle->last[OPEN]; messages_max && sequence; sequence--) {
        const struct oracle_message *message = oracle_find(oracle, OPEN, sequence);
        if (message && ++counts[message->subject % SUBJECTS_MAX] > messages_max)
            oracle_remove(oracle, sequence);
    }
}

uint64_t oracle_expire(struct oracle *oracle, int64_t time_ns)
{
    uint64_t removed = 0;
    for (uint64_t sequence = 1; sequence <= oracle->last[OPEN]; sequence++) {
        if (!oracle_find(oracle, OPEN, sequence) || oracle->messages[sequence - 1].time_ns > time_ns)
            continue;
        oracle_remove(oracle, sequence);
        removed++;
    }
    return removed;
}

static void copy_plane(struct oracle *oracle, enum plane to, enum plane from)
{
    for (uint64_t i = 0; i < oracle->last[from]; i++)
        oracle->messages[i].gone[to] = oracle->messages[i].gone[from];
    oracle->last[to] = oracle->last[from];
}

void oracle_start(struct oracle *oracle)
{
    copy_plane(oracle, STARTED, OPEN);
}

void oracle_commit(struct oracle *oracle)
{
    copy_plane(oracle, COMMITTED, STARTED);
}

void oracle_take_back(struct oracle *oracle)
{
    copy_plane(oracle, STARTED, COMMITTED);
    copy_plane(oracle, OPEN, COMMITTED);
}
