// SPDX-License-Identifier: Apache-2.0
#include "durable.h"

#include "advisory.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "pace.h"
#include "pin.h"
#include "proto/message.h"
#include "push.h"

#include <stdlib.h>
#include <utlist.h>

// ---- its settings at work ----

void durable_set_settings(struct durable *durable, struct consumer_settings *settings)
{
    struct consumer_settings *old = durable->settings;
    durable->settings = settings;
    durable->pulls.policy = settings->pulls_policy;
    consumer_set_limits(durable->consumer, &settings->limits);
    consumer_settings_destroy(old);
}

/* What stands beside the state machine while it works. */
static void start_parts(struct durable *durable)
{
    pace_set(durable);
    if (durable->settings->is_push)
        push_start(durable);
    if (durable->pulls.policy == PULLS_PINNED && !durable->pin)
        pin_start(durable);
}

static void add_to_table(struct durable *durable)
{
    const char *name = durable->settings->name; // a key there
    HASH_ADD_KEYPTR(by_name, durable->stream->durables, name, strlen(name), durable);
}

void durable_change_settings(struct durable *durable, struct consumer_settings *settings)
{
    char *receiver = push_receiver(durable);
    HASH_DELETE(by_name, durable->stream->durables, durable);
    push_stop(durable);
    durable_set_settings(durable, settings);
    source_changed(durable);
    retention_look_at_all(durable->stream);
    add_to_table(durable);
    if (durable->pin && durable->pulls.policy != PULLS_PINNED)
        pin_stop(durable);
    start_parts(durable);
    push_changed(durable, receiver);
    free(receiver);
    durable_look_at_pause(durable);
    durable_serve_later(durable);
}

// ---- life ----

struct durable *durable_create(struct stream *stream, const Rill__ConsumerRecord *record)
{
    struct durable *durable = rill_alloc_zero(1, sizeof *durable);
    struct consumer_settings *settings = consumer_settings_create(record);
    durable->stream = stream;
    durable->due.kind = DEADLINE_DURABLE;
    durable->consumer = consumer_create(&settings->limits, record->first_sequence);
    durable_set_settings(durable, settings);
    durable->in_memory = record->config->mem_storage;
    durable->consumer->unlogged = durable->in_memory;
    return durable;
}

void durable_free(struct durable *durable)
{
    if (!durable)
        return;
    RILL_ASSERT(!durable->serving && !durable->has_news && !durable->waiting);
    RILL_ASSERT(!durable->push && !durable->pin && !durable->pace && !durable->source.filter &&
                !durable->source.listed && !rill_deadline_armed(&durable->due));
    pulls_fini(&durable->pulls);
    consumer_destroy(durable->consumer);
    consumer_settings_destroy(durable->settings_next);
    consumer_settings_destroy(durable->settings);
    free(durable);
}

void durable_add(struct stream *stream, struct durable *durable)
{
    RILL_ASSERT(durable->stream == stream);
    add_to_table(durable);
    stream->durable_count++;
}

void durable_activate(struct durable *durable)
{
    durable->active_ns = durable->stream->js->core->now.mono_ns;
    source_changed(durable);
    retention_listen(durable);
    start_parts(durable);
    durable_look_at_pause(durable);
    durable_serve_later(durable);
}

static void forget_waiters(struct stream *stream, const struct durable *durable)
{
    for (struct stream_waiter *waiter = stream->waiters; waiter; waiter = waiter->next) {
        if (waiter->durable == durable)
            waiter->durable = NULL;
    }
}

static void leave_serving(struct jetstream *js, struct durable *durable)
{
    if (!durable->serving)
        return;
    LL_DELETE2(js->serving, durable, serving_next);
    if (js->serving_last == durable) {
        js->serving_last = js->serving;
        while (js->serving_last && js->serving_last->serving_next)
            js->serving_last = js->serving_last->serving_next;
    }
    durable->serving = false;
}

static void leave_queues(struct durable *durable)
{
    struct stream *stream = durable->stream;
    leave_serving(stream->js, durable);
    if (durable->has_news)
        LL_DELETE2(stream->news, durable, news_next);
    if (durable->waiting)
        LL_DELETE2(stream->waiting, durable, waiting_next);
    durable->has_news = durable->waiting = false;
    rill_deadline_cancel(&stream->js->core->deadlines, &durable->due);
    forget_waiters(stream, durable);
}

void durable_end(struct durable *durable, struct rill_bytes status)
{
    struct stream *stream = durable->stream;
    durable_end_pulls(durable, status);
    push_stop(durable);
    pin_stop(durable);
    pace_stop(durable);
    source_fini(durable);
    leave_queues(durable);
    HASH_DELETE(by_name, stream->durables, durable);
    RILL_ASSERT(stream->durable_count > 0);
    stream->durable_count--;
    durable_free(durable);
    retention_look_at_all(stream);
}

void durable_reset(struct durable *durable, uint64_t sequence)
{
    consumer_reset(durable->consumer, sequence);
    durable->last_delivered_wall_ns = durable->last_acked_wall_ns = 0;
    if (durable->push)
        push_forget_way(durable->push);
    durable->reset_sequence = sequence;
    durable->resets_out++;
    retention_look_at_all(durable->stream);
    durable_changed(durable);
}

void durable_reset_done(struct durable *durable)
{
    RILL_ASSERT(durable->resets_out > 0);
    durable->resets_out--;
    durable_serve_later(durable);
}

struct durable *durable_find(const struct stream *stream, struct rill_bytes name)
{
    struct durable *durable = NULL;
    HASH_FIND(by_name, stream->durables, name.data, name.len, durable);
    return durable;
}

// ---- what there is to know ----

static void fill_time(Rill__Timestamp *time, int64_t wall_ns)
{
    rill__timestamp__init(time);
    time->unix_ns = wall_ns;
}

static void fill_sequence(Rill__SequenceInfo *info, Rill__Timestamp *time, uint64_t consumer_seq,
                          uint64_t stream_seq, int64_t wall_ns)
{
    rill__sequence_info__init(info);
    fill_time(time, wall_ns);
    info->consumer_seq = consumer_seq;
    info->stream_seq = stream_seq;
    info->last_active = wall_ns ? time : NULL;
}

static void fill_sequences(const struct durable *durable, struct durable_info *ret_info)
{
    const struct consumer *consumer = durable->consumer;
    const struct consumer_floor floor = consumer_ack_floor(consumer);
    fill_sequence(&ret_info->delivered, &ret_info->delivered_time, consumer->consumer_seq,
                  consumer->cursor - 1, durable->last_delivered_wall_ns);
    fill_sequence(&ret_info->ack_floor, &ret_info->acked_time, floor.consumer_seq, floor.sequence,
                  durable->last_acked_wall_ns);
    ret_info->info.delivered = &ret_info->delivered;
    ret_info->info.ack_floor = &ret_info->ack_floor;
}

static void fill_pause(const struct durable *durable, Rill__ConsumerInfo *info)
{
    const int64_t until_wall_ns = durable->settings->pause_until_wall_ns;
    info->has_paused = info->paused = durable->paused;
    info->has_pause_remaining = durable->paused;
    info->pause_remaining = durable->paused ? until_wall_ns - durable->stream->js->core->now.wall_ns : 0;
}

static void fill_group(const struct durable *durable, struct durable_info *ret_info)
{
    if (!durable->settings->group)
        return;
    rill__priority_group_state__init(&ret_info->group);
    ret_info->group.group = durable->settings->group;
    if (durable->pin && durable->pin->number) {
        fill_time(&ret_info->pinned_time, durable->pin->since_wall_ns);
        ret_info->group.pinned_client_id = durable->pin->id;
        ret_info->group.pinned_ts = &ret_info->pinned_time;
    }
    ret_info->groups[0] = &ret_info->group;
    ret_info->info.priority_groups = ret_info->groups;
    ret_info->info.n_priority_groups = 1;
}

void durable_info(struct durable *durable, struct durable_info *ret_info)
{
    const struct rill_core *core = durable->stream->js->core;
    Rill__ConsumerInfo *info = &ret_info->info;
    if (durable->stream->state == STREAM_ACTIVE)
        (void)!source_count(durable);
    rill__consumer_info__init(info);
    fill_time(&ret_info->created, durable->settings->created_wall_ns);
    fill_time(&ret_info->now, core->now.wall_ns);
    rill__cluster_info__init(&ret_info->cluster);
    ret_info->cluster.leader = core->server_name;
    info->stream_name = durable->stream->name;
    info->name = durable->settings->name;
    info->created = &ret_info->created;
    info->cluster = &ret_info->cluster;
    info->ts = &ret_info->now;
    fill_sequences(durable, ret_info);
    info->num_ack_pending = consumer_ack_pending(durable->consumer);
    info->num_redelivered = durable->consumer->redelivered;
    info->num_waiting = durable->pulls.count;
    info->num_pending = durable_pending(durable);
    info->has_push_bound = info->push_bound = durable->push && durable->push->bound;
    fill_pause(durable, info);
    fill_group(durable, ret_info);
    ret_info->record = NULL;
}

void durable_info_add_config(struct durable_info *info, const struct durable *durable)
{
    RILL_ASSERT(!info->record);
    info->record = consumer_settings_record(durable->settings);
    info->info.config = info->record->config;
}

void durable_info_fini(struct durable_info *info)
{
    if (info->record)
        rill_message_free(&info->record->base);
}

// ---- after a change ----

static void note_news(struct durable *durable)
{
    struct stream *stream = durable->stream;
    if (durable->has_news || !consumer_has_news(durable->consumer))
        return;
    durable->has_news = true;
    durable->news_next = stream->news;
    stream->news = durable;
    stream_touch(stream);
}

void durable_changed(struct durable *durable)
{
    struct rill_deadlines *deadlines = &durable->stream->js->core->deadlines;
    const int64_t at_ns = durable_next_deadline_ns(durable);
    note_news(durable);
    if (retention_owes(&durable->stream->retention))
        stream_touch(durable->stream);
    // One that is too early does no harm: what comes then is to look anew. So it is rarely moved.
    if (at_ns == RILL_NEVER_NS)
        rill_deadline_cancel(deadlines, &durable->due);
    else if (!rill_deadline_armed(&durable->due) || durable->due.at_ns > at_ns)
        rill_deadline_set(deadlines, &durable->due, at_ns);
}

void durable_due(struct durable *durable)
{
    // What is due is done at the end of the turn, which sets the next deadline.
    durable_serve_later(durable);
}
