// SPDX-License-Identifier: Apache-2.0
#include "store_story_content.h"

#include "base/assert.h"
#include "store_drive.h"

#include <stdio.h>
#include <string.h>

void story_init(struct story *story, uint64_t seed)
{
    // In every third story a commit may be larger than a segment.
    *story = (struct story){.random = {seed}, .payload_max = seed % 3 ? 600 : 4000, .next_id = 1};
}

void story_content_of(const struct story *story, uint64_t id, struct story_content *ret)
{
    struct rill_random random = {id * 7919};
    const size_t subject_len =
        (size_t)snprintf(ret->subject, sizeof ret->subject, "orders.%u", rill_random_below(&random, 1000));
    const size_t headers_len = id % 3 ? 0
                                      : (size_t)snprintf(ret->headers, sizeof ret->headers,
                                                         "NATS/1.0\r\nId: %lu\r\n\r\n", (unsigned long)id);
    const uint32_t max = id % 7 ? story->payload_max / 8 : story->payload_max;
    const size_t payload_len = rill_random_below(&random, max + 1);
    RILL_ASSERT(payload_len <= sizeof ret->payload);
    for (size_t i = 0; i < payload_len; i++)
        ret->payload[i] = (uint8_t)("abcdefgh"[rill_random_below(&random, 8)]); // may be compressed
    ret->message = (struct rill_store_message){
        .time_ns = (int64_t)(1000 + id * 10 - rill_random_below(&random, 100)),
        .subject = rill_bytes_of(ret->subject, subject_len),
        .headers = rill_bytes_of(ret->headers, headers_len),
        .payload = rill_bytes_of(ret->payload, payload_len),
    };
}

enum rill_store_event story_event_type_of(uint64_t id)
{
    return (enum rill_store_event)(RILL_STORE_EVENT_STREAM_CONFIG + id % 4);
}

static enum rill_err story_checkpoint(void *context, struct rill_buf *out)
{
    const struct story *story = context;
    return rill_buf_appendf(out, "after %zu records", story->count);
}

struct rill_store_options story_options(struct story *story, struct rill_disk *disk, const char *folder)
{
    return (struct rill_store_options){
        .disk = disk,
        .folder = folder,
        .checkpoint = story_checkpoint,
        .checkpoint_context = story,
        .segment_bytes = 16 << 10,
        .commit_bytes_max = 24 << 10,
        .cache_bytes_max = 64 << 10,
        .compress = story->compress,
        .spares = true,
        .index = story->with_index,
        .id_window_ns = INT64_MAX,
        .index_log_bytes = 24 << 10,
    };
}

enum rill_err story_create_store(struct story *story, const struct rill_store_options *options,
                                 struct rill_store **ret_store)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "a stream's name";
    struct rill_error_text why;
    story->count = story->started = story->committed = 0;
    return rill_store_create(options, identity, RILL_BYTES("after 0 records"), ret_store, &why);
}

static enum rill_err append_message(struct story *story, struct rill_store *store,
                                    struct story_record *record)
{
    struct story_content content;
    story_content_of(story, record->id, &content);
    const enum rill_err err = rill_store_append(store, &content.message);
    record->is_message = true;
    record->sequence = content.message.sequence;
    record->time_ns = content.message.time_ns;
    return err;
}

static enum rill_err append_event(struct story *story, struct rill_store *store, struct story_record *record)
{
    struct story_content content;
    struct rill_store_state state;
    story_content_of(story, record->id, &content);
    rill_store_state(store, &state);
    record->sequence = state.open_sequence;
    return rill_store_append_event(store, story_event_type_of(record->id), content.message.payload);
}

static enum rill_err story_append(struct story *story, struct rill_store *store)
{
    if (story->count == STORY_RECORDS_MAX)
        return RILL_OK;
    struct story_record record = {.id = story->next_id++};
    const enum rill_err err = rill_random_chance(&story->random, 1, 6)
                                  ? append_event(story, store, &record)
                                  : append_message(story, store, &record);
    if (!err)
        story->records[story->count++] = record;
    return err == RILL_ERR_LIMIT ? RILL_OK : err;
}

bool story_is_removed(const struct story *story, size_t count, uint64_t sequence)
{
    for (size_t i = 0; i < count; i++)
        if (story->records[i].removed_first && story->records[i].removed_first <= sequence &&
            sequence <= story->records[i].removed_last)
            return true;
    return false;
}

static void background_end(struct story *story, struct rill_store *store)
{
    if (!story->background)
        return;
    if (!story->background_was_run)
        rill_store_job_run(story->background);
    struct rill_store_state before, after;
    rill_store_state(store, &before);
    const enum rill_err err = rill_store_background_finish(store, story->background);
    rill_store_state(store, &after); // what stays is done later
    story->rewritten += !err && before.rewriting && !after.rewriting;
    story->background = NULL;
}

/* A directory went with the index. */
static enum rill_err mend(struct story *story, struct rill_store *store)
{
    background_end(story, store);
    const enum rill_err err = drive_mend(store);
    return err == RILL_ERR_UNAVAILABLE ? RILL_OK : err == RILL_ERR_NOT_FOUND ? RILL_ERR_IO : err;
}

/* What goes on in the background may begin between the start and the end of a load, and may end there. */
static enum rill_err load(struct story *story, struct rill_store *store, uint64_t sequence)
{
    struct rill_store_job *job = rill_store_load_start(store, sequence);
    if (!job)
        return mend(story, store);
    if (rill_random_chance(&story->random, 1, 4))
        background_end(story, store);
    rill_store_job_run(job);
    if (rill_random_chance(&story->random, 1, 4))
        background_end(story, store);
    return rill_store_load_finish(store, job);
}

static void note_removed(struct story *story, uint64_t sequence, uint64_t first, uint64_t last, bool erases)
{
    story->records[story->count++] = (struct story_record){.id = story->next_id++,
                                                           .sequence = sequence,
                                                           .removed_first = first,
                                                           .removed_last = last,
                                                           .erases = erases};
}

static enum rill_err delete_one(struct story *story, struct rill_store *store, uint64_t sequence, bool erase)
{
    enum rill_err (*append)(struct rill_store *, uint64_t) =
        erase ? rill_store_append_erase : rill_store_append_delete;
    struct rill_store_state state;
    enum rill_err err = append(store, sequence);
    while (err == RILL_ERR_AGAIN) {
        err = load(story, store, sequence);
        if (!err)
            err = append(store, sequence);
    }
    rill_store_state(store, &state);
    const bool there = sequence && sequence <= (erase ? state.last_sequence : state.open_sequence) &&
                       !story_is_removed(story, story->count, sequence);
    RILL_ASSERT((err == RILL_ERR_NOT_FOUND) == !there || err == RILL_ERR_READ_ONLY || err == RILL_ERR_IO);
    if (!err)
        note_removed(story, state.open_sequence, sequence, sequence, erase);
    return err;
}

static uint64_t live_below(const struct story *story, uint64_t sequence)
{
    uint64_t live = 0;
    for (uint64_t i = 1; i < sequence; i++)
        live += !story_is_removed(story, story->count, i);
    return live;
}

static enum rill_err purge_some(struct story *story, struct rill_store *store, uint64_t first_kept)
{
    struct rill_store_purged purged;
    struct rill_store_state state;
    enum rill_err err = rill_store_append_purge(store, first_kept, &purged);
    while (err == RILL_ERR_AGAIN) {
        err = load(story, store, purged.load_sequence);
        if (!err)
            err = rill_store_append_purge(store, first_kept, &purged);
    }
    if (err)
        return err;
    rill_store_state(store, &state);
    const uint64_t end = first_kept > state.open_sequence ? state.open_sequence + 1 : first_kept;
    RILL_ASSERT(purged.messages == live_below(story, end));
    if (purged.messages)
        note_removed(story, state.open_sequence, 1, end - 1, false);
    return RILL_OK;
}

/* Keeping the newest n is a purge, too. */
static enum rill_err purge_step(struct story *story, struct rill_store *store, uint64_t open_sequence)
{
    const uint32_t below = rill_random_below(&story->random, (uint32_t)open_sequence + 2);
    if (!rill_random_chance(&story->random, 1, 3))
        return purge_some(story, store, rill_random_chance(&story->random, 1, 12) ? UINT64_MAX : below / 2);
    const uint64_t live = live_below(story, open_sequence + 1);
    const uint64_t first = rill_store_newest(store, below);
    const uint64_t kept = live - live_below(story, first);
    RILL_ASSERT(kept == (below < live ? below : live));
    return purge_some(story, store, first);
}

static void background_go_on(struct story *story, struct rill_store *store)
{
    if (story->background && story->background_was_run) {
        background_end(story, store);
    } else if (story->background) {
        rill_store_job_run(story->background);
        story->background_was_run = true;
    } else {
        struct rill_store_state state;
        story->background = rill_store_background_start(store);
        story->background_was_run = false;
        rill_store_state(store, &state);
        story->forgets_events |= state.rewriting;
    }
}

static enum rill_err story_remove(struct story *story, struct rill_store *store)
{
    struct rill_store_state state;
    rill_store_state(store, &state);
    if (story->keeps_all || story->count == STORY_RECORDS_MAX)
        return RILL_OK;
    enum rill_err err = RILL_OK;
    if (rill_random_chance(&story->random, 1, 3))
        background_go_on(story, store);
    else if (rill_random_chance(&story->random, 1, 5))
        err = purge_step(story, store, state.open_sequence);
    else
        err = delete_one(story, store, rill_random_below(&story->random, (uint32_t)state.open_sequence + 3),
                         rill_random_chance(&story->random, 1, 2));
    return err == RILL_ERR_READ_ONLY ? err : RILL_OK;
}

static size_t record_size(const struct story *story, uint64_t id)
{
    struct story_content content;
    story_content_of(story, id, &content);
    return (36 + content.message.subject.len + content.message.headers.len + content.message.payload.len +
            7) &
           ~7UL;
}

void story_check_state(const struct story *story, const struct rill_store *store)
{
    struct rill_store_state state;
    uint64_t first = 0, messages = 0, bytes = 0, last = 0;
    int64_t first_time_ns = 0;
    static bool removed[STORY_RECORDS_MAX + 1];
    uint64_t floor = 1;
    memset(removed, 0, sizeof removed);
    for (size_t i = 0; i < story->committed; i++) {
        const struct story_record *record = &story->records[i];
        last = record->is_message ? record->sequence : last;
        if (record->removed_first == 1 && record->removed_last > 1)
            floor = record->removed_last + 1 > floor ? record->removed_last + 1 : floor;
        else if (record->removed_first)
            removed[record->removed_first] = true;
    }
    for (size_t i = 0; i < story->committed; i++) {
        const struct story_record *record = &story->records[i];
        if (!record->is_message || record->sequence < floor || removed[record->sequence])
            continue;
        if (!messages++) {
            first = record->sequence;
            first_time_ns = record->time_ns;
        }
        bytes += record_size(story, record->id);
    }
    rill_store_state(store, &state);
    RILL_ASSERT(state.last_sequence == last && state.messages == messages && state.bytes == bytes);
    RILL_ASSERT(state.first_sequence == (messages ? first : last + 1));
    RILL_ASSERT(state.deleted == (messages ? last - first + 1 - messages : 0));
    RILL_ASSERT(state.first_time_ns <= first_time_ns);
}

static void commit_begin(struct story *story, struct rill_store *store)
{
    story->job = rill_store_commit_start(store);
    story->job_was_run = false;
    if (story->job)
        story->started = story->count;
}

static enum rill_err commit_end(struct story *story, struct rill_store *store)
{
    struct rill_store_committed committed;
    const enum rill_err err = rill_store_commit_finish(store, story->job, &committed);
    rill_store_catch_up(store);
    story->job = NULL;
    if (err)
        return err; // `count` and `started` stay: they say what may be found after a crash
    story->committed = story->started;
    story_check_state(story, store);
    return RILL_OK;
}

static enum rill_err commit_go_on(struct story *story, struct rill_store *store)
{
    if (!story->job) {
        commit_begin(story, store);
        return RILL_OK;
    }
    if (story->job_was_run)
        return commit_end(story, store);
    rill_store_job_run(story->job);
    story->job_was_run = true;
    return RILL_OK;
}

bool story_message_is_right(const struct story *story, const struct rill_store_message *message)
{
    for (size_t i = 0; i < story->count; i++) {
        const struct story_record *record = &story->records[i];
        if (!record->is_message || record->sequence != message->sequence)
            continue;
        struct story_content content;
        story_content_of(story, record->id, &content);
        return record->time_ns == message->time_ns &&
               rill_bytes_equal(message->subject, content.message.subject) &&
               rill_bytes_equal(message->headers, content.message.headers) &&
               rill_bytes_equal(message->payload, content.message.payload);
    }
    return false;
}

enum rill_err story_read(struct story *story, struct rill_store *store, uint64_t sequence)
{
    struct rill_store_message message;
    enum rill_err err = rill_store_read(store, sequence, &message);
    while (err == RILL_ERR_AGAIN) {
        err = load(story, store, sequence);
        if (err)
            return err;
        err = rill_store_read(store, sequence, &message);
    }
    if (err == RILL_ERR_NOT_FOUND && story_is_removed(story, story->committed, sequence))
        return RILL_OK;
    if (err)
        return err;
    RILL_ASSERT(!story_is_removed(story, story->committed, sequence));
    RILL_ASSERT(message.sequence == sequence && story_message_is_right(story, &message));
    story->reads++;
    return RILL_OK;
}

static enum rill_err read_some(struct story *story, struct rill_store *store)
{
    struct rill_store_state state;
    rill_store_state(store, &state);
    const uint64_t sequence = 1 + rill_random_below(&story->random, (uint32_t)state.open_sequence + 2);
    const enum rill_err err = story_read(story, store, sequence);
    RILL_ASSERT((err == RILL_ERR_NOT_FOUND) == (sequence > state.last_sequence));
    // A load that the disk has failed changes nothing, so the story goes on.
    return err == RILL_ERR_DAMAGED ? err : RILL_OK;
}

enum rill_err story_step(struct story *story, struct rill_store *store)
{
    const uint32_t what = rill_random_below(&story->random, story->removes_often ? 36 : 23);
    if (what >= 20)
        return story_remove(story, store);
    if (what < 12)
        return story_append(story, store);
    return what < 17 ? commit_go_on(story, store) : read_some(story, store);
}

enum rill_err story_commit(struct story *story, struct rill_store *store)
{
    enum rill_err err = RILL_OK;
    while (!err && (story->job || rill_store_open_bytes(store)))
        err = commit_go_on(story, store);
    background_end(story, store);
    return err;
}

void story_take_back(struct story *story)
{
    RILL_ASSERT(!story->job);
    story->count = story->started = story->committed;
}

void story_settle(struct story *story, struct rill_store *store)
{
    background_end(story, store);
    if (!story->job)
        return;
    if (!story->job_was_run)
        rill_store_job_run(story->job);
    (void)!commit_end(story, store);
}

uint64_t story_live(const struct story *story, struct rill_bytes subject, uint64_t *ret_first,
                    uint64_t *ret_last)
{
    uint64_t count = 0;
    for (size_t i = 0; i < story->committed; i++) {
        const struct story_record *record = &story->records[i];
        struct story_content content;
        if (!record->is_message || story_is_removed(story, story->committed, record->sequence))
            continue;
        story_content_of(story, record->id, &content);
        if (!rill_bytes_equal(subject, content.message.subject))
            continue;
        *ret_first = count++ ? *ret_first : record->sequence;
        *ret_last = record->sequence;
    }
    return count;
}
