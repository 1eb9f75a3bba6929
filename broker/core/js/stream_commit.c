// SPDX-License-Identifier: Apache-2.0
//
// A stream's commits: what goes in, who hears of it, and what is taken back when one fails.
//
// At the end of a turn everything that consumers have done since their last event is appended, then the open commit is
// handed over as a job, if somebody waits for it or its time has come. While it is out the next one fills. A commit
// covers everything appended at its number or before, so those who wait only remember a number.
//
// When it comes back with an error the store has taken back what was not committed, and so do we: duplicates and the last
// message id are as committed, publishers are told, consumers write their whole state next time (their events in the
// commits that are gone are lost, their memory is not). After NO_SPACE life goes on, and acknowledgements that want an
// answer wait for the next commit. After anything else the log is read-only: they will not be answered.
#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "proto/message.h"
#include "stream.h"
#include "stream_advisory.h"
#include "stream_limits.h"
#include "stream_load.h"
#include "stream_sync.h"
#include "stream_tidy.h"

#include <stdlib.h>
#include <utlist.h>

/* How long the news of consumers may wait for company, and how long we wait when something was in the way. */
#define QUIET_NS     (20 * RILL_NS_PER_MS)
#define TRY_AGAIN_NS RILL_NS_PER_S
/* Between two steps through a stream whose limits were lowered. */
#define LOOK_ON_NS   RILL_NS_PER_MS

void stream_touch(struct stream *stream)
{
    if (stream->touched)
        return;
    stream->touched = true;
    stream->touched_next = stream->js->touched;
    stream->js->touched = stream;
}

static void due_in(struct stream *stream, int64_t delay_ns)
{
    struct rill_core *core = stream->js->core;
    if (!rill_deadline_armed(&stream->due))
        rill_deadline_set(&core->deadlines, &stream->due, core->now.mono_ns + delay_ns);
}

void stream_due(struct stream *stream)
{
    stream->commit_wanted = true;
    stream_touch(stream);
    if (stream->state == STREAM_ACTIVE)
        stream_tidy(stream);
    stream_serve_waiting(stream);
}

void stream_due_within(struct stream *stream, int64_t delay_ns)
{
    struct rill_core *core = stream->js->core;
    const int64_t at_ns = core->now.mono_ns + delay_ns;
    if (!rill_deadline_armed(&stream->due) || stream->due.at_ns > at_ns)
        rill_deadline_set(&core->deadlines, &stream->due, at_ns);
}

void stream_soon(struct stream *stream)
{
    stream_due_within(stream, 0);
}

void stream_serve_waiting(struct stream *stream)
{
    stream_answer_overwritten(stream, NULL);
    if (stream->state == STREAM_ACTIVE) {
        stream_republish_go_on(stream);
        parked_go_on(stream);
        asked_go_on(stream);
    }
    struct durable *durable = stream->waiting;
    stream->waiting = NULL;
    while (durable) {
        struct durable *next = durable->waiting_next;
        durable->waiting = false;
        durable_serve_later(durable);
        durable = next;
    }
}

// ---- who waits ----

static struct stream_waiter *add_waiter(struct stream *stream, enum stream_wait what, struct rill_bytes reply)
{
    struct stream_waiter *waiter = rill_alloc_zero(1, sizeof *waiter + reply.len);
    waiter->what = what;
    waiter->reply_len = reply.len;
    if (reply.len)
        memcpy(waiter->reply, reply.data, reply.len);
    LL_APPEND(stream->waiters, waiter);
    return waiter;
}

void stream_wait(struct stream *stream, enum stream_wait what, uint64_t commit, struct durable *durable,
                 struct rill_bytes reply)
{
    struct stream_waiter *waiter = add_waiter(stream, what, reply);
    waiter->commit = commit;
    waiter->durable = durable;
}

static enum rill_err append_event(struct stream *stream, enum rill_store_event type,
                                  const ProtobufCMessage *event)
{
    if (stream->broken)
        return RILL_ERR_READ_ONLY;
    struct rill_buf *buf = &stream->js->event;
    buf->len = 0;
    enum rill_err err = rill_message_pack(event, buf);
    if (!err)
        err = rill_store_append_event(stream->store, type, rill_buf_bytes(buf));
    return err;
}

struct stream_waiter *stream_wait_for_append(struct stream *stream, enum stream_wait what,
                                             struct rill_bytes reply)
{
    struct stream_waiter *waiter = add_waiter(stream, what, reply);
    waiter->commit = rill_store_open_commit(stream->store);
    stream->commit_wanted = true;
    stream_touch(stream);
    return waiter;
}

enum rill_err stream_append_event(struct stream *stream, enum rill_store_event type,
                                  const ProtobufCMessage *event, enum stream_wait what,
                                  struct durable *durable, struct rill_bytes reply)
{
    const enum rill_err err = append_event(stream, type, event);
    if (!err)
        stream_wait_for_append(stream, what, reply)->durable = durable;
    return err;
}

enum rill_err stream_append_record(struct stream *stream, Rill__StreamRecord *record, struct rill_bytes reply)
{
    const enum rill_err err = append_event(stream, RILL_STORE_EVENT_STREAM_CONFIG, &record->base);
    if (err) {
        rill_message_free(&record->base);
        return err;
    }
    stream_wait_for_append(stream, STREAM_WAIT_UPDATED, reply)->record = record;
    stream->record_newest = record;
    return RILL_OK;
}

void stream_answer_when_durable(struct stream *stream, struct durable *durable, struct rill_bytes reply)
{
    const struct rill_bytes none = {0};
    const struct pub_ack ack = {.reply = reply};
    enum rill_err err = RILL_OK;
    if (stream->broken)
        return; // never: whoever waits asks again, elsewhere or later
    if (durable->has_news || retention_owes(&stream->retention)) {
        err = pub_acks_add(&stream->synced_open, &ack);
        stream->commit_wanted = true;
        stream_touch(stream);
    } else if (stream->commit_out) {
        err = pub_acks_add(&stream->synced_flying, &ack);
    } else {
        js_send_status(stream->js, reply, none);
    }
    if (err)
        rill_log(&stream->js->core->log, RILL_LOG_WARN,
                 "JetStream stream '%s': too many acknowledgements wait for an answer", stream->name);
}

static void acknowledge_all(struct stream *stream, struct pub_acks *acks)
{
    size_t offset = 0;
    struct pub_ack ack;
    while (pub_acks_next(acks, &offset, &ack))
        stream_acknowledge(stream, &ack);
    pub_acks_clear(acks);
}

static void refuse_all(struct stream *stream, struct pub_acks *acks, const struct rill_js_error *error)
{
    size_t offset = 0;
    struct pub_ack ack;
    while (pub_acks_next(acks, &offset, &ack))
        stream_refuse(stream, ack.reply, error);
    pub_acks_clear(acks);
}

static void answer_synced(struct stream *stream)
{
    size_t offset = 0;
    struct pub_ack ack;
    const struct rill_bytes none = {0};
    while (pub_acks_next(&stream->synced_durable, &offset, &ack))
        js_send_status(stream->js, ack.reply, none);
    pub_acks_clear(&stream->synced_durable);
}

static void answer_durable(struct stream *stream)
{
    acknowledge_all(stream, &stream->acks_durable);
    answer_synced(stream);
}

/* The update is in force, or never was. */
static void finish_update(struct stream *stream, struct stream_waiter *waiter,
                          const struct rill_js_error *error)
{
    if (error)
        rill_message_free(&waiter->record->base);
    else
        stream_set_record(stream, waiter->record);
    waiter->record = NULL;
    if (!error)
        stream_advise(stream, STREAM_ACTION_UPDATED);
    stream_answer_updated(stream, rill_bytes_of(waiter->reply, waiter->reply_len), error);
}

static void answer_waiter(struct stream *stream, struct stream_waiter *waiter,
                          const struct rill_js_error *error)
{
    const struct rill_bytes reply = rill_bytes_of(waiter->reply, waiter->reply_len);
    switch (waiter->what) {
    case STREAM_WAIT_UPDATED:
        finish_update(stream, waiter, error);
        return;
    case STREAM_WAIT_PURGED:
        stream_answer_purged(stream, reply, waiter->count, error);
        return;
    case STREAM_WAIT_MESSAGE_DELETED:
    case STREAM_WAIT_MESSAGE_ERASED:
        stream_answer_message_deleted(stream, reply, error);
        return;
    default:
        RILL_ASSERT(STREAM_WAIT_IS_CONSUMERS(waiter->what)); // the others do not wait for a commit
        durable_answer(stream->js, waiter->what, waiter->durable, reply, error);
    }
}

/* The removal is durable; the answer comes when the bytes are gone, too. */
static bool goes_on_waiting(struct stream_waiter *waiter, const struct rill_js_error *error)
{
    if (waiter->what != STREAM_WAIT_MESSAGE_ERASED || error)
        return false;
    waiter->what = STREAM_WAIT_OVERWRITTEN;
    return true;
}

static bool waits_for_commit(const struct stream_waiter *waiter)
{
    return waiter->what != STREAM_WAIT_CREATED && waiter->what != STREAM_WAIT_DELETED &&
           waiter->what != STREAM_WAIT_OVERWRITTEN;
}

/* Those whose commit is durable; with an error all those whose commit is not. */
static void answer_waiters(struct stream *stream, uint64_t commit, const struct rill_js_error *error)
{
    struct stream_waiter *waiter;
    struct stream_waiter *next;
    LL_FOREACH_SAFE (stream->waiters, waiter, next) {
        if (!waits_for_commit(waiter) || (waiter->commit > commit && !error))
            continue;
        const struct rill_js_error *of_waiter = waiter->commit > commit ? error : NULL;
        if (goes_on_waiting(waiter, of_waiter))
            continue;
        LL_DELETE(stream->waiters, waiter);
        answer_waiter(stream, waiter, of_waiter);
        free(waiter);
    }
}

// ---- the checkpoint ----

static void fill_consumers(const struct durable *durables, Rill__StreamCheckpoint *checkpoint,
                           Rill__ConsumerCheckpoint *parts, struct rill_buf *states)
{
    for (const struct durable *durable = durables; durable; durable = durable->by_name.next) {
        if (durable->deleting || durable->in_memory)
            continue;
        const size_t i = checkpoint->n_consumers++;
        rill__consumer_checkpoint__init(&parts[i]);
        const struct rill_bytes record = consumer_settings_packed(durable_settings_newest(durable));
        parts[i].consumer = (ProtobufCBinaryData){.len = record.len, .data = (uint8_t *)record.data};
        rill_buf_init(&states[i], 64 << 20);
        consumer_write_whole(durable->consumer, &states[i]);
        parts[i].state = (ProtobufCBinaryData){.len = states[i].len, .data = states[i].data};
        checkpoint->consumers[i] = &parts[i];
    }
}

enum rill_err stream_checkpoint_write(Rill__StreamRecord *record, const struct durable *durables,
                                      uint64_t consumer_number_last, struct rill_buf *out)
{
    const size_t count = HASH_CNT(by_name, durables) + 1;
    Rill__StreamCheckpoint checkpoint = RILL__STREAM_CHECKPOINT__INIT;
    Rill__ConsumerCheckpoint *parts = rill_alloc_zero(count, sizeof *parts);
    struct rill_buf *states = rill_alloc_zero(count, sizeof *states);
    checkpoint.stream = record;
    checkpoint.consumer_number_last = consumer_number_last;
    checkpoint.consumers = rill_alloc_zero(count, sizeof(void *));
    fill_consumers(durables, &checkpoint, parts, states);
    const enum rill_err err = rill_message_pack(&checkpoint.base, out);
    for (size_t i = 0; i < checkpoint.n_consumers; i++)
        rill_buf_fini(&states[i]);
    free(checkpoint.consumers);
    free(states);
    free(parts);
    return err;
}

enum rill_err stream_checkpoint(void *context, struct rill_buf *out)
{
    const struct stream *stream = context;
    if (stream->news)
        return RILL_ERR_AGAIN; // the log does not know all that consumers did; the next commit will say it
    return stream_checkpoint_write(stream->record_newest, stream->durables, stream->consumer_number_last,
                                   out);
}

// ---- a commit goes out ----

/* Appends what consumers have done; what finds no room waits for the next commit. */
static enum rill_err append_news(struct stream *stream)
{
    struct rill_buf *buf = &stream->js->event;
    struct durable *durable;
    while ((durable = stream->news)) {
        buf->len = 0;
        consumer_write_event(durable->consumer, durable->settings->number, buf);
        const uint64_t commit = rill_store_open_commit(stream->store);
        const enum rill_err err =
            rill_store_append_event(stream->store, RILL_STORE_EVENT_CONSUMER_STATE, rill_buf_bytes(buf));
        if (err)
            return err;
        consumer_noted(durable->consumer);
        durable->noted_commit = commit;
        durable->has_news = false;
        stream->news = durable->news_next;
    }
    return RILL_OK;
}

static void copy_bytes(struct rill_buf *to, const struct rill_buf *from)
{
    to->len = 0;
    const enum rill_err err = rill_buf_append(to, rill_buf_bytes(from));
    RILL_ASSERT(err == RILL_OK); // both have the same maximum
}

static void run_commit(struct rill_job *job)
{
    const struct stream *stream = (struct stream *)((char *)job - offsetof(struct stream, commit_job));
    rill_store_job_run(stream->commit_out);
}

static void finish_commit(struct rill_core *core, struct rill_job *job);

/* What a limit removes must be in memory, and the index may have to catch up first. */
static void load_for_limits(struct stream *stream)
{
    struct rill_store_job *store_job;
    while ((store_job = rill_store_limits_load_start(stream->store)))
        stream_load(stream, store_job);
    if (stream->commit_out || stream->loads_out || !rill_store_open_bytes(stream->store))
        return;
    stream_tidy(stream);
    if (!stream->loads_out)
        due_in(stream, TRY_AGAIN_NS);
}

static void start_commit(struct stream *stream)
{
    const bool all_noted = retention_append(stream) == RILL_OK && append_news(stream) == RILL_OK;
    stream->commit_out = rill_store_commit_start(stream->store);
    load_for_limits(stream);
    const bool limits_left = rill_store_limits_left(stream->store);
    stream->commit_wanted = !all_noted || limits_left || (!stream->commit_out && stream->loads_out);
    if (!stream->commit_out && !stream->loads_out && (limits_left || !all_noted))
        due_in(stream, limits_left ? LOOK_ON_NS : TRY_AGAIN_NS);
    if (!stream->commit_out)
        return;
    RILL_ASSERT(stream->acks_flying.count == 0 && stream->synced_flying.count == 0);
    stream->flying_sequence = stream->last_appended;
    pub_acks_swap(&stream->acks_open, &stream->acks_flying);
    retention_committing(&stream->retention);
    if (all_noted)
        pub_acks_swap(&stream->synced_open, &stream->synced_flying);
    copy_bytes(&stream->last_msg_id_flying, &stream->last_msg_id);
    stream->commit_job =
        (struct rill_job){.run = run_commit, .finish = finish_commit, .lane = RILL_LANE_DISK};
    core_submit(stream->js->core, &stream->commit_job);
}

// ---- a commit comes back ----

static void committed(struct stream *stream, const struct rill_store_committed *state)
{
    stream->last_committed = state->last_sequence;
    stream->full = false;
    retention_committed(&stream->retention);
    copy_bytes(&stream->last_msg_id_committed, &stream->last_msg_id_flying);
    answer_durable(stream); // of a commit before, if the turn has not ended since
    pub_acks_swap(&stream->acks_flying, &stream->acks_durable);
    pub_acks_swap(&stream->synced_flying, &stream->synced_durable);
    answer_waiters(stream, state->commit, NULL);
    stream_serve_waiting(stream);
    if (stream->state != STREAM_ACTIVE)
        return;
    stream_sync_watch(stream);
    stream_limits_watch(stream);
}

/* Nobody was told of what is gone, but for those who hear it here. */
static void take_back(struct stream *stream, const struct rill_store_committed *state)
{
    stream->last_appended = state->last_sequence;
    stream->record_newest = stream->record;
    dedupe_take_back(&stream->dedupe, state->last_sequence);
    retention_take_back(stream);
    stream_republish_take_back(stream);
    copy_bytes(&stream->last_msg_id, &stream->last_msg_id_committed);
    for (struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        if (durable->noted_commit <= state->commit && !durable->consumer->buried_count)
            continue; // it has lost neither an event nor a letter
        durable->noted_commit = 0;
        consumer_lost_events(durable->consumer);
        durable_changed(durable);
    }
}

static void keep_synced(struct stream *stream)
{
    size_t offset = 0;
    struct pub_ack ack;
    while (pub_acks_next(&stream->synced_flying, &offset, &ack)) {
        if (pub_acks_add(&stream->synced_open, &ack))
            break;
    }
    pub_acks_clear(&stream->synced_flying);
}

static void commit_failed(struct stream *stream, enum rill_err err, const struct rill_store_committed *state)
{
    const struct rill_js_error error = stream_store_error(stream, err);
    rill_log(&stream->js->core->log, RILL_LOG_ERROR, "JetStream stream '%s': commit failed: %s", stream->name,
             error.description);
    stream->js->commits_failed++;
    stream->commits_failed++;
    stream->last_committed = state->last_sequence;
    stream->broken = err != RILL_ERR_NO_SPACE;
    take_back(stream, state);
    keep_synced(stream);
    if (stream->broken)
        pub_acks_clear(&stream->synced_open);
    refuse_all(stream, &stream->acks_flying, &error);
    refuse_all(stream, &stream->acks_open, &error);
    answer_waiters(stream, state->commit, &error);
    if (stream->broken)
        stream_answer_overwritten(stream, &error);
    stream->commit_wanted = false;
    due_in(stream, TRY_AGAIN_NS);
    if (err == RILL_ERR_NO_SPACE && !stream->full)
        stream_advise_no_space(stream);
    stream->full = err == RILL_ERR_NO_SPACE;
}

void stream_look_broken(struct stream *stream)
{
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    if (!log.read_only || stream->broken || stream->commit_out)
        return; // a commit that is out will say it
    const struct rill_store_committed state = {.commit = rill_store_open_commit(stream->store) - 1,
                                               .last_sequence = log.last_sequence};
    commit_failed(stream, RILL_ERR_READ_ONLY, &state);
}

/* Then the next start would take ever longer. When the piece of work that is out comes back, this is asked again. Publishers
   fill the open commit meanwhile, and are refused when it is full. */
static bool waits_for_index(const struct stream *stream)
{
    return stream->tidies_out && rill_store_index_is_behind(stream->store);
}

static void look_for_commit(struct stream *stream);

/* The next commit goes out before the publishers of this one hear of it: the disk does not wait for the many answers, nor
   for the index. */
static void finish_commit(struct rill_core *core, struct rill_job *job)
{
    struct stream *stream = (struct stream *)((char *)job - offsetof(struct stream, commit_job));
    struct rill_store_job *store_job = stream->commit_out;
    struct rill_store_committed state;
    stream->commit_out = NULL;
    stream->log_changes++;
    const enum rill_err err = rill_store_commit_finish(stream->store, store_job, &state);
    RILL_ASSERT(state.last_sequence >= stream->last_committed);
    if (err)
        commit_failed(stream, err, &state);
    else
        committed(stream, &state);
    stream_look_broken(stream);
    if (stream->state == STREAM_ACTIVE)
        look_for_commit(stream);
    stream_feed_later(stream);
    stream_touch(stream);
}

// ---- the end of a turn ----

static bool is_ending(const struct stream *stream)
{
    return stream->state == STREAM_DELETING || stream->state == STREAM_STOPPING;
}

/* A stream that ends writes what it still has, once; one that is deleted writes nothing more. */
static bool has_last_words(const struct stream *stream)
{
    return stream->state == STREAM_STOPPING && stream->commit_wanted && !stream->broken &&
           (stream->news || retention_owes(&stream->retention) || rill_store_open_bytes(stream->store));
}

static void look_for_commit(struct stream *stream)
{
    if (stream->commit_out || !stream->store || (stream->state != STREAM_ACTIVE && !is_ending(stream)))
        return;
    if (is_ending(stream)) {
        if (has_last_words(stream))
            start_commit(stream);
        if (!stream->commit_out && !stream->loads_out)
            stream_end(stream);
        return;
    }
    if (stream->broken)
        return;
    if (stream->commit_wanted && !waits_for_index(stream))
        start_commit(stream);
    if ((stream->news || retention_owes(&stream->retention)) && !stream->commit_out)
        due_in(stream, QUIET_NS);
}

void stream_end_turn(struct stream *stream)
{
    answer_durable(stream);
    look_for_commit(stream);
}

uint64_t stream_settle(struct stream *stream)
{
    const uint64_t open = rill_store_open_commit(stream->store);
    if (!stream->news && !rill_store_open_bytes(stream->store))
        return stream->commit_out ? open - 1 : 0;
    stream->commit_wanted = true;
    stream_touch(stream);
    return open;
}

bool stream_has_settled(const struct stream *stream, uint64_t commit)
{
    const uint64_t open = rill_store_open_commit(stream->store);
    // A commit that was taken back may have left nothing for another one to say.
    const bool has_nothing = !stream->news && !stream->commit_out && !rill_store_open_bytes(stream->store);
    return stream->broken || has_nothing || commit < open - (stream->commit_out != NULL);
}
