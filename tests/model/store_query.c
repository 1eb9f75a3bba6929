// SPDX-License-Identifier: Apache-2.0
#include "store_model.h"

#include "proto/subject.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

/* ---- what messages are made of ---- */

void model_subject_text(uint32_t subject, char ret[MODEL_TEXT_MAX])
{
    (void)snprintf(ret, MODEL_TEXT_MAX, "s%u.%s.t%u", subject % 3, subject % 2 ? "a" : "b", subject);
}

struct rill_bytes model_payload(uint64_t sequence, size_t bytes)
{
    static uint8_t payload[MODEL_PAYLOAD_MAX];
    memset(payload, (int)(sequence % 251), sizeof payload);
    return rill_bytes_of(payload, bytes);
}

struct rill_bytes model_headers(const struct oracle_message *message, char ret[MODEL_TEXT_MAX])
{
    char id[32] = "", ttl[32] = "";
    if (message->id)
        (void)snprintf(id, sizeof id, "Nats-Msg-Id: id-%u\r\n", message->id);
    if (message->ttl)
        (void)snprintf(ttl, sizeof ttl, "Nats-TTL: %s\r\n",
                       message->ttl < 0    ? "never"
                       : message->ttl == 1 ? "1"
                                           : "2s");
    ret[0] = 0;
    if (message->id || message->ttl)
        (void)snprintf(ret, MODEL_TEXT_MAX, "NATS/1.0\r\n%s%s\r\n", id, ttl);
    return rill_bytes_from_cstr(ret);
}

/* ---- reading ---- */

static void expect_message(struct model *model, const struct rill_store_message *message,
                           const struct oracle_message *wanted, uint64_t sequence)
{
    char subject[MODEL_TEXT_MAX], headers[MODEL_TEXT_MAX];
    model_subject_text(wanted->subject, subject);
    cr_assert(eq(u64, message->sequence, sequence), "seed %lu", model->seed);
    cr_assert(eq(i64, message->time_ns, wanted->time_ns), "seed %lu", model->seed);
    cr_assert(rill_bytes_equal_cstr(message->subject, subject), "seed %lu", model->seed);
    cr_assert(rill_bytes_equal(message->headers, model_headers(wanted, headers)), "seed %lu", model->seed);
    cr_assert(rill_bytes_equal(message->payload, model_payload(sequence, wanted->payload_bytes)), "seed %lu",
              model->seed);
}

void model_read(struct model *model, uint64_t sequence)
{
    const struct oracle_message *wanted = oracle_find(&model->oracle, COMMITTED, sequence);
    for (size_t i = 0; i < model->side_count; i++) {
        struct model_side *side = &model->sides[i];
        struct rill_store_message message;
        const enum rill_err err = drive_read(side->store, sequence, &message);
        if (model_excuses(model, err))
            continue;
        cr_assert(eq(int, err, wanted ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu, %s: %lu", model->seed,
                  side->name, sequence);
        if (wanted)
            expect_message(model, &message, wanted, sequence);
    }
}

/* ---- filters ---- */

enum { PATTERNS_MAX = 2, ALL = 4, LITERAL = 3 };

static const struct {
    size_t count;
    const char *patterns[PATTERNS_MAX];
} patterns[MODEL_FILTERS] = {
    {1, {"s1.>"}}, {1, {"*.a.*"}}, {2, {"s0.b.t6", "s2.>"}}, [LITERAL] = {1, {"s2.a.t5"}}, [ALL] = {1, {">"}},
};

void model_make_filters(struct model_side *side)
{
    for (size_t i = 0; i < MODEL_FILTERS; i++) {
        struct rill_bytes views[PATTERNS_MAX];
        for (size_t j = 0; j < patterns[i].count; j++)
            views[j] = rill_bytes_from_cstr(patterns[i].patterns[j]);
        side->filters[i] = rill_store_filter_create(side->store, views, patterns[i].count);
    }
}

void model_drop_filters(struct model_side *side)
{
    for (size_t i = 0; i < MODEL_FILTERS; i++)
        rill_store_filter_destroy(side->filters[i]);
}

static bool matches(const char *pattern, uint32_t subject)
{
    char text[MODEL_TEXT_MAX];
    model_subject_text(subject, text);
    return rill_subject_matches(rill_bytes_from_cstr(pattern), rill_bytes_from_cstr(text));
}

bool model_matches(size_t filter, uint32_t subject)
{
    bool any = false;
    for (size_t j = 0; j < patterns[filter].count; j++)
        any |= matches(patterns[filter].patterns[j], subject);
    return any;
}

static void count_one(struct rill_store_subject *counted, uint64_t sequence)
{
    counted->first_sequence = counted->count++ ? counted->first_sequence : sequence;
    counted->last_sequence = sequence;
}

struct rill_store_subject model_wanted(const struct model *model, size_t filter, uint64_t from)
{
    struct rill_store_subject wanted = {.count = 0};
    for (uint64_t sequence = from ? from : 1; sequence <= model->oracle.last[COMMITTED]; sequence++) {
        const struct oracle_message *message = oracle_find(&model->oracle, COMMITTED, sequence);
        if (message && model_matches(filter, message->subject))
            count_one(&wanted, sequence);
    }
    return wanted;
}

static struct rill_store_subject wanted_subject(const struct model *model, uint32_t subject)
{
    struct rill_store_subject wanted = {.count = 0};
    for (uint64_t sequence = 1; sequence <= model->oracle.last[COMMITTED]; sequence++) {
        const struct oracle_message *message = oracle_find(&model->oracle, COMMITTED, sequence);
        if (message && message->subject == subject)
            count_one(&wanted, sequence);
    }
    return wanted;
}

bool model_is_unavailable(struct model *model, const struct model_side *side, size_t filter,
                          enum rill_err err)
{
    const bool is = err == RILL_ERR_UNAVAILABLE;
    model->asked++;
    if (model_excuses(model, err))
        return true;
    if (is) // its file may have been out of reach for a moment
        cr_assert(filter != ALL &&
                      (!model->has_index || drive_state(side->store).index_failed || model->faulty.failed),
                  "seed %lu, %s: unavailable without a reason", model->seed, side->name);
    else
        cr_assert(filter == ALL || model->has_index, "seed %lu, %s: who answers?", model->seed, side->name);
    model->unavailable += is;
    return is;
}

static void query_next(struct model *model, struct model_side *side, size_t filter, uint64_t from,
                       const struct rill_store_subject *wanted)
{
    uint64_t next = 0;
    enum rill_err err;
    while ((err = rill_store_next(side->filters[filter], from, &next)) == RILL_ERR_AGAIN)
        (void)model_work(model, side);
    if (model_is_unavailable(model, side, filter, err))
        return;
    cr_assert(eq(int, err, wanted->count ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu, %s", model->seed,
              side->name);
    cr_assert(eq(u64, next, wanted->first_sequence), "seed %lu, %s", model->seed, side->name);
}

static void query_count(struct model *model, struct model_side *side, size_t filter, uint64_t from,
                        const struct rill_store_subject *wanted)
{
    uint64_t count = 0;
    enum rill_err err;
    while ((err = rill_store_count(side->filters[filter], from, &count)) == RILL_ERR_AGAIN)
        (void)model_work(model, side);
    if (model_is_unavailable(model, side, filter, err))
        return;
    cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
    cr_assert(eq(u64, count, wanted->count), "seed %lu, %s: filter %zu from %lu", model->seed, side->name,
              filter, from);
}

void model_query_filter(struct model *model)
{
    const size_t filter = model_below(model, MODEL_FILTERS);
    const uint64_t from = model_below(model, (uint32_t)model->oracle.last[OPEN] + 3);
    const struct rill_store_subject wanted = model_wanted(model, filter, from);
    for (size_t i = 0; i < model->side_count; i++) {
        query_next(model, &model->sides[i], filter, from, &wanted);
        query_count(model, &model->sides[i], filter, from, &wanted);
    }
}

/* ---- subjects ---- */

static void expect_subject(struct model *model, const struct rill_store_subject *found,
                           const struct rill_store_subject *wanted)
{
    cr_assert(eq(u64, found->count, wanted->count), "seed %lu", model->seed);
    cr_assert(eq(u64, found->first_sequence, wanted->first_sequence), "seed %lu", model->seed);
    cr_assert(eq(u64, found->last_sequence, wanted->last_sequence), "seed %lu", model->seed);
}

static void query_subject(struct model *model, struct model_side *side, uint32_t number)
{
    const struct rill_store_subject wanted = wanted_subject(model, number);
    struct rill_store_subject found = {.count = 0};
    char text[MODEL_TEXT_MAX];
    enum rill_err err;
    model_subject_text(number, text);
    while ((err = rill_store_subject(side->store, rill_bytes_from_cstr(text), &found)) == RILL_ERR_AGAIN)
        (void)model_work(model, side);
    if (model_is_unavailable(model, side, LITERAL, err))
        return;
    cr_assert(eq(int, err, wanted.count ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu", model->seed);
    expect_subject(model, &found, &wanted);
}

/* A listing, page by page. */
struct pages {
    struct model *model;
    const char *pattern;
    char last[MODEL_TEXT_MAX];
    uint32_t visited;
};

static enum rill_err visit_subject(void *context, const struct rill_store_subject *subject)
{
    struct pages *pages = context;
    uint32_t number = 0;
    char text[MODEL_TEXT_MAX];
    cr_assert(rill_bytes_compare(subject->subject, rill_bytes_from_cstr(pages->last)) > 0, "seed %lu",
              pages->model->seed);
    (void)snprintf(pages->last, sizeof pages->last, RILL_PRI, RILL_ARG(subject->subject));
    cr_assert(eq(int, sscanf(strrchr(pages->last, 't'), "t%u", &number), 1));
    model_subject_text(number, text);
    cr_assert(eq(str, pages->last, text), "seed %lu", pages->model->seed);
    cr_assert(matches(pages->pattern, number), "seed %lu: %s", pages->model->seed, text);
    const struct rill_store_subject wanted = wanted_subject(pages->model, number);
    expect_subject(pages->model, subject, &wanted);
    pages->visited++;
    return RILL_OK;
}

static void query_list(struct model *model, struct model_side *side, const char *pattern, size_t limit)
{
    struct pages pages = {.model = model, .pattern = pattern};
    uint32_t before, wanted = 0;
    do {
        char after[MODEL_TEXT_MAX];
        enum rill_err err;
        before = pages.visited;
        strcpy(after, pages.last);
        while ((err = rill_store_subjects(side->store, rill_bytes_from_cstr(pattern),
                                          rill_bytes_from_cstr(after), limit, visit_subject, &pages)) ==
               RILL_ERR_AGAIN)
            (void)model_work(model, side);
        if (model_is_unavailable(model, side, LITERAL, err))
            return;
        cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
        cr_assert(le(sz, pages.visited - before, limit), "seed %lu", model->seed);
    } while (pages.visited > before);
    for (uint32_t number = 0; number < MODEL_SUBJECTS; number++)
        wanted += matches(pattern, number) && wanted_subject(model, number).count;
    cr_assert(eq(u32, pages.visited, wanted), "seed %lu, %s: %s", model->seed, side->name, pattern);
}

void model_query_subjects(struct model *model)
{
    static const char *const lists[] = {">", "s1.>", "*.a.*", "s2.a.t5", "nobody"};
    const uint32_t number = model_below(model, MODEL_SUBJECTS);
    const char *pattern = lists[model_below(model, sizeof lists / sizeof lists[0])];
    const size_t limit = 1 + model_below(model, 8);
    for (size_t i = 0; i < model->side_count; i++) {
        query_subject(model, &model->sides[i], number);
        query_list(model, &model->sides[i], pattern, limit);
    }
}

/* ---- ids and times ---- */

/* The newest with this id, committed or not; also one that is gone, unless only live ones count. 0: none. */
static uint64_t wanted_seen(const struct model *model, uint32_t id, int64_t since_ns, bool live)
{
    for (uint64_t sequence = model->oracle.last[OPEN]; sequence; sequence--) {
        const struct oracle_message *message = &model->oracle.messages[sequence - 1];
        if (message->time_ns < since_ns)
            return 0;
        if (message->id == id && !(live && message->gone[OPEN]))
            return sequence;
    }
    return 0;
}

/* An index that was made again from the log does not know of those that are not in the log any more. */
static bool is_seen(const struct model *model, uint32_t id, int64_t since_ns, uint64_t found)
{
    const uint64_t wanted = wanted_seen(model, id, since_ns, false);
    if (found == wanted || !model->has_lost_index)
        return found == wanted;
    return found < wanted && found >= wanted_seen(model, id, since_ns, true) &&
           (!found || (model->oracle.messages[found - 1].id == id &&
                       model->oracle.messages[found - 1].time_ns >= since_ns));
}

void model_query_seen(struct model *model)
{
    const uint64_t last = model->oracle.last[OPEN];
    const int64_t newest_ns = last ? model->oracle.messages[last - 1].time_ns : 0;
    const int64_t since_ns = newest_ns - model_below(model, MODEL_ID_WINDOW_NS);
    const uint32_t id = 1 + model_below(model, MODEL_IDS);
    char text[MODEL_TEXT_MAX];
    (void)snprintf(text, sizeof text, "id-%u", id);
    for (size_t i = 0; i < model->side_count; i++) {
        struct model_side *side = &model->sides[i];
        uint64_t found = 0;
        const enum rill_err err = rill_store_seen(side->store, rill_bytes_from_cstr(text), since_ns, &found);
        if (model_is_unavailable(model, side, LITERAL, err))
            continue;
        cr_assert(eq(int, err, found ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu", model->seed);
        cr_assert(is_seen(model, id, since_ns, found), "seed %lu, %s: id %u is in %lu, not in %lu",
                  model->seed, side->name, id, wanted_seen(model, id, since_ns, false), found);
    }
}

static uint64_t wanted_at(const struct model *model, int64_t time_ns)
{
    const uint64_t last = model->oracle.last[COMMITTED];
    for (uint64_t sequence = 1; sequence <= last; sequence++) {
        const struct oracle_message *message = oracle_find(&model->oracle, COMMITTED, sequence);
        if (message && message->time_ns >= time_ns)
            return sequence;
    }
    return 0;
}

void model_query_time(struct model *model)
{
    const int64_t first_ns = oracle_state(&model->oracle, COMMITTED).first_time_ns;
    const int64_t time_ns = first_ns - 2 + model_below(model, (uint32_t)(model->now_ns - first_ns + 5));
    const uint64_t wanted = wanted_at(model, time_ns);
    for (size_t i = 0; i < model->side_count; i++) {
        uint64_t found = 0;
        const enum rill_err err = drive_at_time(model->sides[i].store, time_ns, &found);
        if (model_excuses(model, err))
            continue;
        cr_assert(eq(int, err, wanted ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu", model->seed);
        cr_assert(err || found == wanted, "seed %lu, %s: %lu, not %lu", model->seed, model->sides[i].name,
                  found, wanted);
    }
}

void model_query_deleted(struct model *model)
{
    const uint64_t first = oracle_state(&model->oracle, COMMITTED).first_sequence;
    for (size_t i = 0; i < model->side_count; i++) {
        size_t count, at = 0;
        const struct rill_store_range *ranges = rill_store_deleted(model->sides[i].store, &count);
        if (model->has_faults && drive_state(model->sides[i].store).index_failed)
            continue; // a directory could not be fetched
        for (uint64_t sequence = first; sequence <= model->oracle.last[COMMITTED]; sequence++) {
            while (at < count && ranges[at].last_sequence < sequence)
                at++;
            const bool deleted = at < count && ranges[at].first_sequence <= sequence;
            cr_assert(eq(int, deleted, !oracle_find(&model->oracle, COMMITTED, sequence)), "seed %lu",
                      model->seed);
        }
    }
}
