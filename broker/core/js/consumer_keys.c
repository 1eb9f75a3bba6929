// SPDX-License-Identifier: Apache-2.0
#include "consumer_keys.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <utlist.h>

struct consumer_key *consumer_key_take(struct consumer *consumer, struct rill_bytes subject)
{
    struct consumer_key *key = NULL;
    if (!consumer->limits->ack_pending_per_subject_max)
        return NULL;
    HASH_FIND(by_subject, consumer->keys, subject.data, subject.len, key);
    if (key)
        return key;
    key = rill_alloc_zero(1, sizeof *key + subject.len);
    key->subject_len = subject.len;
    memcpy(key->subject, subject.data, subject.len);
    HASH_ADD_KEYPTR(by_subject, consumer->keys, key->subject, key->subject_len, key);
    return key;
}

void consumer_key_release(struct consumer *consumer, struct consumer_key *key)
{
    if (!key || key->out || key->parked)
        return;
    HASH_DELETE(by_subject, consumer->keys, key);
    free(key);
}

bool consumer_key_is_full(const struct consumer *consumer, const struct consumer_key *key)
{
    return key->out >= consumer->limits->ack_pending_per_subject_max;
}

// ---- entries and their keys ----

void consumer_key_enter(struct consumer_key *key, struct outstanding *entry)
{
    RILL_ASSERT(!entry->key);
    entry->key = key;
    key->out++;
}

struct outstanding *consumer_key_leave(struct consumer *consumer, struct outstanding *entry, bool was_parked)
{
    struct consumer_key *key = entry->key;
    struct outstanding *next = NULL;
    if (!key)
        return NULL;
    entry->key = NULL;
    if (!was_parked) {
        RILL_ASSERT(key->out > 0);
        key->out--;
        next = key->parked;
    }
    if (next)
        key->out++;
    consumer_key_release(consumer, key);
    return next;
}

static void wait_for_turn(struct consumer_key *key, struct outstanding *entry)
{
    RILL_ASSERT(entry->state == OUTSTANDING_PARKED && !entry->key);
    entry->key = key;
    DL_APPEND2(key->parked, entry, queue_prev, queue_next);
}

void consumer_park(struct consumer *consumer, struct consumer_key *key)
{
    RILL_ASSERT(consumer_key_is_full(consumer, key));
    wait_for_turn(key, consumer_add_parked(consumer));
}

// ---- after a restart ----

static void prepend_unkeyed(struct consumer *consumer, bool parked)
{
    struct outstanding *first = consumer->outstanding.first;
    for (struct outstanding *entry = first ? first->prev : NULL; entry;
         entry = entry == first ? NULL : entry->prev) {
        if ((entry->state == OUTSTANDING_PARKED) == parked)
            LL_PREPEND2(consumer->unkeyed, entry, unkeyed_next);
    }
}

void consumer_keys_forget(struct consumer *consumer)
{
    if (!consumer->limits->ack_pending_per_subject_max)
        return;
    // Those that were delivered take their places first.
    prepend_unkeyed(consumer, true);
    prepend_unkeyed(consumer, false);
}

const struct outstanding *consumer_next_unkeyed(const struct consumer *consumer)
{
    return consumer->unkeyed;
}

void consumer_set_key(struct consumer *consumer, struct rill_bytes subject)
{
    struct outstanding *entry = consumer->unkeyed;
    struct consumer_key *key = consumer_key_take(consumer, subject);
    RILL_ASSERT(entry && key);
    consumer->unkeyed = entry->unkeyed_next;
    entry->unkeyed_next = NULL;
    if (entry->state == OUTSTANDING_PARKED && consumer_key_is_full(consumer, key)) {
        wait_for_turn(key, entry);
        return;
    }
    if (entry->state == OUTSTANDING_PARKED)
        consumer_make_ready(consumer, entry);
    consumer_key_enter(key, entry);
}
