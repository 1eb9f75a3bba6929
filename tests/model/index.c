// SPDX-License-Identifier: Apache-2.0
//
// The index against an array of all that ever happened. Random feeds, seals, deletes, purges and queries, with
// the job delayed at random; reopened cleanly and as a kill would leave it; with the file removed, cut, flipped
// or exchanged in between. Every answer is right, or "damaged", and then it is built again.
#include "index_model.h"
#include "seed.h"

#include <stdio.h>
#include <unistd.h>

TestSuite(index_model);

enum { STEPS = 1500 };

static void step(struct model *model)
{
    const uint32_t what = model_below(model, 100);
    if (what < 25)
        model_feed(model);
    else if (what < 35)
        model_seal(model);
    else if (what < 45)
        model_delete_some(model);
    else if (what < 46)
        model_purge(model);
    else if (what < 60)
        model_job(model);
    else if (what < 78)
        model_query_filter(model);
    else if (what < 81)
        model_query_subject(model);
    else if (what < 85)
        model_query_seen(model);
    else if (what < 88)
        model_query_expired(model);
    else if (what < 90)
        model_query_summary(model);
    else if (what < 92)
        rill_index_idle(model->index);
    else if (what < 94)
        model_query_last(model);
    else if (what < 96)
        model_query_list(model);
    else if (what < 98)
        model_query_time(model);
    else if (!model_below(model, 3))
        model_reopen(model);
}

static void run(uint64_t seed)
{
    struct model model = {.random = {seed}, .seed = seed};
    model.events = calloc(EVENTS_MAX, sizeof model.events[0]);
    model.messages = calloc(MESSAGES_MAX, sizeof model.messages[0]);
    strcpy(model.folder, "/tmp/rill-index-XXXXXX");
    cr_assert(mkdtemp(model.folder) != NULL);
    snprintf(model.path, sizeof model.path, "%s/index.db", model.folder);
    model.subject_style = model_below(&model, 2);
    model.uses_ids = model_below(&model, 2);
    model.expires = model_below(&model, 2);
    model.work = model_below(&model, 2) ? 1 + model_below(&model, model_below(&model, 2) ? 5 : 2000) : 0;
    if (model_below(&model, 3)) // so that what happens to many subjects happens to some
        model.filter = (struct rill_index_filter_limits){
            .few = 1 + model_below(&model, 10),
            .subjects = 10 + model_below(&model, 300),
            .messages = 1 + model_below(&model, model_below(&model, 2) ? 3000 : 30),
            .effort = 1 + model_below(&model, 5000)};
    model.batch_bytes = 500 + model_below(&model, 60000);
    model_open_index(&model, false);
    for (int i = 0; i < STEPS; i++)
        step(&model);
    model_close_index(&model);
    free(model.events);
    free(model.messages);
    model_remove_files(&model);
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
