// SPDX-License-Identifier: Apache-2.0
#include "start.h"

#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "consumer_config.h"
#include "consumer_record.h"
#include "stream_tidy.h"

#include <stdlib.h>

enum { SUBJECTS_PER_STEP = 500, SUBJECT_BYTES_MAX = 64 * 1024 };

struct start *start_create(void)
{
    struct start *start = rill_alloc_zero(1, sizeof *start);
    rill_buf_init(&start->after, SUBJECT_BYTES_MAX);
    return start;
}

void start_destroy(struct start *start)
{
    if (!start)
        return;
    rill_buf_fini(&start->after);
    sequences_fini(&start->listed);
    free(start);
}

// ---- listing ----

struct listing {
    struct start *start;
    size_t visited;
};

static enum rill_err visit(void *context, const struct rill_store_subject *subject)
{
    struct listing *listing = context;
    struct start *start = listing->start;
    listing->visited++;
    if (subject->last_sequence <= start->listed_to)
        sequences_add(&start->listed, subject->last_sequence);
    start->after.len = 0;
    return rill_buf_append(&start->after, subject->subject);
}

static bool is_filtered(const Rill__ConsumerConfig *config)
{
    return consumer_config_filter_count(config) > 0;
}

/* Of one without a filter it is everything. */
static size_t filter_count(const Rill__ConsumerConfig *config)
{
    return is_filtered(config) ? consumer_config_filter_count(config) : 1;
}

static struct rill_bytes filter_at(const Rill__ConsumerConfig *config, size_t i)
{
    return is_filtered(config) ? consumer_config_filter_at(config, i) : RILL_BYTES(">");
}

/* Some more subjects. AGAIN as long as there may be others. */
static enum rill_err list_some(struct stream *stream, struct start *start, const Rill__ConsumerConfig *config)
{
    struct listing listing = {.start = start};
    if (start->filter == filter_count(config))
        return RILL_OK;
    const enum rill_err err =
        rill_store_subjects(stream->store, filter_at(config, start->filter), rill_buf_bytes(&start->after),
                            SUBJECTS_PER_STEP, visit, &listing);
    if (!err && listing.visited < SUBJECTS_PER_STEP) {
        start->filter++;
        start->after.len = 0;
    }
    return err ? err : RILL_ERR_AGAIN;
}

static void begin(struct stream *stream, struct start *start)
{
    if (start->begun)
        return;
    start->begun = true;
    start->listed_to = stream->last_committed;
}

static enum rill_err list(struct stream *stream, struct start *start, const Rill__ConsumerConfig *config)
{
    begin(stream, start);
    enum rill_err err = list_some(stream, start, config);
    if (err == RILL_ERR_AGAIN)
        stream_await_index(stream);
    if (!err)
        sequences_sort(&start->listed);
    return err;
}

void start_pack(const struct start *start, struct rill_buf *buf)
{
    uint64_t previous = 0;
    for (size_t i = 0; i < start->listed.count; i++) {
        RILL_ASSERT(start->listed.items[i] > previous);
        varint_append(buf, start->listed.items[i] - previous);
        previous = start->listed.items[i];
    }
}

// ---- the policies ----

static enum rill_err find_last(struct stream *stream, struct start *start, const Rill__ConsumerConfig *config,
                               uint64_t first_sequence)
{
    const enum rill_err err = is_filtered(config) ? list(stream, start, config) : RILL_OK;
    if (err)
        return err;
    if (!is_filtered(config))
        start->sequence = stream->last_committed ? stream->last_committed : 1;
    else
        start->sequence = start->listed.count ? start->listed.items[start->listed.count - 1] : first_sequence;
    start->listed_to = start->listed.count = 0; // it was only looked through
    return RILL_OK;
}

static enum rill_err find_time(struct stream *stream, struct asked *asked, const Rill__ConsumerConfig *config)
{
    asked->sequence = stream->last_committed + 1;
    const enum rill_err err = asked_find_time(stream, asked, config->opt_start_time->unix_ns);
    asked->start->sequence = asked->sequence;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err find_last_of_each(struct stream *stream, struct start *start,
                                       const Rill__ConsumerConfig *config, uint64_t first_sequence)
{
    start->sequence = first_sequence;
    if (stream->record->config->max_msgs_per_subject == 1)
        return RILL_OK; // there are no others
    const enum rill_err err = list(stream, start, config);
    if (!err)
        start->sequence = start->listed.count ? start->listed.items[0] : start->listed_to + 1;
    return err;
}

enum rill_err start_find(struct stream *stream, struct asked *asked, const Rill__ConsumerConfig *config)
{
    struct start *start = asked->start;
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    switch (config->deliver_policy) {
    case RILL__DELIVER_POLICY__DELIVER_POLICY_LAST:
        return find_last(stream, start, config, log.first_sequence);
    case RILL__DELIVER_POLICY__DELIVER_POLICY_NEW:
        start->sequence = stream->last_appended + 1;
        return RILL_OK;
    case RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE:
        start->sequence = config->opt_start_seq <= stream->last_appended ? config->opt_start_seq
                                                                         : stream->last_appended + 1;
        return RILL_OK;
    case RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_TIME:
        return find_time(stream, asked, config);
    case RILL__DELIVER_POLICY__DELIVER_POLICY_LAST_PER_SUBJECT:
        return find_last_of_each(stream, start, config, log.first_sequence);
    default:
        start->sequence = log.first_sequence;
        return RILL_OK;
    }
}
