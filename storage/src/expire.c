// SPDX-License-Identifier: Apache-2.0
//
// What has become too old: by the stream's max_age, and by the time to live of a message.
//
// Age alone needs no look at the messages: one purge takes them all. As soon as somebody wants to hear which messages
// went, or one of them may be kept for ever by its header, they are taken one by one, some hundred in each call, as those
// are whose own time is over: the index knows these by their time.
#include "store_impl.h"

#include "base/clock.h"
#include "indexing.h"
#include "proto/message_ttl.h"

enum { EXPIRE_MAX = 256 }; // messages of a call, for each of the two reasons

struct expiring {
    struct rill_store *store;
    int64_t now_ns;
    rill_store_gone_fn *visit;
    void *context;
    struct rill_store_expired *ret;
};

static void come_back(struct expiring *expiring, int64_t at_ns)
{
    if (at_ns < expiring->ret->next_ns)
        expiring->ret->next_ns = at_ns;
}

// ---- one message ----

static enum rill_err tell(struct expiring *expiring, uint64_t sequence, struct rill_bytes subject,
                          struct rill_bytes headers)
{
    struct rill_store *store = expiring->store;
    uint64_t count = 1;
    const enum rill_err err =
        store->indexing && !store->indexing->failed ? open_subjects_count(store, subject, &count) : RILL_OK;
    const struct rill_store_gone gone = {sequence, subject, headers, !err && !count};
    expiring->visit(expiring->context, &gone);
    return err == RILL_ERR_UNAVAILABLE ? RILL_OK : err;
}

/* Whose record is at `message`, in memory. */
static enum rill_err take(struct expiring *expiring, uint64_t sequence, const uint8_t *message)
{
    const struct record record = record_view(message);
    struct rill_buf copy; // the delete may take the message's room
    rill_buf_init(&copy, record.size);
    enum rill_err err = rill_buf_append(&copy, record.subject);
    if (!err)
        err = rill_buf_append(&copy, record.headers);
    if (!err)
        err = rill_store_append_delete(expiring->store, sequence);
    if (!err)
        expiring->ret->messages++;
    if (!err && expiring->visit)
        err = tell(expiring, sequence, rill_bytes_of(copy.data, record.subject.len),
                   rill_bytes_of(copy.data + record.subject.len, record.headers.len));
    rill_buf_fini(&copy);
    return err;
}

/* NOT_FOUND when there is none (any more), or it cannot be read. */
static enum rill_err find(struct expiring *expiring, uint64_t sequence, const uint8_t **ret_message)
{
    struct block *block;
    const enum rill_err err = store_find_message(expiring->store, sequence, &block, ret_message);
    if (err == RILL_ERR_AGAIN)
        expiring->ret->load_sequence = sequence;
    return err == RILL_ERR_DAMAGED || err == RILL_ERR_IO ? RILL_ERR_NOT_FOUND : err;
}

// ---- by age ----

static enum rill_err purge_old(struct expiring *expiring, int64_t age_ns)
{
    struct rill_store *store = expiring->store;
    struct rill_store_purged purged = {0};
    struct store_young young;
    enum rill_err err = store_find_young(store, LIVE_OPEN, expiring->now_ns - age_ns, &young);
    purged.load_sequence = young.floor;
    if (!err && young.floor > store->open.floor)
        err = rill_store_append_purge(store, young.floor, &purged);
    if (err) {
        expiring->ret->load_sequence = purged.load_sequence;
        return err;
    }
    expiring->ret->messages += purged.messages;
    if (young.time_ns < RILL_NEVER_NS - age_ns)
        come_back(expiring, young.time_ns + age_ns);
    return RILL_OK;
}

static bool is_for_ever(const struct rill_store *store, const struct record *record)
{
    return store->limits.set.message_ttl && rill_message_ttl_of(record->headers) == RILL_MESSAGE_TTL_NEVER_NS;
}

/* Is it young still? Its time is remembered, so that its block need not be in memory until it is old. */
static bool is_young(struct expiring *expiring, uint64_t sequence, int64_t time_ns)
{
    struct limits *limits = &expiring->store->limits;
    const int64_t age_ns = limits->set.max_age_ns;
    if (time_ns <= expiring->now_ns - age_ns)
        return false;
    limits->young_sequence = sequence;
    limits->young_time_ns = time_ns;
    come_back(expiring, time_ns < RILL_NEVER_NS - age_ns ? time_ns + age_ns : RILL_NEVER_NS);
    return true;
}

/* The oldest one is `sequence`. */
static enum rill_err take_oldest(struct expiring *expiring, uint64_t sequence, bool *ret_young)
{
    struct rill_store *store = expiring->store;
    struct limits *limits = &store->limits;
    const uint8_t *message;
    *ret_young = sequence == limits->young_sequence && is_young(expiring, sequence, limits->young_time_ns);
    enum rill_err err = *ret_young ? RILL_OK : find(expiring, sequence, &message);
    if (*ret_young || (err && err != RILL_ERR_NOT_FOUND))
        return err;
    if (!err) {
        const struct record record = record_view(message);
        *ret_young = is_young(expiring, sequence, record.time_ns);
        if (!*ret_young && !is_for_ever(store, &record))
            err = take(expiring, sequence, message);
    }
    if (!*ret_young && (!err || err == RILL_ERR_NOT_FOUND))
        limits->aged_sequence = sequence + 1;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

/* The oldest message behind those that are for ever. */
static uint64_t oldest(struct rill_store *store)
{
    const uint64_t aged = store->limits.aged_sequence;
    return store_next_live(store, LIVE_OPEN, aged > store->open.floor ? aged : store->open.floor);
}

static enum rill_err take_old(struct expiring *expiring)
{
    struct rill_store *store = expiring->store;
    bool is_done = false;
    enum rill_err err = RILL_OK;
    for (int i = 0; !err && !is_done && i < EXPIRE_MAX; i++) {
        const uint64_t sequence = oldest(store);
        is_done = sequence > store->open.sequence;
        err = is_done ? RILL_OK : take_oldest(expiring, sequence, &is_done);
    }
    if (!err && !is_done)
        come_back(expiring, expiring->now_ns);
    return err;
}

static enum rill_err expire_by_age(struct expiring *expiring)
{
    const struct rill_store_limits *set = &expiring->store->limits.set;
    if (set->max_age_ns <= 0)
        return RILL_OK;
    return expiring->visit || set->message_ttl ? take_old(expiring) : purge_old(expiring, set->max_age_ns);
}

// ---- by a time of their own ----

/* Those that the index still has and that are gone already are passed over; when the page is full of them, the rest can
   only be seen when they have gone from the index, too. */
static enum rill_err take_page(struct expiring *expiring, const struct rill_index_expiry *page, size_t count)
{
    const uint64_t before = expiring->ret->messages;
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < count; i++) {
        const uint8_t *message;
        err = find(expiring, page[i].sequence, &message);
        err = err ? err : take(expiring, page[i].sequence, message);
        err = err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    }
    return !err && count == EXPIRE_MAX && expiring->ret->messages == before ? RILL_ERR_AGAIN : err;
}

static enum rill_err expire_by_ttl(struct expiring *expiring)
{
    struct rill_store *store = expiring->store;
    struct rill_index_expiry page[EXPIRE_MAX];
    size_t count = 0;
    int64_t next_ns = RILL_NEVER_NS;
    enum rill_err err = store_query_result(store, rill_index_expired(store->indexing->index, expiring->now_ns,
                                                                     page, EXPIRE_MAX, &count, &next_ns));
    if (err)
        return err;
    err = take_page(expiring, page, count);
    come_back(expiring, count == EXPIRE_MAX ? expiring->now_ns : next_ns);
    return err;
}

// ---- both ----

/* The index is needed for the one, and to say whether a message was the last of its subject. */
static enum rill_err ready(struct expiring *expiring)
{
    struct rill_store *store = expiring->store;
    if (!expiring->visit && !store->limits.set.message_ttl)
        return RILL_OK;
    const enum rill_err err = store_query_ready(store);
    return !err && expiring->visit ? open_subjects_begin(store) : err;
}

enum rill_err rill_store_expire(struct rill_store *store, int64_t now_ns, rill_store_gone_fn *visit,
                                void *context, struct rill_store_expired *ret)
{
    struct expiring expiring = {store, now_ns, visit, context, ret};
    *ret = (struct rill_store_expired){.next_ns = RILL_NEVER_NS};
    enum rill_err err = ready(&expiring);
    const bool has_index = !err;
    if (!err || err == RILL_ERR_UNAVAILABLE)
        err = expire_by_age(&expiring);
    if (!err && has_index && store->limits.set.message_ttl)
        err = expire_by_ttl(&expiring);
    return err == RILL_ERR_UNAVAILABLE ? RILL_OK : err;
}
