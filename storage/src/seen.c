// SPDX-License-Identifier: Apache-2.0
#include "seen.h"

#include "base/alloc.h"
#include "indexing.h"
#include "proto/headers.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

struct seen_id {
    uint64_t sequence;
    int64_t time_ns;
    struct seen_id *prev, *next;
    struct seen_id *older, *newer; // with the same id
    UT_hash_handle hh;             // of the newest one: one hash table has each id once
    size_t len;
    char id[];
};

static void table_add(struct seen *seen, struct seen_id *id)
{
    HASH_ADD_KEYPTR(hh, seen->by_id, id->id, id->len, id);
}

static void table_remove(struct seen *seen, struct seen_id *id)
{
    HASH_DEL(seen->by_id, id);
}

static uint64_t size_of(const struct seen_id *id)
{
    return sizeof *id + id->len;
}

static void remember(struct seen *seen, struct seen_id *id)
{
    seen->bytes += size_of(id);
    struct seen_id *older = NULL;
    HASH_FIND(hh, seen->by_id, id->id, id->len, older);
    if (older) {
        table_remove(seen, older);
        older->newer = id;
        id->older = older;
    }
    table_add(seen, id);
    DL_APPEND(seen->ids, id);
}

static void forget(struct seen *seen, struct seen_id *id)
{
    struct seen_id *older = id->older, *newer = id->newer;
    if (newer)
        newer->older = older;
    else
        table_remove(seen, id);
    if (older)
        older->newer = newer;
    if (older && !newer)
        table_add(seen, older);
    DL_DELETE(seen->ids, id);
    seen->bytes -= size_of(id);
    free(id);
}

/* The index knows these. */
static void forget_fed(struct rill_store *store)
{
    while (store->seen.ids && store->seen.ids->sequence <= store->indexing->fed.sequence)
        forget(&store->seen, store->seen.ids);
}

static void drop_oldest(struct seen *seen)
{
    while (seen->bytes > SEEN_BYTES_MAX) {
        seen->dropped_to = seen->ids->sequence;
        forget(seen, seen->ids);
    }
}

void seen_note(struct rill_store *store, const struct rill_store_message *message)
{
    struct rill_bytes text;
    if (!store->indexing || !store->indexing->options.id_window_ns || !message->headers.len ||
        !rill_headers_find(message->headers, RILL_BYTES("Nats-Msg-Id"), &text) || !text.len)
        return;
    forget_fed(store);
    struct seen_id *id = rill_alloc_zero(1, sizeof *id + text.len);
    id->sequence = message->sequence;
    id->time_ns = message->time_ns;
    id->len = text.len;
    memcpy(id->id, text.data, text.len);
    remember(&store->seen, id);
    drop_oldest(&store->seen);
}

enum rill_err seen_keep(const struct rill_store *store, struct rill_index_ids *ids)
{
    enum rill_err err = RILL_OK;
    const struct seen_id *id;
    DL_FOREACH (store->seen.ids, id) {
        if (err || id->sequence > store->committed.sequence)
            break;
        err = rill_index_ids_add(ids, rill_bytes_of(id->id, id->len), id->sequence, id->time_ns);
    }
    return !err && store->seen.dropped_to > store->indexing->fed.sequence ? RILL_ERR_LIMIT : err;
}

void seen_take_back(struct rill_store *store)
{
    while (store->seen.ids && store->seen.ids->prev->sequence > store->committed.sequence)
        forget(&store->seen, store->seen.ids->prev);
}

void seen_fini(struct seen *seen)
{
    while (seen->ids)
        forget(seen, seen->ids);
}

void rill_store_set_id_window(struct rill_store *store, int64_t id_window_ns)
{
    if (store->indexing)
        indexing_set_id_window(store->indexing, id_window_ns);
}

void seen_obey(struct rill_store *store, const struct rill_store_visitor *visitor)
{
    if (visitor->id_window_ns)
        rill_store_set_id_window(store, *visitor->id_window_ns);
}

enum rill_err rill_store_seen(struct rill_store *store, struct rill_bytes id, int64_t since_ns,
                              uint64_t *ret_sequence)
{
    struct indexing *indexing = store->indexing;
    struct seen_id *found = NULL;
    if (!indexing)
        return RILL_ERR_UNAVAILABLE;
    HASH_FIND(hh, store->seen.by_id, id.data, id.len, found);
    if (found && found->time_ns >= since_ns) {
        *ret_sequence = found->sequence;
        return RILL_OK;
    }
    if (indexing->failed || store->seen.dropped_to > indexing->fed.sequence)
        return RILL_ERR_UNAVAILABLE; // it may be one that was known
    const enum rill_err err = rill_index_seen(indexing->index, id, since_ns, ret_sequence);
    if (err == RILL_OK || err == RILL_ERR_NOT_FOUND)
        return err;
    indexing_trouble(indexing, err, "look for an id");
    return RILL_ERR_UNAVAILABLE;
}
