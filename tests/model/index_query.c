// SPDX-License-Identifier: Apache-2.0
#include "index_model.h"

#include "proto/subject.h"

#include <stdio.h>

/* Right, or damaged and built again; false then. */
static bool is_answer(struct model *model, enum rill_err err)
{
    if (err == RILL_ERR_DAMAGED && model->damaged) {
        model_rebuild(model);
        return false;
    }
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND, "seed %lu: %s", model->seed, rill_err_text(err));
    return true;
}

static bool matches(const struct model *model, int filter, const char *subject)
{
    for (size_t i = 0; i < model->pattern_counts[filter]; i++) {
        if (rill_subject_matches(model_bytes(model->patterns[filter][i]), model_bytes(subject)))
            return true;
    }
    return false;
}

static void make_filter(struct model *model, int at)
{
    struct rill_bytes patterns[3];
    model->pattern_counts[at] = 1 + (model_below(model, 3) ? 0 : model_below(model, 3));
    for (size_t i = 0; i < model->pattern_counts[at]; i++) {
        model_random_subject(model, true, model->patterns[at][i]);
        patterns[i] = model_bytes(model->patterns[at][i]);
    }
    model->filters[at] = rill_index_filter_create(model->index, patterns, model->pattern_counts[at]);
}

/* What may happen between the steps of a question. */
static void disturb(struct model *model)
{
    const uint32_t what = model_below(model, 60);
    if (what < 6)
        model_delete_some(model);
    else if (what < 8)
        model_feed(model);
    else if (what < 9)
        model_job(model);
    else if (what < 10 && !model_below(model, 10))
        model_purge(model);
}

/* As long as there is more to do; with a limit, because each time some of it must be done. DAMAGED as well when the index
   was built again meanwhile, and with it the filters. */
static enum rill_err ask_again(struct model *model, int filter,
                               enum rill_err (*ask)(struct rill_index_filter *, uint64_t, uint64_t *),
                               uint64_t from, uint64_t *ret)
{
    enum rill_err err = RILL_ERR_AGAIN;
    const uint64_t rebuilt = model->rebuilt;
    for (uint32_t tries = 0; err == RILL_ERR_AGAIN; tries++) {
        cr_assert(tries < 4 * model->message_count + 2000, "seed %lu: never done", model->seed);
        err = ask(model->filters[filter], from, ret);
        if (err == RILL_ERR_AGAIN && tries < 200)
            disturb(model);
        if (model->rebuilt != rebuilt)
            return RILL_ERR_DAMAGED;
    }
    return err;
}

/* The first one from there on, and how many. */
static void look(struct model *model, int filter, uint64_t from, uint64_t *ret_next, uint64_t *ret_count)
{
    *ret_next = *ret_count = 0;
    for (uint32_t i = 0; i < model->message_count; i++) {
        const struct message *message = &model->messages[i];
        if (message->sequence < from || !model_is_live(model, message) ||
            !matches(model, filter, message->subject))
            continue;
        *ret_next = *ret_next ? *ret_next : message->sequence;
        ++*ret_count;
    }
}

void model_query_filter(struct model *model)
{
    const int at = (int)model_below(model, FILTERS);
    if (!model_below(model, 20)) {
        rill_index_filter_destroy(model->filters[at]);
        model->filters[at] = NULL;
    }
    if (!model->filters[at])
        make_filter(model, at);
    const uint64_t end = model->message_count ? model->messages[model->message_count - 1].sequence : 0;
    const uint64_t from = model_below(model, (uint32_t)end + 3);
    uint64_t next = 0, count = 0, want_next = 0, want_count = 0;
    const uint64_t rebuilt = model->rebuilt;
    const bool is_next = model_below(model, 2);
    const enum rill_err err = is_next ? ask_again(model, at, rill_index_next, from, &next)
                                      : ask_again(model, at, rill_index_count, from, &count);
    if (model->rebuilt != rebuilt || !is_answer(model, err))
        return;
    look(model, at, from, &want_next, &want_count);
    if (is_next)
        cr_assert(eq(u64, next, want_next), "seed %lu: next of %s from %lu", model->seed,
                  model->patterns[at][0], from);
    else
        cr_assert(eq(u64, count, want_count), "seed %lu: count of %s from %lu", model->seed,
                  model->patterns[at][0], from);
}

void model_query_last(struct model *model)
{
    char subject[TEXT_MAX];
    uint64_t last = 0, want = 0;
    model_random_subject(model, false, subject);
    for (uint32_t i = 0; i < model->message_count; i++) {
        if (model_is_live(model, &model->messages[i]) && !strcmp(model->messages[i].subject, subject))
            want = model->messages[i].sequence;
    }
    if (is_answer(model, rill_index_last(model->index, model_bytes(subject), &last)))
        cr_assert(eq(u64, last, want), "seed %lu: last of %s", model->seed, subject);
}

void model_query_subject(struct model *model)
{
    struct rill_index_subject want = {0}, got = {0};
    char subject[TEXT_MAX];
    model_random_subject(model, false, subject);
    if (model_below(model, 2) && model->message_count)
        strcpy(subject, model->messages[model_below(model, model->message_count)].subject);
    for (uint32_t i = 0; i < model->message_count; i++) {
        const struct message *message = &model->messages[i];
        if (!model_is_live(model, message) || strcmp(message->subject, subject))
            continue;
        want.first_sequence = want.count++ ? want.first_sequence : message->sequence;
        want.last_sequence = message->sequence;
    }
    const enum rill_err err = rill_index_subject(model->index, model_bytes(subject), &got);
    if (!is_answer(model, err))
        return;
    cr_assert(eq(int, err, want.count ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu: %s", model->seed, subject);
    cr_assert(eq(u64, got.count, want.count), "seed %lu: count of %s", model->seed, subject);
    cr_assert(eq(u64, got.first_sequence, want.first_sequence), "seed %lu: first of %s", model->seed,
              subject);
    cr_assert(eq(u64, got.last_sequence, want.last_sequence), "seed %lu: last of %s", model->seed, subject);
}

void model_query_seen(struct model *model)
{
    char text[16];
    uint64_t want = 0, got = 0;
    const uint32_t id = 1 + model_below(model, IDS);
    const int64_t now = model->message_count ? model->messages[model->message_count - 1].time_ns : 0;
    const int64_t since = now - model_below(model, WINDOW_NS + 1);
    for (uint32_t i = 0; i < model->message_count; i++) {
        if (model->messages[i].id == id && model->messages[i].time_ns >= since)
            want = model->messages[i].sequence;
    }
    sprintf(text, "id-%u", id);
    const enum rill_err err = rill_index_seen(model->index, model_bytes(text), since, &got);
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

void model_query_expired(struct model *model)
{
    static struct rill_index_expiry all[MESSAGES_MAX];
    struct rill_index_expiry page[20];
    const size_t capacity = model_below(model, 21);
    const int64_t now = model_below(model, model->message_count + 2);
    size_t count = 0, got = 0, due = 0;
    int64_t next = 0;
    for (uint32_t i = 0; i < model->message_count; i++) {
        if (model->messages[i].expire_ns && model_is_live(model, &model->messages[i]))
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
    for (uint32_t i = 0; model_below(model, 3) && i < model->message_count; i++) {
        if (got && model->messages[i].sequence == page[0].sequence)
            model_delete_at(model, i);
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

void model_query_summary(struct model *model)
{
    struct rill_buf state, detail;
    char want[32];
    struct segment_check check = {.model = model};
    rill_buf_init(&state, 100);
    rill_buf_init(&detail, 100);
    const uint64_t number = model->written_summary + model_below(model, SEGMENTS);
    enum rill_err err = rill_index_summary(model->index, &state);
    if (is_answer(model, err)) {
        sprintf(want, "detail %lu", model->written_summary);
        cr_assert(eq(int, err, model->written_summary ? RILL_OK : RILL_ERR_NOT_FOUND));
        cr_assert(err || rill_bytes_equal(rill_buf_bytes(&state), model_bytes(want)), "seed %lu",
                  model->seed);
        err = rill_index_segment_detail(model->index, number, &detail);
        sprintf(want, "detail %lu", number);
        if (model->written_summary && is_answer(model, err))
            cr_assert(rill_bytes_equal(rill_buf_bytes(&detail), model_bytes(want)), "seed %lu", model->seed);
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
    cr_assert(rill_bytes_compare(subject->subject, model_bytes(page->last)) > 0);
    snprintf(page->last, sizeof page->last, RILL_PRI, RILL_ARG(subject->subject));
    for (uint32_t i = 0; i < page->model->message_count; i++) {
        const struct message *message = &page->model->messages[i];
        if (!model_is_live(page->model, message) || strcmp(message->subject, page->last))
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

void model_query_list(struct model *model)
{
    char pattern[TEXT_MAX], after[TEXT_MAX];
    struct page page = {.model = model};
    uint64_t before, want = 0;
    model_random_subject(model, true, pattern);
    do {
        before = page.visited;
        strcpy(after, page.last);
        if (!is_answer(model, rill_index_list(model->index, model_bytes(pattern), model_bytes(after), 50,
                                              check_subject, &page)))
            return;
    } while (page.visited == before + 50);
    for (uint32_t i = 0; i < model->message_count; i++)
        want += model_is_live(model, &model->messages[i]) &&
                rill_subject_matches(model_bytes(pattern), model_bytes(model->messages[i].subject));
    cr_assert(eq(u64, page.messages, want), "seed %lu: list of %s", model->seed, pattern);
}

void model_query_time(struct model *model)
{
    const int64_t time = model_below(model, model->message_count + 2);
    struct rill_store_range range = {0};
    const enum rill_err err = rill_index_at_time(model->index, time, &range);
    if (!is_answer(model, err))
        return;
    for (uint32_t i = 0; i < model->message_count; i++) {
        const struct message *message = &model->messages[i];
        if (message->time_ns < time || !model_is_live(model, message) || !message->sealed)
            continue;
        // The first live one is in the range, or the range has only deleted ones in front of it.
        cr_assert(eq(int, err, RILL_OK), "seed %lu: time %ld", model->seed, time);
        cr_assert(range.first_sequence <= message->sequence, "seed %lu: time %ld", model->seed, time);
        return;
    }
}
