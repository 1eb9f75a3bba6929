// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "listed.h"
#include "proto/subject.h"
#include "stream_tidy.h"

#include <stdlib.h>
#include <utlist.h>

enum { FILTERS_MAX = 1024 };

#define FILTER_IDLE_NS (10 * RILL_NS_PER_S)

/* What one filter remembers; in the list of all, the one that was asked least recently first. */
struct source_filter {
    struct rill_store_filter *store_filter;
    struct durable *durable;
    int64_t asked_ns;
    struct source_filter *prev;
    struct source_filter *next;
};

// ---- the filters there are ----

static void drop_filter(struct jetstream *js, struct source_filter *filter)
{
    RILL_ASSERT(js->filter_count > 0);
    DL_DELETE(js->filters, filter);
    js->filter_count--;
    filter->durable->source.filter = NULL;
    rill_store_filter_destroy(filter->store_filter);
    free(filter);
}

void source_stop(struct durable *durable)
{
    if (durable->source.filter)
        drop_filter(durable->stream->js, durable->source.filter);
}

void source_fini(struct durable *durable)
{
    source_stop(durable);
    free(durable->source.listed);
    durable->source.listed = NULL;
}

static void look_again(struct jetstream *js)
{
    if (js->filters && !rill_deadline_armed(&js->filters_due))
        rill_deadline_set(&js->core->deadlines, &js->filters_due, js->filters->asked_ns + FILTER_IDLE_NS);
}

void source_filters_due(struct jetstream *js)
{
    while (js->filters && js->core->now.mono_ns - js->filters->asked_ns >= FILTER_IDLE_NS)
        drop_filter(js, js->filters);
    look_again(js);
}

static struct rill_store_filter *make_filter(struct durable *durable)
{
    struct jetstream *js = durable->stream->js;
    const struct consumer_settings *settings = durable->settings;
    struct source_filter *filter = rill_alloc_zero(1, sizeof *filter);
    while (js->filter_count >= FILTERS_MAX)
        drop_filter(js, js->filters);
    filter->store_filter =
        rill_store_filter_create(durable->stream->store, settings->filters, settings->filter_count);
    filter->durable = durable;
    filter->asked_ns = js->core->now.mono_ns;
    durable->source.filter = filter;
    DL_APPEND(js->filters, filter);
    js->filter_count++;
    look_again(js);
    return filter->store_filter;
}

struct rill_store_filter *source_everything(struct stream *stream)
{
    if (!stream->everything)
        stream->everything = rill_store_filter_create(stream->store, NULL, 0);
    return stream->everything;
}

static struct rill_store_filter *filter_of(struct durable *durable)
{
    struct stream *stream = durable->stream;
    struct source_filter *filter = durable->source.filter;
    if (durable->source.takes_all || durable->source.blind)
        return source_everything(stream);
    if (!filter)
        return make_filter(durable);
    filter->asked_ns = stream->js->core->now.mono_ns;
    DL_DELETE(stream->js->filters, filter);
    DL_APPEND(stream->js->filters, filter);
    return filter->store_filter;
}

// ---- what it takes ----

static bool passes(const struct consumer_settings *settings, struct rill_bytes subject)
{
    for (uint32_t i = 0; i < settings->filter_count; i++) {
        if (rill_subject_is_subset(subject, settings->filters[i]))
            return true;
    }
    return false;
}

/* Nothing that the stream stores is left out. */
static bool takes_all(const struct consumer_settings *settings, const Rill__StreamConfig *stream)
{
    bool all = !stream->subject_transform && stream->n_subjects > 0;
    for (size_t i = 0; all && i < stream->n_subjects; i++)
        all = passes(settings, rill_bytes_from_cstr(stream->subjects[i]));
    return all || settings->filter_count == 0 || passes(settings, RILL_BYTES(">"));
}

/* Is the cursor behind the list? Then nobody needs it any more. */
static void look_at_list(struct durable *durable)
{
    if (!durable->source.listed || durable->consumer->cursor <= durable->settings->listed_to)
        return;
    free(durable->source.listed);
    durable->source.listed = NULL;
    consumer_settings_forget_list(durable->settings);
}

void source_changed(struct durable *durable)
{
    const struct consumer_settings *settings = durable->settings;
    source_fini(durable);
    durable->source = (struct source){.takes_all = takes_all(settings, durable->stream->record->config)};
    if (settings->listed_to) {
        durable->source.listed = rill_alloc_zero(1, sizeof(struct listed));
        durable->source.listed->bytes = consumer_settings_listed(settings);
    }
    look_at_list(durable);
}

bool source_matches(const struct durable *durable, struct rill_bytes subject)
{
    return durable->source.takes_all || passes(durable->settings, subject);
}

// ---- finding ----

/* The index has failed: from now on everything is looked at. True when the question can be put once more. */
static bool go_blind(struct durable *durable)
{
    struct source *source = &durable->source;
    if (source->takes_all || source->blind)
        return false;
    source_stop(durable);
    source->blind = true;
    source->counted_from = 0;
    return true;
}

void source_see(struct durable *durable)
{
    struct source *source = &durable->source;
    if (!source->blind)
        return;
    source_stop(durable);
    source->blind = false;
    source->counted_from = 0;
}

static enum rill_err next_of_filter(struct durable *durable, uint64_t from, uint64_t *ret_sequence)
{
    enum rill_err err = rill_store_next(filter_of(durable), from, ret_sequence);
    if (err == RILL_ERR_UNAVAILABLE && go_blind(durable))
        err = rill_store_next(filter_of(durable), from, ret_sequence);
    return err;
}

enum rill_err source_next(struct durable *durable, uint64_t from, uint64_t *ret_sequence)
{
    const uint64_t listed_to = durable->settings->listed_to;
    struct listed *listed = durable->source.listed;
    RILL_ASSERT(from > 0 && durable->stream->store);
    if (listed && from <= listed_to) {
        if (listed_next(listed, source_everything(durable->stream), from, ret_sequence))
            return RILL_OK;
        from = listed_to + 1;
    }
    return next_of_filter(durable, from, ret_sequence);
}

// ---- counting ----

/* When nothing has left the stream, and all of it is for the consumer, what came since is known. */
static bool count_on(struct source *source, uint64_t last, uint64_t gone)
{
    if (!(source->takes_all || source->blind) || source->listed || source->gone != gone ||
        last < source->counted_to || source->counted_to + 1 < source->counted_from)
        return false;
    source->count += last - source->counted_to;
    return true;
}

/* Of the filter alone. */
static enum rill_err count_filter(struct durable *durable, uint64_t from)
{
    enum rill_err err = rill_store_count(filter_of(durable), from, &durable->source.count);
    if (err == RILL_ERR_UNAVAILABLE && go_blind(durable))
        err = rill_store_count(filter_of(durable), from, &durable->source.count);
    return err;
}

static enum rill_err count_anew(struct durable *durable, uint64_t gone)
{
    struct source *source = &durable->source;
    const struct stream *stream = durable->stream;
    const uint64_t cursor = durable->consumer->cursor;
    const enum rill_err err =
        count_filter(durable, source->listed ? durable->settings->listed_to + 1 : cursor);
    source->counted_from = err ? 0 : cursor;
    if (!err && source->listed)
        source->count += listed_count(source->listed, source_everything(durable->stream), cursor, gone,
                                      stream->js->core->now.mono_ns);
    return err;
}

enum rill_err source_count(struct durable *durable)
{
    struct source *source = &durable->source;
    const struct stream *stream = durable->stream;
    const bool from_here = source->counted_from == durable->consumer->cursor;
    if (from_here && source->log_change == stream->log_changes)
        return RILL_OK;
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    const uint64_t gone = log.last_sequence - log.messages;
    const bool counted = from_here && count_on(source, log.last_sequence, gone);
    const enum rill_err err = counted ? RILL_OK : count_anew(durable, gone);
    source->counted_to = log.last_sequence;
    source->log_change = stream->log_changes;
    source->gone = gone;
    return err;
}

void source_took(struct durable *durable, uint64_t sequence)
{
    struct source *source = &durable->source;
    const bool counted = source->counted_from == sequence && source->count > 0;
    RILL_ASSERT(durable->consumer->cursor == sequence + 1);
    source->count -= counted;
    source->counted_from = counted ? sequence + 1 : 0;
    if (source->listed && source->listed->counted_from == sequence && source->listed->count) {
        source->listed->count--;
        source->listed->counted_from = sequence + 1;
    }
    look_at_list(durable);
}

void source_took_run(struct durable *durable, uint64_t first, uint64_t count)
{
    struct source *source = &durable->source;
    const bool counted = source->counted_from == first && source->count >= count;
    RILL_ASSERT(source->takes_all && !source->listed && durable->consumer->cursor == first + count);
    source->count -= counted ? count : 0;
    source->counted_from = counted ? first + count : 0;
}

void source_skipped(struct durable *durable, uint64_t from, uint64_t to)
{
    struct source *source = &durable->source;
    RILL_ASSERT(durable->consumer->cursor == to && to > from);
    source->counted_from = source->counted_from == from ? to : 0;
    if (source->listed && source->listed->counted_from == from)
        source->listed->counted_from = to;
    look_at_list(durable);
}

// ---- asking later ----

void source_wait(struct durable *durable)
{
    durable_wait_for_stream(durable);
    stream_await_index(durable->stream);
}
