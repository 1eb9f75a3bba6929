// SPDX-License-Identifier: Apache-2.0
//
// The index against an array of all that ever happened. Random feeds, seals, deletes, purges and queries, with
// the job delayed at random; reopened cleanly and as a kill would leave it; with the file removed, cut, flipped
// or exchanged in between. Every answer is right, or "damaged", and then it is built again.
#include "index.h"

#include "base/random.h"
#include "proto/subject.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(index_model);

enum {
    WINDOW_NS = 500,
    IDS = 300,
    SEGMENTS = 5,
    STEPS = 1500,
    EVENTS_MAX = 200000,
    MESSAGES_MAX = 40000,
    FILTERS = 5,
    TEXT_MAX = 32
};

enum event_kind { FED, DELETED, PURGED, SEALED };

struct event {
    enum event_kind kind;
    uint64_t sequence;
    uint32_t message; // of FED and DELETED: index in messages
    struct rill_index_block block;
};

struct message {
    uint64_t sequence;
    int64_t time_ns;
    int64_t expire_ns; // 0: never
    uint32_t id;       // 0: none
    char subject[TEXT_MAX];
    bool gone;
    bool sealed;
};

struct model {
    struct rill_random random;
    uint64_t seed;
    char folder[64], path[96];
    struct rill_index *index;
    struct rill_index_job *job;
    bool job_was_run;
    struct rill_index_filter *filters[FILTERS];
    char patterns[FILTERS][3][TEXT_MAX];
    size_t pattern_counts[FILTERS];
    uint32_t subject_style;
    struct event *events;
    size_t event_count;
    struct message *messages;
    uint32_t message_count;
    uint64_t first; // purged below
    uint64_t block;
    uint32_t block_start;
    uint64_t batch_bytes;
    uint64_t rebuilt, damaged;
    uint64_t summary;         // a number that every rotation raises; it is the state, and the details'
    uint64_t written_summary; // of the last finished batch
    uint64_t ready_summary;
    bool uses_ids, expires;
    int64_t work;   // that a call may do; 0: as ever
    bool is_sealed; // nothing was fed or deleted since the last block
};

static uint32_t below(struct model *model, uint32_t bound)
{
    return rill_random_below(&model->random, bound);
}

static struct rill_bytes bytes(const char *text)
{
    return rill_bytes_from_cstr(text);
}

static void random_subject(struct model *model, bool pattern, char *text)
{
    if (model->subject_style && below(model, 4)) {
        const uint32_t n = below(model, 700);
        if (pattern && !below(model, 3))
            sprintf(text, below(model, 2) ? "s.*" : "s.>");
        else if (pattern && !below(model, 3))
            sprintf(text, "*.%u", n);
        else
            sprintf(text, "s.%u", n);
        return;
    }
    const uint32_t tokens = 1 + below(model, 3);
    for (uint32_t i = 0; i < tokens; i++) {
        const char *choice = !pattern ? "abc" : i + 1 == tokens ? "abc**>" : "abc**";
        text += sprintf(text, "%s%c", i ? "." : "", choice[below(model, (uint32_t)strlen(choice))]);
    }
}

static void open_index(struct model *model, bool discard);

static void rotate(struct model *model);

static void drop_filters(struct model *model)
{
    for (int i = 0; i < FILTERS; i++) {
        rill_index_filter_destroy(model->filters[i]);
        model->filters[i] = NULL;
    }
}

static void close_index(struct model *model)
{
    if (model->job) {
        if (!model->job_was_run)
            rill_index_job_run(model->job);
        (void)!rill_index_job_finish(model->index, model->job);
        model->job = NULL;
    }
    drop_filters(model);
    rill_index_close(model->index);
    model->index = NULL;
}

/* The index says that it is damaged: so it is built again. */
static void rebuild(struct model *model)
{
    model->rebuilt++;
    close_index(model);
    open_index(model, true);
}

/* The last rotation that the file has; 0 before the first, or when it is damaged. */
static uint64_t read_summary(struct model *model)
{
    struct rill_buf state;
    unsigned long summary = 0;
    rill_buf_init(&state, 100);
    const enum rill_err err = rill_index_summary(model->index, &state);
    if (!err && !rill_buf_append(&state, rill_bytes_of((const uint8_t *)"", 1)))
        cr_assert(sscanf((const char *)state.data, "detail %lu", &summary) == 1);
    rill_buf_fini(&state);
    return summary;
}

static void finish_job(struct model *model)
{
    if (!model->job_was_run)
        rill_index_job_run(model->job);
    const enum rill_err err = rill_index_job_finish(model->index, model->job);
    model->job = NULL;
    if (err == RILL_ERR_DAMAGED && model->damaged) {
        rebuild(model);
        return;
    }
    cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
    const uint64_t summary = read_summary(model); // a checkpoint leaves it
    cr_assert(summary == 0 || summary == model->written_summary || summary == model->ready_summary);
    if (summary && summary == model->ready_summary) {
        model->written_summary = summary;
        model->ready_summary = 0;
    }
}

static void start_job(struct model *model)
{
    model->job = rill_index_job_start(model->index);
    model->job_was_run = false;
}

/* Tells the index a message. False when the index was built again meanwhile, and has been told everything. */
static bool tell_message(struct model *model, const struct message *message, enum rill_err *ret_err)
{
    char id[16];
    const uint64_t rebuilt = model->rebuilt;
    sprintf(id, "id-%u", message->id);
    const struct rill_index_message told = {.sequence = message->sequence,
                                            .time_ns = message->time_ns,
                                            .expire_ns = message->expire_ns,
                                            .subject = bytes(message->subject),
                                            .id = bytes(message->id ? id : "")};
    while ((*ret_err = rill_index_feed(model->index, &told)) == RILL_ERR_LIMIT) {
        if (!model->job)
            start_job(model);
        if (model->job)
            finish_job(model);
        if (model->rebuilt != rebuilt)
            return false;
    }
    return true;
}

/* Tells the index an event. False when the index was built again meanwhile, and has been told everything. */
static bool tell(struct model *model, const struct event *event)
{
    enum rill_err err = RILL_OK;
    const struct message *message = &model->messages[event->message];
    switch (event->kind) {
    case FED:
        if (!tell_message(model, message, &err))
            return false;
        break;
    case DELETED:
        err = rill_index_delete(model->index, event->sequence, bytes(message->subject));
        break;
    case PURGED:
        rill_index_purge_below(model->index, event->sequence);
        break;
    case SEALED:
        err = rill_index_seal(model->index, &event->block);
        if (!err && rill_index_wants_rotation(model->index))
            rotate(model);
        break;
    }
    cr_assert(eq(int, err, RILL_OK), "seed %lu: event %d", model->seed, event->kind);
    return true;
}

/* Everything is sealed. The summary says how often this was called. */
static void rotate(struct model *model)
{
    struct rill_index_segment segments[SEGMENTS] = {{0}};
    char detail[SEGMENTS][32];
    const uint64_t summary = model->summary + 1;
    for (uint64_t i = 0; i < SEGMENTS; i++) {
        sprintf(detail[i], "detail %lu", summary + i);
        segments[i] = (struct rill_index_segment){.number = summary + i,
                                                  .messages = summary,
                                                  .first_time_ns = -(int64_t)summary,
                                                  .detail = bytes(detail[i])};
    }
    const enum rill_err err = rill_index_rotate(
        model->index, &(struct rill_index_summary){.state = bytes(detail[0]),
                                                   .segments = segments,
                                                   .segment_count = SEGMENTS,
                                                   .segments_from = summary > 2 ? summary - 2 : 0});
    if (err == RILL_ERR_LIMIT)
        return;
    cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
    model->ready_summary = model->summary = summary;
}

/* Feeds what comes behind a position. */
static void replay(struct model *model, const struct rill_index_position *position)
{
    size_t at = 0;
    while (position->block && at < model->event_count &&
           !(model->events[at].kind == SEALED && model->events[at].block.number == position->block))
        at++;
    for (at += position->block ? 1 : 0; at < model->event_count; at++) {
        if (!tell(model, &model->events[at]))
            return;
    }
}

static void open_index(struct model *model, bool discard)
{
    struct rill_error_text why = {""};
    struct rill_index_position position;
    enum rill_index_found found;
    struct rill_index_options options = {
        .path = model->path,
        .identity = "the stream",
        .log_sequence = model->message_count ? model->messages[model->message_count - 1].sequence : 0,
        .batch_bytes = model->batch_bytes,
        .id_window_ns = WINDOW_NS,
        .era_postings = 50,
        .run_ids = 100,
        .work = model->work,
        .discard = discard};
    const enum rill_err err = rill_index_open(&options, &model->index, &found, &position, &why);
    cr_assert(eq(int, err, RILL_OK), "seed %lu: %s", model->seed, why.text);
    cr_assert(found == RILL_INDEX_KEPT || position.block == 0);
    model->ready_summary = 0;
    model->written_summary = found == RILL_INDEX_KEPT ? read_summary(model) : 0;
    if (found == RILL_INDEX_DAMAGED)
        cr_assert(model->damaged > 0, "seed %lu: damaged without a reason", model->seed);
    replay(model, &position);
}

static void happen(struct model *model, const struct event *event)
{
    cr_assert(model->event_count < EVENTS_MAX);
    model->events[model->event_count++] = *event;
    model->is_sealed = event->kind == SEALED || (event->kind == PURGED && model->is_sealed);
    (void)tell(model, event);
}

static void feed(struct model *model)
{
    for (uint32_t n = 1 + below(model, 40); n > 0 && model->message_count < MESSAGES_MAX; n--) {
        struct message *message = &model->messages[model->message_count];
        const struct message *last = model->message_count ? message - 1 : NULL;
        *message = (struct message){.sequence = (last ? last->sequence : 0) + 1 + (below(model, 20) ? 0 : 5),
                                    .time_ns = (last ? last->time_ns : 0) + below(model, 3)};
        if (model->uses_ids && below(model, 3))
            message->id = 1 + below(model, IDS);
        if (model->expires && !below(model, 3))
            message->expire_ns = message->time_ns + 1 + below(model, 300);
        random_subject(model, false, message->subject);
        model->message_count++;
        happen(model, &(struct event){
                          .kind = FED, .sequence = message->sequence, .message = model->message_count - 1});
    }
}

static void seal(struct model *model)
{
    struct event event = {
        .kind = SEALED,
        .block = {.number = ++model->block, .segment = 1, .offset = model->block, .length = 1}};
    if (model->block_start < model->message_count) {
        event.block.first_time_ns = model->messages[model->block_start].time_ns;
        event.block.last_time_ns = model->messages[model->message_count - 1].time_ns;
    }
    for (; model->block_start < model->message_count; model->block_start++)
        model->messages[model->block_start].sealed = true;
    happen(model, &event);
}

static bool is_live(const struct model *model, const struct message *message)
{
    return !message->gone && message->sequence >= model->first;
}

static void delete_at(struct model *model, uint32_t at)
{
    struct message *message = &model->messages[at];
    if (!is_live(model, message))
        return;
    message->gone = true;
    happen(model, &(struct event){.kind = DELETED, .sequence = message->sequence, .message = at});
}

/* Anywhere, or the oldest ones of a subject, as limits do. */
static void delete_some(struct model *model)
{
    if (!model->message_count)
        return;
    const uint32_t at = below(model, model->message_count);
    delete_at(model, at);
    uint32_t left = below(model, 3) ? 0 : below(model, 30);
    for (uint32_t i = 0; left && i < model->message_count; i++) {
        if (!is_live(model, &model->messages[i]) ||
            strcmp(model->messages[i].subject, model->messages[at].subject))
            continue;
        delete_at(model, i);
        left--;
    }
}

static void purge(struct model *model)
{
    if (!model->message_count)
        return;
    const uint64_t last = model->messages[model->message_count - 1].sequence;
    if (model->first < last)
        model->first += below(model, (uint32_t)(last - model->first) / 4 + 2);
    happen(model, &(struct event){.kind = PURGED, .sequence = model->first});
}

static void job(struct model *model)
{
    if (!model->job) {
        if (!below(model, 3) && model->is_sealed)
            rotate(model);
        start_job(model);
    } else if (!model->job_was_run && below(model, 2)) {
        rill_index_job_run(model->job);
        model->job_was_run = true;
    } else {
        finish_job(model);
    }
}

/* Right, or damaged and built again; false then. */
static bool is_answer(struct model *model, enum rill_err err)
{
    if (err == RILL_ERR_DAMAGED && model->damaged) {
        rebuild(model);
        return false;
    }
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND, "seed %lu: %s", model->seed, rill_err_text(err));
    return true;
}

static bool matches(const struct model *model, int filter, const char *subject)
{
    for (size_t i = 0; i < model->pattern_counts[filter]; i++) {
        if (rill_subject_matches(bytes(model->patterns[filter][i]), bytes(subject)))
            return true;
    }
    return false;
}

static void make_filter(struct model *model, int at)
{
    struct rill_bytes patterns[3];
    model->pattern_counts[at] = 1 + (below(model, 3) ? 0 : below(model, 3));
    for (size_t i = 0; i < model->pattern_counts[at]; i++) {
        random_subject(model, true, model->patterns[at][i]);
        patterns[i] = bytes(model->patterns[at][i]);
    }
    model->filters[at] = rill_index_filter_create(model->index, patterns, model->pattern_counts[at]);
}

/* As long as there is more to do; with a limit, because each time some of it must be done. */
static enum rill_err ask_again(struct model *model, int filter,
                               enum rill_err (*ask)(struct rill_index_filter *, uint64_t, uint64_t *),
                               uint64_t from, uint64_t *ret)
{
    enum rill_err err = RILL_ERR_AGAIN;
    for (uint32_t tries = 0; err == RILL_ERR_AGAIN; tries++) {
        cr_assert(tries < 4 * model->message_count + 2000, "seed %lu: never done", model->seed);
        err = ask(model->filters[filter], from, ret);
    }
    return err;
}

static void query_filter(struct model *model)
{
    const int at = (int)below(model, FILTERS);
    if (!below(model, 20)) {
        rill_index_filter_destroy(model->filters[at]);
        model->filters[at] = NULL;
    }
    if (!model->filters[at])
        make_filter(model, at);
    const uint64_t end = model->message_count ? model->messages[model->message_count - 1].sequence : 0;
    const uint64_t from = below(model, (uint32_t)end + 3);
    uint64_t next = 0, count = 0, want_next = 0, want_count = 0;
    for (uint32_t i = 0; i < model->message_count; i++) {
        const struct message *message = &model->messages[i];
        if (message->sequence < from || !is_live(model, message) || !matches(model, at, message->subject))
            continue;
        want_next = want_next ? want_next : message->sequence;
        want_count++;
    }
    if (below(model, 2)) {
        if (is_answer(model, ask_again(model, at, rill_index_next, from, &next)))
            cr_assert(eq(u64, next, want_next), "seed %lu: next of %s from %lu", model->seed,
                      model->patterns[at][0], from);
    } else if (is_answer(model, ask_again(model, at, rill_index_count, from, &count))) {
        cr_assert(eq(u64, count, want_count), "seed %lu: count of %s from %lu", model->seed,
                  model->patterns[at][0], from);
    }
}

static void query_last(struct model *model)
{
    char subject[TEXT_MAX];
    uint64_t last = 0, want = 0;
    random_subject(model, false, subject);
    for (uint32_t i = 0; i < model->message_count; i++) {
        if (is_live(model, &model->messages[i]) && !strcmp(model->messages[i].subject, subject))
            want = model->messages[i].sequence;
    }
    if (is_answer(model, rill_index_last(model->index, bytes(subject), &last)))
        cr_assert(eq(u64, last, want), "seed %lu: last of %s", model->seed, subject);
}

/* All of a subject: count, first and last. */
static void query_subject(struct model *model)
{
    struct rill_index_subject want = {0}, got = {0};
    char subject[TEXT_MAX];
    random_subject(model, false, subject);
    if (below(model, 2) && model->message_count)
        strcpy(subject, model->messages[below(model, model->message_count)].subject);
    for (uint32_t i = 0; i < model->message_count; i++) {
        const struct message *message = &model->messages[i];
        if (!is_live(model, message) || strcmp(message->subject, subject))
            continue;
        want.first_sequence = want.count++ ? want.first_sequence : message->sequence;
        want.last_sequence = message->sequence;
    }
    const enum rill_err err = rill_index_subject(model->index, bytes(subject), &got);
    if (!is_answer(model, err))
        return;
    cr_assert(eq(int, err, want.count ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu: %s", model->seed, subject);
    cr_assert(eq(u64, got.count, want.count), "seed %lu: count of %s", model->seed, subject);
    cr_assert(eq(u64, got.first_sequence, want.first_sequence), "seed %lu: first of %s", model->seed,
              subject);
    cr_assert(eq(u64, got.last_sequence, want.last_sequence), "seed %lu: last of %s", model->seed, subject);
}

/* The newest message with an id within the window, deleted or not. */
static void query_seen(struct model *model)
{
    char text[16];
    uint64_t want = 0, got = 0;
    const uint32_t id = 1 + below(model, IDS);
    const int64_t now = model->message_count ? model->messages[model->message_count - 1].time_ns : 0;
    const int64_t since = now - below(model, WINDOW_NS + 1);
    for (uint32_t i = 0; i < model->message_count; i++) {
        if (model->messages[i].id == id && model->messages[i].time_ns >= since)
            want = model->messages[i].sequence;
    }
    sprintf(text, "id-%u", id);
    const enum rill_err err = rill_index_seen(model->index, bytes(text), since, &got);
    if (!is_answer(model, err))
        return;
    cr_assert(eq(int, err, want ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu: id %u", model->seed, id);
    cr_assert(eq(u64, got, want), "seed %lu: id %u", model->seed, id);
}

static int compare_expiries(const void *a, const void *b)
{
    const struct rill_index_expiry *x = a, *y = b;
    if (x->expire_ns != y->expire_ns)
        return x->expire_ns < y->expire_ns ? -1 : 1;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* A page of what expires, in order, and when the next one does. Often they are deleted then. */
static void query_expired(struct model *model)
{
    static struct rill_index_expiry all[MESSAGES_MAX];
    struct rill_index_expiry page[20];
    const size_t capacity = below(model, 21);
    const int64_t now = below(model, model->message_count + 2);
    size_t count = 0, got = 0, due = 0;
    int64_t next = 0;
    for (uint32_t i = 0; i < model->message_count; i++) {
        if (model->messages[i].expire_ns && is_live(model, &model->messages[i]))
            all[count++] =
                (struct rill_index_expiry){model->messages[i].expire_ns, model->messages[i].sequence};
    }
    qsort(all, count, sizeof all[0], compare_expiries);
    while (due < count && due < capacity && all[due].expire_ns <= now)
        due++;
    if (!is_answer(model, rill_index_expired(model->index, now, page, capacity, &got, &next)))
        return;
    cr_assert(eq(u64, got, due), "seed %lu: expired at %ld", model->seed, now);
    for (size_t i = 0; i < got; i++)
        cr_assert(compare_expiries(&page[i], &all[i]) == 0, "seed %lu: expired at %ld", model->seed, now);
    cr_assert(eq(i64, next, due < count ? all[due].expire_ns : INT64_MAX), "seed %lu: %ld", model->seed, now);
    for (uint32_t i = 0; below(model, 3) && i < model->message_count; i++) {
        if (got && model->messages[i].sequence == page[0].sequence)
            delete_at(model, i);
    }
}

struct segment_check {
    const struct model *model;
    uint64_t count;
};

static enum rill_err check_segment(void *context, const struct rill_index_segment *segment)
{
    struct segment_check *check = context;
    const uint64_t last = check->model->written_summary, from = last > 2 ? last - 2 : 0;
    cr_assert(segment->number >= from && segment->number < last + SEGMENTS);
    cr_assert(eq(u64, segment->messages, segment->number < last ? segment->messages : last));
    cr_assert(eq(i64, segment->first_time_ns, -(int64_t)segment->messages));
    check->count++;
    return RILL_OK;
}

/* What the last finished rotation said of segments is there, and what it dropped is not. */
static void query_summary(struct model *model)
{
    struct rill_buf state, detail;
    char want[32];
    struct segment_check check = {.model = model};
    rill_buf_init(&state, 100);
    rill_buf_init(&detail, 100);
    const uint64_t number = model->written_summary + below(model, SEGMENTS);
    enum rill_err err = rill_index_summary(model->index, &state);
    if (is_answer(model, err)) {
        sprintf(want, "detail %lu", model->written_summary);
        cr_assert(eq(int, err, model->written_summary ? RILL_OK : RILL_ERR_NOT_FOUND));
        cr_assert(err || rill_bytes_equal(rill_buf_bytes(&state), bytes(want)), "seed %lu", model->seed);
        err = rill_index_segment_detail(model->index, number, &detail);
        sprintf(want, "detail %lu", number);
        if (model->written_summary && is_answer(model, err))
            cr_assert(rill_bytes_equal(rill_buf_bytes(&detail), bytes(want)), "seed %lu", model->seed);
    }
    if (is_answer(model, rill_index_segments(model->index, check_segment, &check)) && model->written_summary)
        cr_assert(check.count >= SEGMENTS, "seed %lu", model->seed);
    rill_buf_fini(&state);
    rill_buf_fini(&detail);
}

struct page {
    const struct model *model;
    const char *pattern;
    char last[TEXT_MAX];
    uint64_t visited, messages;
};

static enum rill_err check_subject(void *context, const struct rill_index_subject *subject)
{
    struct page *page = context;
    uint64_t count = 0, last = 0;
    cr_assert(rill_bytes_compare(subject->subject, bytes(page->last)) > 0);
    snprintf(page->last, sizeof page->last, RILL_PRI, RILL_ARG(subject->subject));
    for (uint32_t i = 0; i < page->model->message_count; i++) {
        const struct message *message = &page->model->messages[i];
        if (!is_live(page->model, message) || strcmp(message->subject, page->last))
            continue;
        count++;
        last = message->sequence;
    }
    cr_assert(eq(u64, subject->count, count), "seed %lu: count of %s", page->model->seed, page->last);
    cr_assert(le(u64, subject->first_sequence, subject->last_sequence));
    cr_assert(eq(u64, subject->last_sequence, last), "seed %lu: last of %s", page->model->seed, page->last);
    page->visited++;
    page->messages += count;
    return RILL_OK;
}

static void query_list(struct model *model)
{
    char pattern[TEXT_MAX], after[TEXT_MAX];
    struct page page = {.model = model};
    uint64_t before, want = 0;
    random_subject(model, true, pattern);
    do {
        before = page.visited;
        strcpy(after, page.last);
        if (!is_answer(model,
                       rill_index_list(model->index, bytes(pattern), bytes(after), 50, check_subject, &page)))
            return;
    } while (page.visited == before + 50);
    for (uint32_t i = 0; i < model->message_count; i++)
        want += is_live(model, &model->messages[i]) &&
                rill_subject_matches(bytes(pattern), bytes(model->messages[i].subject));
    cr_assert(eq(u64, page.messages, want), "seed %lu: list of %s", model->seed, pattern);
}

static void query_time(struct model *model)
{
    const int64_t time = below(model, model->message_count + 2);
    struct rill_store_range range = {0};
    const enum rill_err err = rill_index_at_time(model->index, time, &range);
    if (!is_answer(model, err))
        return;
    for (uint32_t i = 0; i < model->message_count; i++) {
        const struct message *message = &model->messages[i];
        if (message->time_ns < time || !is_live(model, message) || !message->sealed)
            continue;
        // The first live one is in the range, or the range has only deleted ones in front of it.
        cr_assert(eq(int, err, RILL_OK), "seed %lu: time %ld", model->seed, time);
        cr_assert(range.first_sequence <= message->sequence, "seed %lu: time %ld", model->seed, time);
        return;
    }
}

/* Removes `to`, and makes it a copy of `from` when that is there. */
static void copy_file(const struct model *model, const char *from_suffix, const char *to_suffix)
{
    char from_path[128], to_path[128], chunk[4096];
    snprintf(from_path, sizeof from_path, "%s%s", model->path, from_suffix);
    snprintf(to_path, sizeof to_path, "%s%s", model->path, to_suffix);
    (void)unlink(to_path);
    FILE *from = fopen(from_path, "rb");
    if (!from)
        return;
    FILE *to = fopen(to_path, "wb");
    cr_assert(to != NULL);
    for (size_t len; (len = fread(chunk, 1, sizeof chunk, from)) > 0;)
        cr_assert(fwrite(chunk, 1, len, to) == len);
    (void)fclose(from);
    (void)fclose(to);
}

static void remove_files(const struct model *model)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".copy", ".copy-wal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        copy_file(model, ".none", suffixes[i]);
    cr_assert(eq(int, rmdir(model->folder), 0), "something is left behind");
}

static void damage_file(struct model *model, const char *suffix)
{
    char path[128];
    snprintf(path, sizeof path, "%s%s", model->path, suffix);
    FILE *file = fopen(path, "r+b");
    if (!file)
        return;
    model->damaged++;
    (void)fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    const uint32_t how = size ? below(model, 4) : 3;
    if (how == 0) {
        cr_assert(eq(int, ftruncate(fileno(file), below(model, (uint32_t)size)), 0));
    } else if (how < 3) {
        const long at = below(model, (uint32_t)size);
        (void)fseek(file, at, SEEK_SET);
        const int byte = fgetc(file);
        (void)fseek(file, at, SEEK_SET);
        (void)fputc(byte ^ (1 << below(model, 8)), file);
    } else {
        (void)unlink(path);
    }
    (void)fclose(file);
}

/* An index of another stream takes the place of this one. */
static void exchange(struct model *model)
{
    struct rill_error_text why;
    struct rill_index *other;
    struct rill_index_position position;
    enum rill_index_found found;
    const struct rill_index_options options = {.path = model->path, .identity = "another", .discard = true};
    cr_assert(eq(int, rill_index_open(&options, &other, &found, &position, &why), RILL_OK));
    cr_assert(eq(int, rill_index_rotate(other, NULL), RILL_OK));
    struct rill_index_job *made = rill_index_job_start(other);
    rill_index_job_run(made);
    cr_assert(eq(int, rill_index_job_finish(other, made), RILL_OK));
    rill_index_close(other);
}

static void reopen(struct model *model)
{
    if (below(model, 2)) {
        // What a kill leaves: the files as they are while the index is open.
        copy_file(model, "", ".copy");
        copy_file(model, "-wal", ".copy-wal");
        close_index(model);
        copy_file(model, ".none", "-shm");
        copy_file(model, ".copy", "");
        copy_file(model, ".copy-wal", "-wal");
    } else {
        close_index(model);
    }
    switch (below(model, 8)) {
    case 0:
        damage_file(model, "");
        break;
    case 1:
        damage_file(model, "-wal");
        break;
    case 2:
        exchange(model);
        break;
    default:
        break;
    }
    open_index(model, false);
}

static void step(struct model *model)
{
    const uint32_t what = below(model, 100);
    if (what < 25)
        feed(model);
    else if (what < 35)
        seal(model);
    else if (what < 45)
        delete_some(model);
    else if (what < 46)
        purge(model);
    else if (what < 60)
        job(model);
    else if (what < 78)
        query_filter(model);
    else if (what < 81)
        query_subject(model);
    else if (what < 85)
        query_seen(model);
    else if (what < 88)
        query_expired(model);
    else if (what < 90)
        query_summary(model);
    else if (what < 92)
        rill_index_idle(model->index);
    else if (what < 94)
        query_last(model);
    else if (what < 96)
        query_list(model);
    else if (what < 98)
        query_time(model);
    else if (!below(model, 3))
        reopen(model);
}

static void run(uint64_t seed)
{
    struct model model = {.random = {seed}, .seed = seed};
    model.events = calloc(EVENTS_MAX, sizeof model.events[0]);
    model.messages = calloc(MESSAGES_MAX, sizeof model.messages[0]);
    strcpy(model.folder, "/tmp/rill-index-XXXXXX");
    cr_assert(mkdtemp(model.folder) != NULL);
    snprintf(model.path, sizeof model.path, "%s/index.db", model.folder);
    model.subject_style = below(&model, 2);
    model.uses_ids = below(&model, 2);
    model.expires = below(&model, 2);
    model.work = below(&model, 2) ? 1 + below(&model, below(&model, 2) ? 5 : 2000) : 0;
    model.batch_bytes = 500 + below(&model, 60000);
    open_index(&model, false);
    for (int i = 0; i < STEPS; i++)
        step(&model);
    close_index(&model);
    free(model.events);
    free(model.messages);
    remove_files(&model);
}

/* Whatever happens to it, the index answers as the array does, or says that it must be built again. */
Test(index_model, answers_as_the_array_does, .timeout = 280)
{
    const struct seed_range seeds = seed_range(20);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        printf("# seed %lu\n", seed);
        (void)fflush(stdout);
        run(seed);
    }
}
