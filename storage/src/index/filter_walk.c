// SPDX-License-Identifier: Apache-2.0
//
// Walking: one message after the other, with a memory of which subjects match. For filters that match so many
// subjects that the next message is as a rule near.
#include "index_internal.h"

#include <stdlib.h>

struct walk {
    struct rill_index_filter *filter;
    uint64_t from, to; // [from, to)
    bool counting;
    uint64_t count;
    uint64_t found;   // when count is 1 and nothing is counted
    uint64_t reached; // messages before it were looked at
};

enum { KNOWN = 1, MATCHES = 2 };

/* What is known about the batch before it in this place is forgotten. */
static struct filter_known *known_of(struct rill_index_filter *filter, uint64_t serial)
{
    struct filter_known *known = &filter->known[serial ? 1 + serial % 2 : 0];
    if (known->serial != serial) {
        if (known->bits)
            memset(known->bits, 0, known->capacity / 4);
        known->serial = serial;
    }
    return known;
}

/* Room for one more subject; false above the limit, or when memory is out: then nothing is remembered. */
static bool known_grow(struct filter_known *known, uint64_t id)
{
    if (id < known->capacity)
        return true;
    if (id >= FILTER_KNOWN_MAX)
        return false;
    uint64_t capacity = known->capacity ? known->capacity : 1024;
    while (capacity <= id)
        capacity *= 2;
    uint8_t *bits = realloc(known->bits, capacity / 4);
    if (!bits)
        return false;
    memset(bits + known->capacity / 4, 0, (capacity - known->capacity) / 4);
    known->bits = bits;
    known->capacity = capacity;
    return true;
}

static unsigned known_get(const struct filter_known *known, uint64_t id)
{
    return id < known->capacity ? ((unsigned)known->bits[id / 4] >> (id % 4 * 2)) & 3u : 0;
}

static bool known_set(struct filter_known *known, uint64_t id, bool matches)
{
    if (known_grow(known, id))
        known->bits[id / 4] |= (uint8_t)((KNOWN | (matches ? MATCHES : 0)) << id % 4 * 2);
    return matches;
}

static enum rill_err id_ask(struct rill_index_filter *filter, uint64_t id, bool *ret)
{
    sqlite3_stmt *row = index_db_use(&filter->index->db, INDEX_SUBJECT_TEXT);
    index_bind(row, 1, id);
    const enum rill_err err = index_db_row(row);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    *ret = known_set(known_of(filter, 0), id, rill_index_filter_matches(filter, index_column_bytes(row, 5)));
    return RILL_OK;
}

static inline enum rill_err id_matches(struct rill_index_filter *filter, uint64_t id, bool *ret)
{
    if (!filter_walks(filter)) {
        *ret = filter_has_match(filter, id);
        return RILL_OK;
    }
    const unsigned known = known_get(&filter->known[0], id);
    *ret = known & MATCHES;
    if (known)
        return RILL_OK;
    if (filter->prepared && !filter->many) {
        *ret = known_set(known_of(filter, 0), id, filter_has_match(filter, id));
        return RILL_OK;
    }
    filter->work -= WORK_LOOKUP;
    return id_ask(filter, id, ret);
}

static bool local_matches(struct rill_index_filter *filter, struct filter_known *known,
                          const struct batch *batch, uint32_t subject)
{
    const unsigned bits = known_get(known, subject);
    return bits ? bits & MATCHES
                : known_set(known, subject, rill_index_filter_matches(filter, batch->subjects[subject].text));
}

/* Takes a match. True when the walk is at its end. */
static bool walk_take(struct walk *walk, uint64_t sequence)
{
    walk->count++;
    walk->found = sequence;
    return !walk->counting;
}

/* Is this message of the file a match, and there still? */
static enum rill_err walk_look(struct walk *walk, uint64_t sequence, uint64_t id, bool *ret)
{
    struct rill_index *index = walk->filter->index;
    bool deleted = false;
    enum rill_err err = id_matches(walk->filter, id, ret);
    if (err || !*ret || !(index->active->deleted_count || (index->ready && index->ready->deleted_count)))
        return err;
    walk->filter->work -= WORK_LOOKUP;
    err = lookup_db_deleted(index, id, sequence, &deleted);
    *ret = !deleted;
    return err;
}

static enum rill_err walk_block(struct walk *walk, sqlite3_stmt *row, bool *ret_done)
{
    struct block_walk block = block_walk_of(row);
    uint64_t sequence, id;
    enum rill_err err;
    while (!(err = block_walk_next(&block, &sequence, &id)) && sequence < walk->to) {
        bool matches;
        if (sequence < walk->reached)
            continue;
        err = walk_look(walk, sequence, id, &matches);
        if (err)
            return err;
        walk->reached = sequence + 1;
        if (matches && walk_take(walk, sequence)) {
            *ret_done = true;
            return RILL_OK;
        }
        if (--walk->filter->work <= 0)
            return RILL_ERR_AGAIN;
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err walk_db(struct walk *walk, bool *ret_done)
{
    struct rill_index *index = walk->filter->index;
    enum rill_err err = RILL_OK;
    while (!err && !*ret_done && walk->reached < walk->to && walk->reached <= index->db_last) {
        sqlite3_stmt *row = index_db_use(&index->db, INDEX_BLOCK_AT);
        index_bind(row, 1, walk->reached);
        err = index_db_row(row);
        if (err)
            break;
        const uint64_t end = index_column(row, 0) + 1;
        walk->filter->work -= WORK_BLOCK;
        err = walk_block(walk, row, ret_done);
        if (!err && !*ret_done && walk->reached < end)
            walk->reached = end < walk->to ? end : walk->to;
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err walk_batch(struct walk *walk, const struct batch *batch, bool *ret_done)
{
    struct rill_index *index = walk->filter->index;
    struct filter_known *known = known_of(walk->filter, batch->serial);
    for (uint32_t i = batch_message_at(batch, walk->reached); i < batch->message_count; i++) {
        const struct batch_message *message = &batch->messages[i];
        const uint64_t sequence = batch->base + message->offset;
        if (sequence >= walk->to)
            return RILL_OK;
        if (--walk->filter->work <= 0 && sequence > walk->from) {
            walk->reached = sequence;
            return RILL_ERR_AGAIN;
        }
        walk->reached = sequence + 1;
        if (message->subject == BATCH_NONE)
            continue;
        const struct batch_subject *subject = &batch->subjects[message->subject];
        if (!local_matches(walk->filter, known, batch, message->subject) ||
            (batch != index->active && index->active->deleted_count &&
             batch_has_deleted(batch_find(index->active, subject->text), sequence)))
            continue;
        if (walk_take(walk, sequence)) {
            *ret_done = true;
            return RILL_OK;
        }
    }
    return RILL_OK;
}

static enum rill_err walk_all(struct walk *walk)
{
    const struct rill_index *index = walk->filter->index;
    bool done = walk->from >= walk->to;
    walk->reached = walk->from;
    enum rill_err err = done ? RILL_OK : walk_db(walk, &done);
    if (!err && !done && index->ready && index->ready->message_count)
        err = walk_batch(walk, index->ready, &done);
    if (!err && !done && index->active->message_count)
        err = walk_batch(walk, index->active, &done);
    if (!err && !done)
        walk->reached = walk->to;
    return err;
}

enum rill_err walk_next(struct rill_index_filter *filter, uint64_t from, uint64_t to, uint64_t *ret_sequence)
{
    const bool known = from >= filter->none_from && from <= filter->none_to && filter->none_to;
    struct walk walk = {.filter = filter, .from = known ? filter->none_to : from, .to = to};
    const enum rill_err err = walk_all(&walk);
    if (err && err != RILL_ERR_AGAIN)
        return err;
    const uint64_t end = walk.count ? walk.found : err ? walk.reached : to;
    filter->none_from = known ? filter->none_from : from;
    filter->none_to = known && filter->none_to > end ? filter->none_to : end;
    if (err)
        return err;
    if (!walk.count)
        return RILL_ERR_NOT_FOUND;
    *ret_sequence = walk.found;
    return RILL_OK;
}

enum rill_err walk_count(struct rill_index_filter *filter, uint64_t from, uint64_t to, uint64_t *ret_count,
                         uint64_t *ret_reached)
{
    struct walk walk = {.filter = filter, .from = from, .to = to, .counting = true};
    const enum rill_err err = walk_all(&walk);
    if (!err || err == RILL_ERR_AGAIN) {
        *ret_count = walk.count;
        *ret_reached = walk.reached;
    }
    return err;
}
