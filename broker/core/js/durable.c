// SPDX-License-Identifier: Apache-2.0
#include "durable.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/message.h"

#include <stdlib.h>
#include <utlist.h>

// ---- life ----

static struct consumer_limits limits_of(const Rill__ConsumerConfig *config)
{
    const int64_t ack_pending = config->max_ack_pending;
    return (struct consumer_limits){
        .ack_wait_ns = config->ack_wait,
        .deliveries_max = config->max_deliver > 0 ? (uint32_t)config->max_deliver : 0,
        .ack_pending_max = ack_pending > 0 && ack_pending < CONSUMER_ACK_PENDING_MAX
                               ? (uint32_t)ack_pending
                               : CONSUMER_ACK_PENDING_MAX,
        .waiting_max = (uint32_t)config->max_waiting,
    };
}

struct durable *durable_create(struct stream *stream, Rill__ConsumerRecord *record)
{
    struct durable *durable = rill_alloc_zero(1, sizeof *durable);
    const struct consumer_limits limits = limits_of(record->config);
    durable->stream = stream;
    durable->record = record;
    durable->consumer = consumer_create(&limits, record->first_sequence);
    durable->due.kind = DEADLINE_DURABLE;
    return durable;
}

void durable_free(struct durable *durable)
{
    if (!durable)
        return;
    RILL_ASSERT(!durable->serving && !durable->has_news && !durable->waiting);
    RILL_ASSERT(!rill_deadline_armed(&durable->due));
    consumer_destroy(durable->consumer);
    rill_message_free(&durable->record->base);
    free(durable);
}

void durable_add(struct stream *stream, struct durable *durable)
{
    const char *name = durable->record->name;
    HASH_ADD_KEYPTR(by_name, stream->durables, name, strlen(name), durable);
    stream->durable_count++;
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

void durable_end(struct durable *durable, struct rill_bytes status)
{
    struct stream *stream = durable->stream;
    struct jetstream *js = stream->js;
    durable_end_pulls(durable, status);
    leave_serving(js, durable);
    if (durable->has_news)
        LL_DELETE2(stream->news, durable, news_next);
    if (durable->waiting)
        LL_DELETE2(stream->waiting, durable, waiting_next);
    durable->has_news = durable->waiting = false;
    rill_deadline_cancel(&js->core->deadlines, &durable->due);
    forget_waiters(stream, durable);
    HASH_DELETE(by_name, stream->durables, durable);
    RILL_ASSERT(stream->durable_count > 0);
    stream->durable_count--;
    durable_free(durable);
}

struct durable *durable_find(const struct stream *stream, struct rill_bytes name)
{
    struct durable *durable = NULL;
    HASH_FIND(by_name, stream->durables, name.data, name.len, durable);
    return durable;
}

// ---- what there is to know ----

uint64_t durable_pending(const struct durable *durable)
{
    const struct stream *stream = durable->stream;
    const uint64_t cursor = durable->consumer->cursor;
    if (cursor > stream->last_committed)
        return 0;
    uint64_t count = stream->last_committed - cursor + 1;
    size_t range_count;
    const struct rill_store_range *lost = rill_store_lost(stream->store, &range_count);
    for (size_t i = 0; i < range_count; i++) {
        const uint64_t first = lost[i].first_sequence < cursor ? cursor : lost[i].first_sequence;
        if (lost[i].last_sequence >= first)
            count -= lost[i].last_sequence - first + 1;
    }
    return count;
}

static void fill_sequence(Rill__SequenceInfo *info, Rill__Timestamp *time, uint64_t consumer_seq,
                          uint64_t stream_seq, int64_t wall_ns)
{
    rill__sequence_info__init(info);
    rill__timestamp__init(time);
    info->consumer_seq = consumer_seq;
    info->stream_seq = stream_seq;
    time->unix_ns = wall_ns;
    info->last_active = wall_ns ? time : NULL;
}

void durable_info(const struct durable *durable, struct durable_info *ret_info)
{
    const struct consumer *consumer = durable->consumer;
    const struct consumer_floor floor = consumer_ack_floor(consumer);
    // Like nats-server, a consumer that has delivered nothing shows zeros, wherever its cursor is.
    const bool began = consumer->cursor > durable->record->first_sequence;
    fill_sequence(&ret_info->delivered, &ret_info->delivered_time, consumer->consumer_seq,
                  began ? consumer->cursor - 1 : 0, durable->last_delivered_wall_ns);
    fill_sequence(&ret_info->ack_floor, &ret_info->acked_time, floor.consumer_seq, began ? floor.sequence : 0,
                  durable->last_acked_wall_ns);
    rill__timestamp__init(&ret_info->created);
    ret_info->created.unix_ns = durable->record->created_unix_ns;
    Rill__ConsumerInfo *info = &ret_info->info;
    rill__consumer_info__init(info);
    info->stream_name = durable->stream->name;
    info->name = durable->record->name;
    info->created = &ret_info->created;
    info->config = durable->record->config;
    info->delivered = &ret_info->delivered;
    info->ack_floor = &ret_info->ack_floor;
    info->num_ack_pending = consumer->outstanding.count;
    info->num_redelivered = consumer->redelivered;
    info->num_waiting = consumer->pull_count;
    info->num_pending = durable_pending(durable);
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
    const int64_t at_ns = consumer_next_deadline_ns(durable->consumer);
    note_news(durable);
    if (at_ns == RILL_NEVER_NS)
        rill_deadline_cancel(deadlines, &durable->due);
    else if (!rill_deadline_armed(&durable->due) || durable->due.at_ns != at_ns)
        rill_deadline_set(deadlines, &durable->due, at_ns);
}

void durable_due(struct durable *durable)
{
    // The messages that became ready are delivered, and the pulls whose time is over answered, at the end of the turn.
    consumer_expire(durable->consumer, durable->stream->js->core->now.mono_ns);
    durable_changed(durable);
    durable_serve_later(durable);
}
