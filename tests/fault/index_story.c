// SPDX-License-Identifier: Apache-2.0
#include "index_story.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum { SUBJECTS = 12, ANSWERS_BYTES_MAX = 4 << 20 };

static const char *const subjects[SUBJECTS] = {"a",   "b",     "a.x",   "a.y",
                                               "b.x", "b.y",   "c.x",   "c.y",
                                               "c.z", "a.x.k", "a.y.k", "long.subject.of.several.tokens"};
static const char *const patterns[] = {">", "*.x", "a.*", "b.>", "*.*.k", "a.x", "none.*"};

struct telling {
    struct story *story;
    struct rill_random random;
    uint64_t sequence, first, block;
    uint32_t subject_of[STORY_EVENTS_MAX]; // by sequence; SUBJECTS when it is gone
};

static struct story_event *add(struct telling *telling, enum story_event_kind kind)
{
    struct story_event *event = &telling->story->events[telling->story->count++];
    RILL_ASSERT(telling->story->count <= STORY_EVENTS_MAX);
    *event = (struct story_event){.kind = kind};
    return event;
}

static void add_feed(struct telling *telling)
{
    struct story_event *event = add(telling, STORY_FEED);
    event->sequence = ++telling->sequence;
    event->subject = rill_random_below(&telling->random, SUBJECTS);
    event->id =
        rill_random_below(&telling->random, 2) ? 1 + rill_random_below(&telling->random, STORY_IDS) : 0;
    if (rill_random_chance(&telling->random, 1, 4))
        event->expire_ns = (int64_t)telling->sequence + 1 + rill_random_below(&telling->random, 300);
    telling->subject_of[event->sequence] = event->subject;
}

static void add_delete(struct telling *telling)
{
    const uint64_t sequence = 1 + rill_random_below(&telling->random, (uint32_t)telling->sequence + 1);
    if (sequence > telling->sequence || sequence < telling->first ||
        telling->subject_of[sequence] == SUBJECTS)
        return;
    struct story_event *event = add(telling, STORY_DELETE);
    event->sequence = sequence;
    event->subject = telling->subject_of[sequence];
    telling->subject_of[sequence] = SUBJECTS;
}

static void add_seal(struct telling *telling)
{
    struct story_event *event = add(telling, STORY_SEAL);
    event->block = ++telling->block;
    event->sequence = telling->sequence;
    if (rill_random_chance(&telling->random, 1, 3))
        add(telling, STORY_JOB);
}

static void add_some(struct telling *telling)
{
    const uint32_t what = rill_random_below(&telling->random, 100);
    if (what < 70)
        add_feed(telling);
    else if (what < 86)
        add_delete(telling);
    else if (what < 87) {
        telling->first +=
            rill_random_below(&telling->random, (uint32_t)(telling->sequence - telling->first) / 3 + 1);
        add(telling, STORY_PURGE)->sequence = telling->first;
    } else if (what < 98)
        add_seal(telling);
    else
        add(telling, STORY_IDLE);
}

void story_init(struct story *story, uint64_t seed, size_t count)
{
    struct telling *telling = calloc(1, sizeof *telling);
    *telling = (struct telling){.story = story, .random = {seed}};
    story->count = 0;
    while (story->count < count)
        add_some(telling);
    add_seal(telling);
    add(telling, STORY_JOB);
    free(telling);
}

struct rill_index_options story_options(struct rill_disk *disk)
{
    return (struct rill_index_options){.disk = disk,
                                       .path = "store/index.db",
                                       .identity = "a story",
                                       .log_sequence = UINT64_MAX,
                                       .id_window_ns = STORY_WINDOW_NS,
                                       .era_postings = 60,
                                       .run_ids = 40};
}

static enum rill_err tell_feed(struct rill_index *index, const struct story_event *event)
{
    char id[16];
    (void)snprintf(id, sizeof id, "id-%u", event->id);
    return rill_index_feed(
        index, &(struct rill_index_message){.sequence = event->sequence,
                                            .time_ns = (int64_t)event->sequence,
                                            .subject = rill_bytes_from_cstr(subjects[event->subject]),
                                            .id = rill_bytes_from_cstr(event->id ? id : ""),
                                            .expire_ns = event->expire_ns});
}

/* A rotation, and jobs until there is nothing to do; a failed one is left for the next time. */
static enum rill_err run_jobs(struct rill_index *index)
{
    struct rill_index_job *job;
    enum rill_err err =
        rill_index_rotate(index, &(struct rill_index_summary){.state = RILL_BYTES("summary")});
    if (err && err != RILL_ERR_LIMIT)
        return err;
    for (err = RILL_OK; !err && (job = rill_index_job_start(index)) != NULL;) {
        rill_index_job_run(job);
        err = rill_index_job_finish(index, job);
    }
    return err;
}

static enum rill_err tell(struct rill_index *index, const struct story_event *event, bool jobs)
{
    const struct rill_index_block block = {
        .number = event->block, .segment = 1, .offset = event->block * 100, .length = 100};
    switch (event->kind) {
    case STORY_FEED:
        return tell_feed(index, event);
    case STORY_DELETE:
        return rill_index_delete(index, event->sequence, rill_bytes_from_cstr(subjects[event->subject]));
    case STORY_PURGE:
        rill_index_purge_below(index, event->sequence);
        return RILL_OK;
    case STORY_SEAL:
        return rill_index_seal(index, &block);
    case STORY_JOB:
        return jobs ? run_jobs(index) : RILL_OK;
    case STORY_IDLE:
        rill_index_idle(index);
        return RILL_OK;
    }
    return RILL_OK;
}

enum rill_err story_play(const struct story *story, struct rill_index *index, size_t from, size_t to,
                         bool jobs)
{
    enum rill_err err = RILL_OK;
    for (size_t i = from; !err && i < to; i++)
        err = tell(index, &story->events[i], jobs);
    return err;
}

size_t story_at(const struct story *story, const struct rill_index_position *position)
{
    size_t at = 0;
    while (position->block &&
           !(story->events[at].kind == STORY_SEAL && story->events[at].block == position->block))
        RILL_ASSERT(++at < story->count);
    return position->block ? at + 1 : 0;
}

struct answers {
    struct rill_index *index;
    struct rill_buf *text;
    uint64_t last; // sequence
};

/* No error, but perhaps nothing. */
static bool is_answer(enum rill_err err)
{
    return err == RILL_OK || err == RILL_ERR_NOT_FOUND;
}

static void say(struct answers *answers, const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    const enum rill_err err = rill_buf_appendf(answers->text, "%s %lu %lu %lu\n", what, a, b, c);
    RILL_ASSERT(!err);
}

static enum rill_err next_of(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_sequence)
{
    enum rill_err err;
    while ((err = rill_index_next(filter, from, ret_sequence)) == RILL_ERR_AGAIN)
        ;
    return err;
}

static enum rill_err count_of(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_count)
{
    enum rill_err err;
    while ((err = rill_index_count(filter, from, ret_count)) == RILL_ERR_AGAIN)
        ;
    return err;
}

static enum rill_err answer_filter(struct answers *answers, struct rill_index_filter *filter,
                                   const char *pattern)
{
    uint64_t count = 0, next = 0;
    enum rill_err err = RILL_OK;
    for (uint64_t from = 0; !err && from <= answers->last + 1; from = next + 1) {
        err = next_of(filter, from, &next);
        say(answers, pattern, from, err ? 0 : next, 0);
    }
    if (!is_answer(err))
        return err;
    err = RILL_OK;
    for (uint64_t from = 0; !err && from <= answers->last + 1; from += 1 + answers->last / 5) {
        err = count_of(filter, from, &count);
        say(answers, pattern, from, 0, count);
    }
    return err;
}

static enum rill_err answer_filters(struct answers *answers)
{
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < sizeof patterns / sizeof patterns[0]; i++) {
        const struct rill_bytes pattern = rill_bytes_from_cstr(patterns[i]);
        struct rill_index_filter *filter = rill_index_filter_create(answers->index, &pattern, 1);
        err = answer_filter(answers, filter, patterns[i]);
        rill_index_filter_destroy(filter);
    }
    return err;
}

static enum rill_err answer_subjects(struct answers *answers)
{
    enum rill_err err = RILL_OK;
    for (int i = 0; is_answer(err) && i < SUBJECTS; i++) {
        struct rill_index_subject subject = {0};
        err = rill_index_subject(answers->index, rill_bytes_from_cstr(subjects[i]), &subject);
        say(answers, subjects[i], subject.count, subject.first_sequence, subject.last_sequence);
    }
    return is_answer(err) ? RILL_OK : err;
}

static enum rill_err answer_ids(struct answers *answers)
{
    enum rill_err err = RILL_OK;
    char id[16];
    for (unsigned i = 1; is_answer(err) && i <= STORY_IDS; i++) {
        uint64_t sequence = 0;
        (void)snprintf(id, sizeof id, "id-%u", i);
        err = rill_index_seen(answers->index, rill_bytes_from_cstr(id),
                              (int64_t)answers->last - STORY_WINDOW_NS, &sequence);
        say(answers, id, sequence, 0, 0);
    }
    return is_answer(err) ? RILL_OK : err;
}

static enum rill_err answer_expiries(struct answers *answers)
{
    struct rill_index_expiry page[200];
    size_t count = 0;
    int64_t next = 0;
    const enum rill_err err =
        rill_index_expired(answers->index, (int64_t)answers->last + 100, page, 200, &count, &next);
    for (size_t i = 0; i < count; i++)
        say(answers, "expires", page[i].sequence, (uint64_t)page[i].expire_ns, 0);
    say(answers, "expires next", (uint64_t)next, 0, 0);
    return err;
}

static enum rill_err say_subject(void *context, const struct rill_index_subject *subject)
{
    char text[64];
    (void)snprintf(text, sizeof text, "listed " RILL_PRI, RILL_ARG(subject->subject));
    say(context, text, subject->count, subject->first_sequence, subject->last_sequence);
    return RILL_OK;
}

enum rill_err story_answers(struct rill_index *index, const struct story *story, size_t to,
                            struct rill_buf *ret_text)
{
    struct answers answers = {.index = index, .text = ret_text};
    for (size_t i = 0; i < to; i++) {
        if (story->events[i].kind == STORY_FEED)
            answers.last = story->events[i].sequence;
    }
    enum rill_err err = answer_filters(&answers);
    err = err ? err : answer_subjects(&answers);
    err = err ? err : answer_ids(&answers);
    err = err ? err : answer_expiries(&answers);
    return err ? err : rill_index_list(index, RILL_BYTES(">"), RILL_BYTES(""), 100, say_subject, &answers);
}

void story_right_answers(const struct story *story, size_t to, struct rill_buf *ret_text)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_index_options options = story_options(disk);
    struct rill_index_position position;
    enum rill_index_found found;
    struct rill_error_text why;
    struct rill_index *index;
    enum rill_err err = rill_index_open(&options, &index, &found, &position, &why);
    RILL_ASSERT(!err && found == RILL_INDEX_MISSING);
    err = story_play(story, index, 0, to, false);
    err = err ? err : story_answers(index, story, to, ret_text);
    RILL_ASSERT(!err);
    rill_index_close(index);
    rill_disk_memory_destroy(disk);
}

size_t story_difference(struct rill_buf *a, struct rill_buf *b)
{
    const struct rill_bytes end = rill_bytes_of((const uint8_t *)"", 1);
    const enum rill_err err_a = rill_buf_append(a, end), err_b = rill_buf_append(b, end);
    RILL_ASSERT(!err_a && !err_b);
    size_t line = 0;
    for (size_t i = 0; i < a->len && i < b->len; i++) {
        if (a->data[i] != b->data[i])
            return line;
        line = a->data[i] == '\n' ? i + 1 : line;
    }
    return a->len == b->len ? a->len : line;
}
