// SPDX-License-Identifier: Apache-2.0
//
// Which streams there are: a job takes the store's lock and reads the names of its folders; then each stream recovers.
#include "api.h"
#include "base/alloc.h"
#include "storage/backup.h"
#include "stream.h"

#include <stdlib.h>

struct list_job {
    struct rill_job job;
    struct jetstream *js;
    struct rill_disk *disk;
    const char *store_dir;
    const char *account;
    struct rill_store_shared *shared;
    char **names;
    size_t count;
    enum rill_err err;
    struct rill_error_text why;
};

static enum rill_err visit_stream(void *context, const char *account, const char *stream, const char *folder)
{
    struct list_job *job = context;
    if (strcmp(account, job->account) != 0)
        return RILL_OK;
    job->names = rill_alloc_resize(job->names, job->count + 1, sizeof *job->names);
    job->names[job->count++] = rill_alloc_cstr(rill_bytes_from_cstr(stream));
    return RILL_OK;
}

static void run_list(struct rill_job *base)
{
    struct list_job *job = (struct list_job *)base;
    const struct rill_store_shared_options options = {.disk = job->disk, .root = job->store_dir};
    job->err = rill_store_shared_create(&options, &job->shared, &job->why);
    if (!job->err)
        job->err = rill_restore_discard_all(job->disk, job->store_dir); // that a crash interrupted
    if (!job->err)
        job->err = rill_store_list(job->disk, job->store_dir, visit_stream, job, &job->why);
}

static void finish_list(struct rill_core *core, struct rill_job *base)
{
    struct list_job *job = (struct list_job *)base;
    if (job->err)
        // Its streams stay unknown, so nothing may be made in their place: the API says "not ready".
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream store %s cannot be read: %s", job->store_dir,
                 job->why.text);
    job->js->shared = job->shared;
    job->js->listed = !job->err;
    job->js->list_failed = job->err != RILL_OK;
    if (!job->err && !job->js->stopping)
        recovery_progress_begin(&job->js->recovery, core, (uint32_t)job->count);
    for (size_t i = 0; i < job->count; i++) {
        if (!job->err && !job->js->stopping)
            stream_recover(stream_add(job->js, job->names[i], STREAM_RECOVERING));
        free(job->names[i]);
    }
    held_release(job->js, &job->js->early);
    free(job->names);
    free(job);
}

void stream_recover_all(struct jetstream *js)
{
    struct list_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run_list, .finish = finish_list, .lane = RILL_LANE_LONG};
    job->js = js;
    job->disk = js->disk;
    job->store_dir = js->store_dir;
    job->account = js->account->name;
    core_submit(js->core, &job->job);
}
