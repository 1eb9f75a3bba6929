// SPDX-License-Identifier: Apache-2.0
//
// A file store and a memory store against an array. Random appends, deletes, purges, commits that stay in
// flight for a while, reads, tidying and opening again; every answer of both is that of the array.
#include "store_model.h"

#include "base/clock.h"
#include "proto/subject.h"
#include "seed.h"
#include "store_drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(store_model);

enum { STEPS = 1500, PATTERNS_MAX = 2, PAYLOAD_MAX = 3000, COMMIT_BYTES_MAX = 256 << 10 };

static void load(struct model *model, struct side *side, uint64_t sequence)
{
    struct rill_store_job *job = rill_store_load_start(side->store, sequence);
    cr_assert(job != NULL, "seed %lu, %s: nothing to load at %lu", model->seed, side->name, sequence);
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_load_finish(side->store, job), RILL_OK), "seed %lu", model->seed);
}

bool model_work(struct model *model, struct side *side)
{
    struct rill_store_job *job = rill_store_background_start(side->store);
    if (!job)
        return false;
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_background_finish(side->store, job), RILL_OK), "seed %lu", model->seed);
    return true;
}

static void expect_state(struct model *model)
{
    const struct oracle_state wanted = oracle_state(&model->oracle, COMMITTED);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct rill_store_state state;
        rill_store_state(side_at(model, i)->store, &state);
        cr_assert(not(state.read_only), "%s", state.why.text);
        cr_assert(eq(u64, state.first_sequence, wanted.first_sequence), "seed %lu", model->seed);
        cr_assert(eq(u64, state.last_sequence, model->oracle.last[COMMITTED]), "seed %lu", model->seed);
        cr_assert(eq(u64, state.open_sequence, model->oracle.last[OPEN]), "seed %lu", model->seed);
        cr_assert(eq(u64, state.messages, wanted.messages), "seed %lu", model->seed);
        cr_assert(eq(u64, state.bytes, wanted.bytes), "seed %lu", model->seed);
        cr_assert(eq(i64, state.last_time_ns, wanted.last_time_ns), "seed %lu", model->seed);
        cr_assert(state.first_time_ns <= wanted.first_time_ns, "seed %lu", model->seed);
        cr_assert(eq(u64, state.deleted,
                     model->oracle.last[COMMITTED] + 1 - wanted.first_sequence - wanted.messages),
                  "seed %lu", model->seed);
    }
}

void model_subject(uint32_t number, char ret_subject[32])
{
    (void)snprintf(ret_subject, 32, "s%u.%s.t%u", number % 3, number % 2 ? "a" : "b", number);
}

static uint8_t *payload_of(uint64_t sequence)
{
    static uint8_t bytes[PAYLOAD_MAX];
    memset(bytes, (int)(sequence % 251), sizeof bytes);
    return bytes;
}

static void append(struct model *model)
{
    struct oracle_message message = {.time_ns = model->now_ns,
                                     .subject = below(model, MODEL_SUBJECTS),
                                     .payload_bytes = below(model, PAYLOAD_MAX)};
    char subject[32], text[64];
    enum rill_err errs[MODEL_SIDES];
    model_subject(message.subject, subject);
    message.ttl = below(model, 4) ? 0 : (int)below(model, 400) - 20;
    const struct rill_bytes headers = model_headers(message.ttl, text);
    message.record_bytes =
        (uint32_t)((36 + strlen(subject) + headers.len + message.payload_bytes + 7) / 8 * 8);
    const enum rill_err refused = model_refusal(model, message.subject, message.record_bytes);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct rill_store_message append = {
            .time_ns = model->now_ns,
            .subject = rill_bytes_from_cstr(subject),
            .headers = headers,
            .payload = rill_bytes_of(payload_of(model->oracle.last[OPEN] + 1), message.payload_bytes)};
        do
            errs[i] = rill_store_append(side_at(model, i)->store, &append);
        while (errs[i] == RILL_ERR_AGAIN && model_work(model, side_at(model, i)));
        if (!errs[i])
            cr_assert(eq(u64, append.sequence, model->oracle.last[OPEN] + 1), "seed %lu", model->seed);
    }
    cr_assert(eq(int, errs[0], errs[1]), "seed %lu", model->seed);
    cr_assert(errs[0] == refused || (!refused && errs[0] == RILL_ERR_LIMIT), "seed %lu: %s", model->seed,
              rill_err_text(errs[0]));
    if (!errs[0])
        (void)oracle_append(&model->oracle, &message);
    model->now_ns += below(model, 5) * RILL_NS_PER_S;
}

static enum rill_err delete_from(struct model *model, struct side *side, uint64_t sequence)
{
    enum rill_err err;
    while ((err = rill_store_append_delete(side->store, sequence)) == RILL_ERR_AGAIN)
        load(model, side, sequence);
    return err;
}

static void delete_one(struct model *model)
{
    const uint64_t sequence = below(model, (uint32_t)model->oracle.last[OPEN] + 3);
    const bool there = oracle_find(&model->oracle, OPEN, sequence) != NULL;
    enum rill_err errs[MODEL_SIDES];
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        errs[i] = delete_from(model, side_at(model, i), sequence);
        if (errs[i] != RILL_ERR_LIMIT)
            cr_assert(eq(int, errs[i], there ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu: %lu", model->seed,
                      sequence);
    }
    cr_assert(eq(int, errs[0], errs[1]), "seed %lu", model->seed);
    if (errs[0] == RILL_OK)
        oracle_remove(&model->oracle, sequence);
}

static enum rill_err purge_from(struct model *model, struct side *side, uint64_t first_kept,
                                struct rill_store_purged *ret)
{
    enum rill_err err;
    while ((err = rill_store_append_purge(side->store, first_kept, ret)) == RILL_ERR_AGAIN)
        load(model, side, ret->load_sequence);
    return err;
}

static void purge_below(struct model *model, uint64_t first_kept)
{
    struct rill_store_purged purged[MODEL_SIDES];
    enum rill_err errs[MODEL_SIDES];
    for (size_t i = 0; i < MODEL_SIDES; i++)
        errs[i] = purge_from(model, side_at(model, i), first_kept, &purged[i]);
    cr_assert(eq(int, errs[0], errs[1]), "seed %lu", model->seed);
    if (errs[0] == RILL_ERR_LIMIT)
        return;
    cr_assert(eq(int, errs[0], RILL_OK), "seed %lu", model->seed);
    const uint64_t wanted = oracle_purge(&model->oracle, first_kept);
    for (size_t i = 0; i < MODEL_SIDES; i++)
        cr_assert(eq(u64, purged[i].messages, wanted), "seed %lu", model->seed);
}

static void purge(struct model *model)
{
    const uint64_t last = model->oracle.last[OPEN];
    const uint32_t keep = below(model, 100);
    switch (below(model, 10)) {
    case 0:
        purge_below(model, UINT64_MAX);
        break;
    case 1:
    case 2:
        for (size_t i = 0; i < MODEL_SIDES; i++)
            cr_assert(eq(u64, rill_store_newest(side_at(model, i)->store, keep),
                         oracle_newest(&model->oracle, keep)),
                      "seed %lu", model->seed);
        purge_below(model, oracle_newest(&model->oracle, keep));
        break;
    default:
        purge_below(model, oracle_state(&model->oracle, OPEN).first_sequence + below(model, 20 + keep));
        break;
    }
    cr_assert(eq(u64, model->oracle.last[OPEN], last));
}

/* With the loads that it waits for, and the index. */
static void start_side(struct model *model, struct side *side)
{
    do
        side->job = drive_commit_start(side->store);
    while (!side->job && rill_store_open_bytes(side->store) && model_work(model, side));
}

void model_start(struct model *model)
{
    oracle_keep_subjects(&model->oracle, model->limits.max_messages_per_subject);
    (void)oracle_keep(&model->oracle, model->limits.max_messages, model->limits.max_bytes);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct side *side = side_at(model, i);
        start_side(model, side);
        cr_assert(eq(int, side->job != NULL, model->sides[0].job != NULL), "seed %lu", model->seed);
    }
    model->in_flight = model->sides[0].job != NULL;
    model->job_was_run = false;
    if (model->in_flight)
        oracle_start(&model->oracle);
}

void model_finish(struct model *model)
{
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct rill_store_committed committed;
        struct side *side = side_at(model, i);
        if (!model->job_was_run)
            rill_store_job_run(side->job);
        cr_assert(eq(int, rill_store_commit_finish(side->store, side->job, &committed), RILL_OK));
        cr_assert(eq(u64, committed.last_sequence, model->oracle.last[STARTED]), "seed %lu", model->seed);
    }
    oracle_commit(&model->oracle);
    model->in_flight = false;
}

static void commit_step(struct model *model)
{
    if (!model->in_flight)
        model_start(model);
    else if (below(model, 2))
        model_finish(model);
    else if (!model->job_was_run) {
        for (size_t i = 0; i < MODEL_SIDES; i++)
            rill_store_job_run(side_at(model, i)->job);
        model->job_was_run = true;
    }
}

static void expect_message(struct model *model, const struct rill_store_message *message,
                           const struct oracle_message *wanted, uint64_t sequence)
{
    char subject[32];
    model_subject(wanted->subject, subject);
    cr_assert(eq(u64, message->sequence, sequence), "seed %lu", model->seed);
    cr_assert(eq(i64, message->time_ns, wanted->time_ns), "seed %lu", model->seed);
    cr_assert(rill_bytes_equal_cstr(message->subject, subject), "seed %lu", model->seed);
    cr_assert(rill_bytes_equal(message->payload, rill_bytes_of(payload_of(sequence), wanted->payload_bytes)),
              "seed %lu", model->seed);
}

static void read_one(struct model *model, uint64_t sequence)
{
    const struct oracle_message *wanted = oracle_find(&model->oracle, COMMITTED, sequence);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct side *side = side_at(model, i);
        struct rill_store_message message;
        enum rill_err err;
        while ((err = rill_store_read(side->store, sequence, &message)) == RILL_ERR_AGAIN)
            load(model, side, sequence);
        cr_assert(eq(int, err, wanted ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu, %s: %lu", model->seed,
                  side->name, sequence);
        if (wanted)
            expect_message(model, &message, wanted, sequence);
    }
}

static void expect_deleted(struct model *model)
{
    const uint64_t first = oracle_state(&model->oracle, COMMITTED).first_sequence;
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        size_t count, at = 0;
        const struct rill_store_range *ranges = rill_store_deleted(side_at(model, i)->store, &count);
        for (uint64_t sequence = first; sequence <= model->oracle.last[COMMITTED]; sequence++) {
            while (at < count && ranges[at].last_sequence < sequence)
                at++;
            const bool deleted = at < count && ranges[at].first_sequence <= sequence;
            cr_assert(eq(int, deleted, !oracle_find(&model->oracle, COMMITTED, sequence)), "seed %lu",
                      model->seed);
        }
    }
}

static void background(struct model *model)
{
    for (size_t i = 0; i < MODEL_SIDES; i++)
        (void)model_work(model, side_at(model, i));
}

/* ---- filters ---- */

static const struct {
    size_t count;
    const char *patterns[PATTERNS_MAX];
} patterns[MODEL_FILTERS] = {
    {1, {"s1.>"}}, {1, {"*.a.*"}}, {2, {"s0.b.t6", "s2.>"}}, {1, {"s2.a.t5"}}, {1, {">"}},
};

static void make_filters(struct side *side)
{
    for (size_t i = 0; i < MODEL_FILTERS; i++) {
        struct rill_bytes views[PATTERNS_MAX];
        for (size_t j = 0; j < patterns[i].count; j++)
            views[j] = rill_bytes_from_cstr(patterns[i].patterns[j]);
        side->filters[i] = rill_store_filter_create(side->store, views, patterns[i].count);
    }
}

static void drop_filters(struct side *side)
{
    for (size_t i = 0; i < MODEL_FILTERS; i++)
        rill_store_filter_destroy(side->filters[i]);
}

bool model_matches(size_t filter, uint32_t number)
{
    char subject[32];
    bool any = false;
    model_subject(number, subject);
    for (size_t j = 0; j < patterns[filter].count; j++)
        any |= rill_subject_matches(rill_bytes_from_cstr(patterns[filter].patterns[j]),
                                    rill_bytes_from_cstr(subject));
    return any;
}

/* What of a filter is there from a sequence on. */
static struct rill_store_subject wanted_of(const struct model *model, size_t filter, uint64_t from)
{
    struct rill_store_subject wanted = {.count = 0};
    for (uint64_t sequence = from ? from : 1; sequence <= model->oracle.last[COMMITTED]; sequence++) {
        const struct oracle_message *message = oracle_find(&model->oracle, COMMITTED, sequence);
        if (!message || !model_matches(filter, message->subject))
            continue;
        wanted.first_sequence = wanted.count++ ? wanted.first_sequence : sequence;
        wanted.last_sequence = sequence;
    }
    return wanted;
}

static void query(struct model *model)
{
    const size_t filter = below(model, MODEL_FILTERS);
    const uint64_t from = below(model, (uint32_t)model->oracle.last[OPEN] + 3);
    const struct rill_store_subject wanted = wanted_of(model, filter, from);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct side *side = side_at(model, i);
        uint64_t next = 0, count = 0;
        enum rill_err err;
        while ((err = rill_store_next(side->filters[filter], from, &next)) == RILL_ERR_AGAIN)
            (void)model_work(model, side);
        cr_assert(eq(int, err, wanted.count ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu", model->seed);
        cr_assert(eq(u64, next, wanted.first_sequence), "seed %lu, %s", model->seed, side->name);
        while ((err = rill_store_count(side->filters[filter], from, &count)) == RILL_ERR_AGAIN)
            (void)model_work(model, side);
        cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
        cr_assert(eq(u64, count, wanted.count), "seed %lu, %s: filter %zu from %lu", model->seed, side->name,
                  filter, from);
    }
}

static enum rill_err count_subject(void *context, const struct rill_store_subject *subject)
{
    struct rill_store_subject *sum = context;
    sum->count += subject->count;
    return RILL_OK;
}

static void query_subjects(struct model *model)
{
    const struct rill_store_subject wanted = wanted_of(model, 3, 0), wanted_all = wanted_of(model, 0, 0);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct side *side = side_at(model, i);
        struct rill_store_subject found = {.count = 0}, sum = {.count = 0};
        enum rill_err err;
        while ((err = rill_store_subject(side->store, RILL_BYTES("s2.a.t5"), &found)) == RILL_ERR_AGAIN)
            (void)model_work(model, side);
        cr_assert(eq(int, err, wanted.count ? RILL_OK : RILL_ERR_NOT_FOUND), "seed %lu", model->seed);
        cr_assert(eq(u64, found.count, wanted.count), "seed %lu", model->seed);
        cr_assert(eq(u64, found.first_sequence, wanted.first_sequence), "seed %lu", model->seed);
        cr_assert(eq(u64, found.last_sequence, wanted.last_sequence), "seed %lu", model->seed);
        err = rill_store_subjects(side->store, RILL_BYTES("s1.>"), RILL_BYTES(""), 100, count_subject, &sum);
        cr_assert(eq(int, err, RILL_OK), "seed %lu", model->seed);
        cr_assert(eq(u64, sum.count, wanted_all.count), "seed %lu", model->seed);
    }
}

/* In one go, with a commit when one is full; so it is only asked for when nothing is in flight or open. */
static enum rill_err purge_matching_from(struct model *model, struct side *side, size_t filter,
                                         uint64_t first_kept, uint64_t keep,
                                         struct rill_store_purging *purging)
{
    enum rill_err err;
    while ((err = rill_store_append_purge_matching(side->filters[filter], first_kept, keep, purging)) ==
           RILL_ERR_AGAIN) {
        if (purging->load_sequence)
            load(model, side, purging->load_sequence);
        else
            (void)model_work(model, side);
    }
    return err;
}

static void purge_matching(struct model *model)
{
    const size_t filter = below(model, MODEL_FILTERS);
    const uint64_t keep = below(model, 20), first_kept = below(model, (uint32_t)model->oracle.last[OPEN] + 3);
    if (model->in_flight)
        model_finish(model);
    model_start(model);
    if (model->in_flight)
        model_finish(model);
    struct rill_store_subject all = wanted_of(model, filter, 0);
    uint64_t left = all.count > keep ? all.count - keep : 0, wanted = 0;
    for (uint64_t sequence = 1; left && sequence < first_kept && sequence <= model->oracle.last[OPEN];
         sequence++) {
        const struct oracle_message *message = oracle_find(&model->oracle, OPEN, sequence);
        if (!message || !model_matches(filter, message->subject))
            continue;
        oracle_remove(&model->oracle, sequence);
        left--;
        wanted++;
    }
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct rill_store_purging purging = {0};
        cr_assert(eq(int, purge_matching_from(model, side_at(model, i), filter, first_kept, keep, &purging),
                     RILL_OK),
                  "seed %lu", model->seed);
        cr_assert(eq(u64, purging.messages, wanted), "seed %lu", model->seed);
    }
}

static void reopen(struct model *model)
{
    if (model->in_flight)
        model_finish(model);
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct side *side = side_at(model, i);
        struct rill_error_text why;
        drop_filters(side);
        rill_store_close(side->store);
        side->options.limits = model->limits;
        cr_assert(eq(int, rill_store_open(&side->options, NULL, &side->store, NULL, &why), RILL_OK),
                  "seed %lu, %s: %s", model->seed, side->name, why.text);
        make_filters(side);
    }
    oracle_take_back(&model->oracle);
}

static void at_time(struct model *model)
{
    const struct oracle_state state = oracle_state(&model->oracle, COMMITTED);
    const uint32_t span_s = (uint32_t)((model->now_ns - state.first_time_ns) / RILL_NS_PER_S);
    const int64_t time_ns =
        state.first_time_ns + ((int64_t)below(model, span_s + 5) - 2) * RILL_NS_PER_S - below(model, 2);
    uint64_t wanted = state.first_sequence, sequence;
    while (wanted <= model->oracle.last[COMMITTED] && (!oracle_find(&model->oracle, COMMITTED, wanted) ||
                                                       model->oracle.messages[wanted - 1].time_ns < time_ns))
        wanted++;
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        enum rill_err err;
        while ((err = rill_store_at_time(side_at(model, i)->store, time_ns, &sequence)) == RILL_ERR_AGAIN)
            load(model, side_at(model, i), sequence);
        cr_assert(eq(int, err, wanted > model->oracle.last[COMMITTED] ? RILL_ERR_NOT_FOUND : RILL_OK),
                  "seed %lu", model->seed);
        if (!err)
            cr_assert(eq(u64, sequence, wanted), "seed %lu", model->seed);
    }
}

static void step(struct model *model)
{
    const uint32_t what = below(model, 100);
    if (what < 40)
        for (uint32_t count = below(model, 20); count; count--)
            append(model);
    else if (what < 55)
        delete_one(model);
    else if (what < 56)
        purge(model);
    else if (what < 57)
        below(model, 4) ? model_expire(model) : model_set_limits(model);
    else if (what < 75)
        commit_step(model);
    else if (what < 80)
        at_time(model);
    else if (what < 86)
        query(model);
    else if (what < 88)
        query_subjects(model);
    else if (what < 89)
        purge_matching(model);
    else if (what < 91)
        model_newest(model);
    else if (what < 94)
        read_one(model, below(model, (uint32_t)model->oracle.last[OPEN] + 3));
    else if (what < 96)
        expect_deleted(model);
    else if (what < 98)
        background(model);
    else if (!below(model, 3))
        reopen(model);
    expect_state(model);
}

static void make(struct model *model, size_t i, const char *name, struct rill_disk *disk, const char *root)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
    struct side *side = side_at(model, i);
    struct rill_error_text why;
    side->name = name;
    (void)snprintf(side->folder, sizeof side->folder, "%s/A/S", root);
    side->options = (struct rill_store_options){.disk = disk,
                                                .folder = side->folder,
                                                .segment_bytes = 128 << 10,
                                                .commit_bytes_max = COMMIT_BYTES_MAX,
                                                .index = true,
                                                .index_batch_bytes = 20000,
                                                .index_log_bytes = 300 << 10,
                                                .cache_bytes_max = 300 << 10};
    cr_assert(
        eq(int, rill_store_create(&side->options, identity, RILL_BYTES(""), &side->store, &why), RILL_OK),
        "%s", why.text);
    make_filters(side);
}

static void end(struct model *model)
{
    struct rill_error_text why;
    char path[64];
    for (size_t i = 0; i < MODEL_SIDES; i++) {
        struct side *side = side_at(model, i);
        drop_filters(side);
        rill_store_close(side->store);
        cr_assert(eq(int, rill_store_delete(side->options.disk, side->folder, &why), RILL_OK));
    }
    (void)snprintf(path, sizeof path, "%s/A", model->root);
    cr_assert(rmdir(path) == 0 && rmdir(model->root) == 0);
    rill_disk_memory_destroy(model->memory);
    oracle_fini(&model->oracle);
}

static void run(uint64_t seed)
{
    struct model model = {.random = {seed}, .seed = seed, .now_ns = 1000 * RILL_NS_PER_S};
    model.memory = rill_disk_memory_create(0);
    strcpy(model.root, "/tmp/rill-model-XXXXXX");
    cr_assert(mkdtemp(model.root) != NULL);
    make(&model, 0, "file", rill_disk_real(), model.root);
    make(&model, 1, "memory", model.memory, "store");
    for (int i = 0; i < STEPS; i++)
        step(&model);
    reopen(&model);
    for (uint64_t sequence = 0; sequence <= model.oracle.last[OPEN] + 1; sequence++)
        read_one(&model, sequence);
    expect_deleted(&model);
    end(&model);
}

// Whatever is asked of them, both stores answer as the array does.
Test(store_model, both_stores_answer_as_the_array_does, .timeout = 280)
{
    const struct seed_range seeds = seed_range(10);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        printf("# seed %lu\n", seed);
        (void)fflush(stdout);
        run(seed);
    }
}
