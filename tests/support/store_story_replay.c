// SPDX-License-Identifier: Apache-2.0
//
// What an open tells, held against the story.
#include "store_story_content.h"

#include <stdio.h>

struct comparison {
    size_t told; // with an index: records up to the last event that was told
    const struct story *story;
    size_t at;
    size_t skipped; // records in front of the first segment
    bool begun;
    bool gone[STORY_RECORDS_MAX + 1]; // messages that were told of as removed before their removal was
};

static enum rill_err wrong(const struct comparison *comparison, const char *what)
{
    (void)fprintf(stderr, "replay: record %zu of %zu: %s\n", comparison->at, comparison->story->count, what);
    return RILL_ERR_INVALID;
}

/* A removal that names what is no longer there is not told; a rewriting forgets events, and removals. */
static bool is_untold(const struct comparison *comparison, const struct story_record *record)
{
    const struct story *story = comparison->story;
    const uint64_t head = comparison->skipped ? story->records[comparison->skipped - 1].sequence : 0;
    if (!record->is_message && story->forgets_events)
        return true;
    return record->removed_first && record->removed_first == record->removed_last &&
           (record->removed_last <= head || comparison->gone[record->removed_last]);
}

static void skip_untold(struct comparison *comparison, size_t limit)
{
    while (comparison->at < limit && is_untold(comparison, &comparison->story->records[comparison->at]))
        comparison->at++;
}

/* The next record, when it is the message with this sequence. */
static const struct story_record *next_message(struct comparison *comparison, uint64_t sequence)
{
    const struct story *story = comparison->story;
    const size_t before = comparison->at;
    skip_untold(comparison, story->count);
    const struct story_record *record =
        comparison->at < story->count ? &story->records[comparison->at] : NULL;
    if (record && record->is_message && record->sequence == sequence)
        return record;
    if (story->forgets_events)
        comparison->at = before; // they may be told yet
    return NULL;
}

/* Messages that are told of as removed where they stood. True when they are the next, and were removed. */
static bool take_gone(struct comparison *comparison, uint64_t first, uint64_t last)
{
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        if (!next_message(comparison, sequence) ||
            !story_is_removed(comparison->story, comparison->story->count, sequence))
            return false;
        comparison->gone[sequence] = true;
        comparison->at++;
    }
    return true;
}

/* The removal is one of those that come next. */
static bool take_removal(struct comparison *comparison, uint64_t first, uint64_t last)
{
    const struct story *story = comparison->story;
    for (size_t i = comparison->at; i < story->count; i++) {
        const struct story_record *record = &story->records[i];
        if (record->removed_first == first && record->removed_last == last) {
            comparison->at = i + 1;
            return true;
        }
        if (!is_untold(comparison, record))
            return false;
    }
    return false;
}

static enum rill_err compare_removed(void *context, uint64_t first, uint64_t last)
{
    struct comparison *comparison = context;
    const struct story *story = comparison->story;
    if (next_message(comparison, first) && story_is_removed(story, story->count, first))
        return take_gone(comparison, first, last) ? RILL_OK : wrong(comparison, "not removed");
    if (take_removal(comparison, first, last) || story->forgets_events)
        return RILL_OK;
    return first == 1 ? RILL_OK : wrong(comparison, "not this removal"); // the store repeats its floor
}

static enum rill_err compare_message(void *context, const struct rill_store_message *message)
{
    struct comparison *comparison = context;
    if (!next_message(comparison, message->sequence) || !story_message_is_right(comparison->story, message))
        return wrong(comparison, "not this message");
    comparison->at++;
    return RILL_OK;
}

/* The event is one of those that come next. */
static const struct story_record *find_event(struct comparison *comparison, enum rill_store_event type,
                                             struct rill_bytes bytes)
{
    const struct story *story = comparison->story;
    for (; comparison->at < story->count; comparison->at++) {
        const struct story_record *record = &story->records[comparison->at];
        struct story_content content;
        story_content_of(story, record->id, &content);
        if (!record->is_message && !record->removed_first && type == story_event_type_of(record->id) &&
            rill_bytes_equal(bytes, content.message.payload))
            return record;
        if (!is_untold(comparison, record))
            return NULL;
    }
    return NULL;
}

static enum rill_err compare_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    struct comparison *comparison = context;
    if (!find_event(comparison, type, bytes))
        return wrong(comparison, "not this event");
    comparison->at++;
    return RILL_OK;
}

static size_t records_before(struct rill_bytes checkpoint)
{
    char text[64];
    size_t count = SIZE_MAX;
    (void)snprintf(text, sizeof text, RILL_PRI, RILL_ARG(checkpoint));
    return sscanf(text, "after %zu records", &count) == 1 ? count : SIZE_MAX;
}

static enum rill_err compare_checkpoint(void *context, struct rill_bytes bytes)
{
    struct comparison *comparison = context;
    char expected[64];
    const size_t before = records_before(bytes);
    skip_untold(comparison, before < comparison->story->count ? before : comparison->story->count);
    if (!comparison->begun)
        comparison->at = comparison->skipped = before;
    comparison->begun = true;
    (void)snprintf(expected, sizeof expected, "after %zu records", comparison->at);
    return rill_bytes_equal_cstr(bytes, expected) ? RILL_OK : wrong(comparison, "not this checkpoint");
}

static bool is_erased(const struct story *story, uint64_t sequence)
{
    for (size_t i = 0; i < story->count; i++)
        if (story->records[i].erases && story->records[i].removed_first == sequence)
            return true;
    return false;
}

/* Only where messages were being overwritten (E4). Their removal is told when it is found. */
static enum rill_err compare_lost(void *context, uint64_t first, uint64_t last)
{
    struct comparison *comparison = context;
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        if (!next_message(comparison, sequence) || !is_erased(comparison->story, sequence))
            return RILL_ERR_DAMAGED;
        comparison->at++;
    }
    return RILL_OK;
}

// ---- with an index: what it covers is not told ----

static enum rill_err glimpse_message(void *context, const struct rill_store_message *message)
{
    const struct comparison *comparison = context;
    return story_message_is_right(comparison->story, message) ? RILL_OK
                                                              : wrong(comparison, "not this message");
}

static const struct story_record *next_event(struct comparison *comparison)
{
    const struct story *story = comparison->story;
    for (; comparison->at < story->count; comparison->at++) {
        const struct story_record *record = &story->records[comparison->at];
        if (!record->is_message && !record->removed_first)
            return record;
    }
    return NULL;
}

static bool is_event(const struct story *story, const struct story_record *record, enum rill_store_event type,
                     struct rill_bytes bytes)
{
    struct story_content content;
    story_content_of(story, record->id, &content);
    return type == story_event_type_of(record->id) && rill_bytes_equal(bytes, content.message.payload);
}

/* From the first checkpoint on no event is left out, but by a rewriting. */
static enum rill_err glimpse_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    struct comparison *comparison = context;
    const struct story_record *record = next_event(comparison);
    while (record && comparison->story->forgets_events && !is_event(comparison->story, record, type, bytes)) {
        comparison->at++;
        record = next_event(comparison);
    }
    if (!record || !comparison->begun)
        return wrong(comparison, "no event");
    if (!is_event(comparison->story, record, type, bytes))
        return wrong(comparison, "not this event");
    comparison->told = ++comparison->at;
    return RILL_OK;
}

static enum rill_err glimpse_checkpoint(void *context, struct rill_bytes bytes)
{
    struct comparison *comparison = context;
    const size_t before = records_before(bytes);
    if (before > comparison->story->count)
        return wrong(comparison, "not this checkpoint");
    if (!comparison->begun || (comparison->story->forgets_events && comparison->at < before))
        comparison->at = before;
    comparison->begun = true;
    (void)next_event(comparison);
    return comparison->at >= before ? RILL_OK : wrong(comparison, "events in front of this checkpoint");
}

/* Only what an overwriting may have torn. */
static enum rill_err glimpse_lost(void *context, uint64_t first, uint64_t last)
{
    const struct comparison *comparison = context;
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        if (!is_erased(comparison->story, sequence))
            return wrong(comparison, "lost");
    }
    return RILL_OK;
}

static void glimpse_again(void *context)
{
    struct comparison *comparison = context;
    *comparison = (struct comparison){.story = comparison->story};
}

/* Is the store where the story was behind its first `count` records? */
static bool is_behind(const struct story *story, size_t count, const struct rill_store *store)
{
    struct rill_store_state state;
    uint64_t messages = 0, last = 0;
    rill_store_state(store, &state);
    for (size_t i = 0; i < count; i++) {
        const struct story_record *record = &story->records[i];
        last = record->is_message ? record->sequence : last;
        messages += record->is_message && !story_is_removed(story, count, record->sequence);
    }
    return state.messages == messages && state.last_sequence == last;
}

static enum rill_err reopen_with_index(struct story *story, const struct rill_store_options *options,
                                       struct rill_store **ret_store, struct rill_store_report *ret_report)
{
    struct comparison comparison = {.story = story};
    const struct rill_store_visitor visitor = {
        .context = &comparison,
        .message = glimpse_message,
        .event = glimpse_event,
        .checkpoint = glimpse_checkpoint,
        .lost = glimpse_lost,
        .restart = glimpse_again,
    };
    struct rill_error_text why;
    const enum rill_err err = rill_store_open(options, &visitor, ret_store, ret_report, &why);
    if (err)
        return err;
    const bool told_more = comparison.told > story->committed;
    const bool is_old = !told_more && is_behind(story, story->committed, *ret_store);
    story->count = story->started = story->committed = is_old ? story->committed : story->started;
    if (next_event(&comparison))
        return wrong(&comparison, "an event is missing");
    story_check_state(story, *ret_store);
    return RILL_OK;
}

enum rill_err story_reopen(struct story *story, const struct rill_store_options *options,
                           struct rill_store **ret_store, struct rill_store_report *ret_report)
{
    if (story->with_index)
        return reopen_with_index(story, options, ret_store, ret_report);
    struct comparison comparison = {.story = story};
    const struct rill_store_visitor visitor = {
        .context = &comparison,
        .message = compare_message,
        .event = compare_event,
        .checkpoint = compare_checkpoint,
        .lost = compare_lost,
        .removed = compare_removed,
    };
    struct rill_error_text why;
    const enum rill_err err = rill_store_open(options, &visitor, ret_store, ret_report, &why);
    if (err)
        return err;
    // What was in flight is in the last segment, where everything is told.
    skip_untold(&comparison, comparison.at <= story->committed ? story->committed : story->started);
    if (comparison.at != story->committed && comparison.at != story->started)
        return wrong(&comparison, "the replay ends inside a commit");
    story->count = story->started = story->committed = comparison.at;
    for (size_t i = 0; i < comparison.skipped; i++)
        if (story->records[i].is_message &&
            !story_is_removed(story, story->count, story->records[i].sequence))
            return wrong(&comparison, "a message is gone that nobody removed");
    story_check_state(story, *ret_store);
    return RILL_OK;
}
