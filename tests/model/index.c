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

enum { STEPS = 1500, EVENTS_MAX = 200000, MESSAGES_MAX = 40000, FILTERS = 5, TEXT_MAX = 32 };

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

static void finish_job(struct model *model)
{
    if (!model->job_was_run)
        rill_index_job_run(model->job);
    const enum rill_err err = rill_index_job_finish(model->index, model->job);
    model->job = NULL;
    if (err == RILL_ERR_DAMAGED && model->damaged)
        rebuild(model);
    else
        cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
}

/* Jobs until there is room. */
static void drain(struct model *model)
{
    if (!model->job) {
        model->job = rill_index_job_start(model->index);
        model->job_was_run = false;
    }
    if (model->job)
        finish_job(model);
}

/* Tells the index an event. False when the index was built again meanwhile, and has been told everything. */
static bool tell(struct model *model, const struct event *event)
{
    enum rill_err err = RILL_OK;
    const struct message *message = &model->messages[event->message];
    switch (event->kind) {
    case FED:
        while ((err = rill_index_feed(model->index, event->sequence, bytes(message->subject))) ==
               RILL_ERR_LIMIT) {
            const uint64_t rebuilt = model->rebuilt;
            drain(model);
            if (model->rebuilt != rebuilt)
                return false;
        }
        break;
    case DELETED:
        err = rill_index_delete(model->index, event->sequence, bytes(message->subject));
        break;
    case PURGED:
        rill_index_purge_below(model->index, event->sequence);
        break;
    case SEALED:
        err = rill_index_seal(model->index, &event->block);
        break;
    }
    cr_assert(eq(int, err, RILL_OK), "seed %lu: event %d", model->seed, event->kind);
    return true;
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
        .discard = discard};
    const enum rill_err err = rill_index_open(&options, &model->index, &found, &position, &why);
    cr_assert(eq(int, err, RILL_OK), "seed %lu: %s", model->seed, why.text);
    cr_assert(found == RILL_INDEX_KEPT || position.block == 0);
    if (found == RILL_INDEX_DAMAGED)
        cr_assert(model->damaged > 0, "seed %lu: damaged without a reason", model->seed);
    replay(model, &position);
}

static void happen(struct model *model, const struct event *event)
{
    cr_assert(model->event_count < EVENTS_MAX);
    model->events[model->event_count++] = *event;
    (void)tell(model, event);
}

static void feed(struct model *model)
{
    for (uint32_t n = 1 + below(model, 40); n > 0 && model->message_count < MESSAGES_MAX; n--) {
        struct message *message = &model->messages[model->message_count];
        const struct message *last = model->message_count ? message - 1 : NULL;
        *message = (struct message){.sequence = (last ? last->sequence : 0) + 1 + (below(model, 20) ? 0 : 5),
                                    .time_ns = (last ? last->time_ns : 0) + below(model, 3)};
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

static void delete_one(struct model *model)
{
    const uint32_t at = model->message_count ? below(model, model->message_count) : 0;
    struct message *message = &model->messages[at];
    if (!model->message_count || !is_live(model, message))
        return;
    message->gone = true;
    happen(model, &(struct event){.kind = DELETED, .sequence = message->sequence, .message = at});
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
        if (!below(model, 3))
            rill_index_rotate(model->index);
        model->job = rill_index_job_start(model->index);
        model->job_was_run = false;
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
        if (is_answer(model, rill_index_next(model->filters[at], from, &next)))
            cr_assert(eq(u64, next, want_next), "seed %lu: next of %s from %lu", model->seed,
                      model->patterns[at][0], from);
    } else if (is_answer(model, rill_index_count(model->filters[at], from, &count))) {
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
    (void)rmdir(model->folder);
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
        delete_one(model);
    else if (what < 46)
        purge(model);
    else if (what < 60)
        job(model);
    else if (what < 90)
        query_filter(model);
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
