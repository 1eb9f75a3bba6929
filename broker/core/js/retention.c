// SPDX-License-Identifier: Apache-2.0
#include "retention.h"

#include "asked.h"
#include "base/assert.h"
#include "durable.h"
#include "listed.h"
#include "stream.h"
#include "stream_tidy.h"

enum {
    SWEEP_WORK = 2048, // questions, in one turn
    PURGE_MIN = 8,     // as many in a row are removed by one record
    LOADS_MAX = 8,     // at once
};

#define SWEEP_PAUSE_NS RILL_NS_PER_MS

void retention_fini(struct retention *retention)
{
    sequences_fini(&retention->done);
    sequences_fini(&retention->doomed);
    sequences_fini(&retention->open);
    sequences_fini(&retention->flying);
}

static Rill__Retention kind_of(const struct stream *stream)
{
    return stream->record->config->retention;
}

static bool is_by_interest(const struct stream *stream)
{
    return kind_of(stream) == RILL__RETENTION__RETENTION_INTEREST;
}

void retention_listen(struct durable *durable)
{
    struct stream *stream = durable->stream;
    const bool limits = kind_of(stream) == RILL__RETENTION__RETENTION_LIMITS;
    durable->consumer->done = limits ? NULL : &stream->retention.done;
    durable->consumer->keeps_given_up = kind_of(stream) == RILL__RETENTION__RETENTION_WORKQUEUE;
}

void retention_look_at_all(struct stream *stream)
{
    if (stream->state != STREAM_ACTIVE || !is_by_interest(stream))
        return;
    stream->retention.sweep_at = 1;
    stream->commit_wanted = true;
    stream_touch(stream);
}

bool retention_wants(const struct stream *stream, struct rill_bytes subject)
{
    if (!is_by_interest(stream))
        return true;
    for (const struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        if (source_matches(durable, subject))
            return true;
    }
    return false;
}

// ---- who needs a message ----

/* For which it is still to come, or outstanding. AGAIN: what its subject is must be read. */
static enum rill_err needs(const struct durable *durable, uint64_t sequence, bool *ret_needs)
{
    const struct consumer *consumer = durable->consumer;
    *ret_needs = false;
    if (sequence < consumer->cursor) {
        *ret_needs = outstanding_find(&consumer->outstanding, sequence) != NULL;
        return RILL_OK;
    }
    if (durable->source.listed && sequence <= durable->settings->listed_to) {
        *ret_needs = listed_has(durable->source.listed, sequence);
        return RILL_OK;
    }
    *ret_needs = durable->source.takes_all;
    return durable->source.takes_all ? RILL_OK : RILL_ERR_AGAIN;
}

/* First by what is in memory; `*ret_by_subject` is set when somebody might need it for its subject. */
static bool is_needed_surely(const struct stream *stream, uint64_t sequence, bool *ret_by_subject)
{
    *ret_by_subject = false;
    for (const struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        bool needed;
        if (needs(durable, sequence, &needed))
            *ret_by_subject = true;
        else if (needed)
            return true;
    }
    return false;
}

static bool is_needed_for(const struct stream *stream, uint64_t sequence, struct rill_bytes subject)
{
    for (const struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        bool needed;
        if (needs(durable, sequence, &needed) && source_matches(durable, subject))
            return true;
    }
    return false;
}

/* AGAIN: its block must be loaded first. */
static enum rill_err is_needed(const struct stream *stream, uint64_t sequence, bool *ret_needed)
{
    bool by_subject;
    struct rill_store_message message;
    if (!is_by_interest(stream)) {
        *ret_needed = false; // the only one that it was for is done
        return RILL_OK;
    }
    *ret_needed = is_needed_surely(stream, sequence, &by_subject);
    if (*ret_needed || !by_subject)
        return RILL_OK;
    const enum rill_err err = rill_store_read(stream->store, sequence, &message);
    *ret_needed = !err && is_needed_for(stream, sequence, message.subject);
    return err == RILL_ERR_AGAIN ? err : RILL_OK;
}

/* From `done` to `doomed` go those that nobody else needs. Those that wait for a block stay. */
static void sift(struct stream *stream)
{
    struct sequences *done = &stream->retention.done;
    size_t kept = 0;
    for (size_t at = 0; at < done->count; at++) {
        const uint64_t sequence = done->items[at];
        bool needed = false;
        if (kept == LOADS_MAX || is_needed(stream, sequence, &needed)) {
            if (kept < LOADS_MAX)
                asked_load(stream, sequence);
            done->items[kept++] = sequence;
        } else if (!needed) {
            sequences_add(&stream->retention.doomed, sequence);
        }
    }
    done->count = kept;
}

// ---- removing ----

void retention_drop(struct stream *stream, uint64_t sequence)
{
    // It is in the tail: nothing has to be loaded. Without room it goes later; nobody is to see it anyway.
    if (rill_store_append_delete(stream->store, sequence))
        sequences_add(&stream->retention.doomed, sequence);
}

/* How many at the front of the list are the first messages of the stream, one after the other. */
static size_t count_front(const struct stream *stream)
{
    const struct sequences *doomed = &stream->retention.doomed;
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    const uint64_t floor =
        log.first_sequence > stream->retention.floor ? log.first_sequence : stream->retention.floor;
    size_t count = 0;
    if (doomed->count == 0 || doomed->items[0] > floor)
        return 0;
    while (count < doomed->count && doomed->items[count] == doomed->items[0] + count)
        count++;
    return count;
}

/* The first messages go by one record. `*ret_count` entries of the list are dealt with. */
static enum rill_err remove_front(struct stream *stream, size_t *ret_count)
{
    struct retention *retention = &stream->retention;
    struct rill_store_purged purged = {0};
    const size_t count = count_front(stream);
    *ret_count = 0;
    if (count < PURGE_MIN)
        return RILL_OK;
    const uint64_t first_kept = retention->doomed.items[count - 1] + 1;
    const enum rill_err err = rill_store_append_purge(stream->store, first_kept, &purged);
    if (err == RILL_ERR_AGAIN)
        asked_load(stream, purged.load_sequence);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++)
        sequences_add(&retention->open, retention->doomed.items[i]);
    retention->floor = first_kept;
    *ret_count = count;
    return RILL_OK;
}

/* OK also when it is gone already. */
static enum rill_err remove_one(struct stream *stream, uint64_t sequence)
{
    const enum rill_err err = rill_store_append_delete(stream->store, sequence);
    if (!err)
        sequences_add(&stream->retention.open, sequence);
    return err == RILL_ERR_NOT_FOUND || err == RILL_ERR_DAMAGED ? RILL_OK : err;
}

/* Those that wait for a block stay in the list; with no room all that are left. */
static enum rill_err remove_doomed(struct stream *stream)
{
    struct sequences *doomed = &stream->retention.doomed;
    size_t at = 0;
    size_t kept = 0;
    if (doomed->count == 0)
        return RILL_OK;
    sequences_sort(doomed);
    enum rill_err err = remove_front(stream, &at);
    while (!err && at < doomed->count) {
        const uint64_t sequence = doomed->items[at];
        err = remove_one(stream, sequence);
        if (err == RILL_ERR_AGAIN && kept < LOADS_MAX) {
            asked_load(stream, sequence);
            doomed->items[kept++] = sequence;
            err = RILL_OK;
        }
        at += !err;
    }
    memmove(doomed->items + kept, doomed->items + at, (doomed->count - at) * sizeof doomed->items[0]);
    doomed->count = kept + doomed->count - at;
    return err ? err : doomed->count ? RILL_ERR_AGAIN : RILL_OK;
}

// ---- the sweep ----

/* Is this message for a consumer that has not delivered it yet, or does one wait for its acknowledgement? */
static enum rill_err is_awaited(struct durable *durable, uint64_t sequence, bool *ret_awaited)
{
    uint64_t next = 0;
    if (sequence < durable->consumer->cursor) {
        *ret_awaited = outstanding_find(&durable->consumer->outstanding, sequence) != NULL;
        return RILL_OK;
    }
    const enum rill_err err = source_next(durable, sequence, &next);
    *ret_awaited = !err && next == sequence;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err look_at_one(struct stream *stream, uint64_t sequence, uint32_t *work)
{
    for (struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        bool awaited;
        const enum rill_err err = is_awaited(durable, sequence, &awaited);
        if (err || awaited)
            return err;
        ++*work;
    }
    sequences_add(&stream->retention.doomed, sequence);
    return RILL_OK;
}

/* Somebody is to see everything from here on. */
static bool is_all_awaited(const struct stream *stream, uint64_t sequence)
{
    for (const struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        if (durable->source.takes_all && !durable->source.listed && durable->consumer->cursor <= sequence)
            return true;
    }
    return false;
}

/* Some messages more; what is found is removed with the next commit. */
static enum rill_err sweep_some(struct stream *stream)
{
    uint64_t *at = &stream->retention.sweep_at;
    enum rill_err err = RILL_OK;
    for (uint32_t work = 0; *at && work < SWEEP_WORK; work++) {
        uint64_t sequence;
        if (rill_store_next(source_everything(stream), *at, &sequence) || is_all_awaited(stream, sequence)) {
            *at = 0;
            return RILL_OK;
        }
        err = look_at_one(stream, sequence, &work);
        if (err)
            return err;
        *at = sequence + 1;
    }
    return *at ? RILL_ERR_AGAIN : RILL_OK;
}

/* Nobody is there: nothing stays. */
static enum rill_err remove_all(struct stream *stream)
{
    struct rill_store_purged purged = {0};
    const enum rill_err err = rill_store_append_purge(stream->store, stream->last_appended + 1, &purged);
    if (!err)
        stream->retention.sweep_at = 0;
    return err;
}

static void sweep(struct stream *stream)
{
    if (!stream->retention.sweep_at || stream->state != STREAM_ACTIVE)
        return;
    const enum rill_err err = stream->durables ? sweep_some(stream) : remove_all(stream);
    if (err == RILL_ERR_AGAIN)
        stream_await_index(stream);
    if (stream->retention.sweep_at)
        stream_due_within(stream, SWEEP_PAUSE_NS);
}

// ---- commits ----

enum rill_err retention_append(struct stream *stream)
{
    struct retention *retention = &stream->retention;
    if (kind_of(stream) == RILL__RETENTION__RETENTION_LIMITS)
        retention->done.count = retention->doomed.count = retention->sweep_at =
            0; // it was another one before
    if (!retention_owes(retention) && !retention->sweep_at)
        return RILL_OK;
    sift(stream);
    sweep(stream);
    const enum rill_err err = remove_doomed(stream);
    const bool waits = retention->done.count > 0;
    return err ? err : waits ? RILL_ERR_AGAIN : RILL_OK;
}

void retention_committing(struct retention *retention)
{
    RILL_ASSERT(retention->flying.count == 0);
    const struct sequences empty = retention->flying;
    retention->flying = retention->open;
    retention->open = empty;
}

void retention_committed(struct retention *retention)
{
    retention->flying.count = 0;
}

void retention_take_back(struct stream *stream)
{
    struct retention *retention = &stream->retention;
    sequences_move(&retention->doomed, &retention->flying);
    sequences_move(&retention->doomed, &retention->open);
    retention->floor = 0;
    retention_look_at_all(stream); // also what was removed without being in a list
}
