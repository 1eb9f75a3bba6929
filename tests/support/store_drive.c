// SPDX-License-Identifier: Apache-2.0
#include "store_drive.h"

struct rill_store_options drive_indexed_options(struct rill_disk *disk, const char *folder,
                                                uint64_t index_log_bytes)
{
    return (struct rill_store_options){
        .disk = disk,
        .folder = folder,
        .segment_bytes = 64 << 10,
        .cache_bytes_max = 256 << 10,
        .index = true,
        .id_window_ns = INT64_MAX,
        .index_log_bytes = index_log_bytes,
    };
}

struct rill_store_job *drive_commit_start(struct rill_store *store)
{
    struct rill_store_job *job, *load;
    while (!(job = rill_store_commit_start(store)) && (load = rill_store_limits_load_start(store))) {
        rill_store_job_run(load);
        (void)!rill_store_load_finish(store, load); // what cannot be read goes as a whole
    }
    return job;
}

enum rill_err drive_commit_end(struct rill_store *store, struct rill_store_job *job)
{
    struct rill_store_committed committed;
    rill_store_job_run(job);
    const enum rill_err err = rill_store_commit_finish(store, job, &committed);
    rill_store_catch_up(store);
    return err;
}

enum rill_err drive_commit(struct rill_store *store)
{
    struct rill_store_job *job = drive_commit_start(store);
    return job ? drive_commit_end(store, job) : RILL_ERR_NOT_FOUND;
}

enum rill_err drive_load(struct rill_store *store, uint64_t sequence)
{
    struct rill_store_job *job = rill_store_load_start(store, sequence);
    if (!job)
        return RILL_ERR_NOT_FOUND;
    rill_store_job_run(job);
    return rill_store_load_finish(store, job);
}

/* One that went with the index. */
static enum rill_err drive_directory(struct rill_store *store)
{
    enum rill_err err = drive_mend(store);
    if (err == RILL_ERR_NOT_FOUND)
        err = drive_work(store);
    return err == RILL_ERR_UNAVAILABLE ? RILL_OK : err == RILL_ERR_NOT_FOUND ? RILL_ERR_IO : err;
}

enum rill_err drive_read(struct rill_store *store, uint64_t sequence, struct rill_store_message *ret)
{
    enum rill_err err, loaded = RILL_OK;
    while (!loaded && (err = rill_store_read(store, sequence, ret)) == RILL_ERR_AGAIN) {
        loaded = drive_load(store, sequence);
        if (loaded == RILL_ERR_NOT_FOUND)
            loaded = drive_directory(store);
    }
    return loaded ? loaded : err;
}

static enum rill_err drive_removal(enum rill_err (*append)(struct rill_store *, uint64_t),
                                   struct rill_store *store, uint64_t sequence)
{
    enum rill_err err, loaded = RILL_OK;
    while (!loaded && (err = append(store, sequence)) == RILL_ERR_AGAIN)
        loaded = drive_load(store, sequence);
    return loaded ? loaded : err;
}

enum rill_err drive_delete(struct rill_store *store, uint64_t sequence)
{
    return drive_removal(rill_store_append_delete, store, sequence);
}

enum rill_err drive_erase(struct rill_store *store, uint64_t sequence)
{
    return drive_removal(rill_store_append_erase, store, sequence);
}

enum rill_err drive_purge(struct rill_store *store, uint64_t first_kept, struct rill_store_purged *ret)
{
    enum rill_err err, loaded = RILL_OK;
    while (!loaded && (err = rill_store_append_purge(store, first_kept, ret)) == RILL_ERR_AGAIN)
        loaded = drive_load(store, ret->load_sequence);
    return loaded ? loaded : err;
}

enum rill_err drive_expire(struct rill_store *store, int64_t now_ns, rill_store_gone_fn *visit, void *context,
                           struct rill_store_expired *ret)
{
    enum rill_err err, done = RILL_OK;
    uint64_t messages = 0;
    do {
        err = rill_store_expire(store, now_ns, visit, context, ret);
        messages += ret->messages;
        if (err == RILL_ERR_AGAIN)
            done = ret->load_sequence ? drive_load(store, ret->load_sequence) : drive_work(store);
    } while (!done && (err == RILL_ERR_AGAIN || (!err && ret->next_ns <= now_ns)));
    ret->messages = messages;
    return done == RILL_ERR_NOT_FOUND ? err : done ? done : err;
}

enum rill_err drive_at_time(struct rill_store *store, int64_t time_ns, uint64_t *ret_sequence)
{
    enum rill_err err, loaded = RILL_OK;
    while (!loaded && (err = rill_store_at_time(store, time_ns, ret_sequence)) == RILL_ERR_AGAIN)
        loaded = drive_load(store, *ret_sequence);
    return loaded ? loaded : err;
}

enum rill_err drive_work(struct rill_store *store)
{
    struct rill_store_job *job = rill_store_background_start(store);
    if (!job)
        return RILL_ERR_NOT_FOUND;
    rill_store_job_run(job);
    return rill_store_background_finish(store, job);
}

enum rill_err drive_background(struct rill_store *store)
{
    enum rill_err err;
    do
        err = drive_work(store);
    while (!err);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

enum rill_err drive_mend(struct rill_store *store)
{
    struct rill_store_job *job = rill_store_mend_start(store);
    if (!job)
        return RILL_ERR_NOT_FOUND;
    rill_store_job_run(job);
    return rill_store_mend_finish(store, job);
}

enum rill_err drive_mending(struct rill_store *store)
{
    enum rill_err err = drive_background(store);
    while (!err)
        err = drive_mend(store);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

enum rill_err drive_tidy(struct rill_store *store)
{
    struct rill_store_job *job = rill_store_tidy_start(store);
    if (!job)
        return RILL_ERR_NOT_FOUND;
    rill_store_job_run(job);
    return rill_store_tidy_finish(store, job);
}

struct rill_store_state drive_state(const struct rill_store *store)
{
    struct rill_store_state state;
    rill_store_state(store, &state);
    return state;
}
