// SPDX-License-Identifier: Apache-2.0
//
// The last part of a restore, when all files are there: a job reads the log where it lies, writes the configuration behind
// it, puts it in its place, and reads it as a start would.
#include "api.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "js_limits.h"
#include "proto/message.h"
#include "recovery.h"
#include "restore.h"
#include "storage/backup.h"
#include "stream_advisory.h"
#include "stream_place.h"
#include "stream_shown.h"

#include <inttypes.h>
#include <stdlib.h>

enum { EVENT_BYTES_MAX = 8 << 20 };

struct finish_job {
    struct rill_job job;
    struct stream *stream;
    struct stream_place place;
    Rill__StreamRecord *record; // that the log will say
    bool in_memory;
    bool without_consumers;
    struct recovery staged; // of the log where it was written
    struct recovery recovery;
    enum rill_err err;
    struct rill_error_text why;

    int64_t start_wall_ns;
    uint64_t bytes;
    size_t reply_len;
    uint8_t reply[];
};

// ---- on a worker ----

static enum rill_err append_event(struct finish_job *job, enum rill_store_event type,
                                  const ProtobufCMessage *event)
{
    struct rill_buf buf;
    rill_buf_init(&buf, EVENT_BYTES_MAX);
    enum rill_err err = rill_message_pack(event, &buf);
    if (!err)
        err = rill_store_append_event(job->staged.store, type, rill_buf_bytes(&buf));
    rill_buf_fini(&buf);
    return err;
}

static enum rill_err append_consumer_ends(struct finish_job *job)
{
    enum rill_err err = RILL_OK;
    const struct durable *durable;
    for (durable = job->staged.durables; !err && durable; durable = durable->by_name.next) {
        Rill__ConsumerEnd end = RILL__CONSUMER_END__INIT;
        end.number = durable->settings->number;
        err = append_event(job, RILL_STORE_EVENT_CONSUMER_DELETED, &end.base);
    }
    return err;
}

static enum rill_err commit(struct rill_store *store)
{
    struct rill_store_committed committed;
    struct rill_store_job *job = rill_store_commit_start(store);
    RILL_ASSERT(job);
    rill_store_job_run(job);
    const enum rill_err err = rill_store_commit_finish(store, job, &committed);
    rill_store_catch_up(store);
    return err;
}

/* A rill_store_checkpoint_fn for the log where it was written. */
static enum rill_err write_checkpoint(void *context, struct rill_buf *out)
{
    const struct finish_job *job = context;
    return stream_checkpoint_write(job->record, job->without_consumers ? NULL : job->staged.durables,
                                   job->staged.consumer_number_last, out);
}

/* The log gets the configuration that was asked for; it says when the stream was made. */
static enum rill_err configure(struct finish_job *job, const struct rill_store_options *place)
{
    struct rill_store_options options = *place;
    char *folder = rill_restore_path(place->folder);
    options.folder = folder;
    options.checkpoint = write_checkpoint;
    options.checkpoint_context = job;
    enum rill_err err = recovery_run(&job->staged, &options, &job->why);
    free(folder);
    if (err)
        return err;
    job->record->created_unix_ns = job->staged.record->created_unix_ns;
    if (job->without_consumers)
        err = append_consumer_ends(job);
    if (!err)
        err = append_event(job, RILL_STORE_EVENT_STREAM_CONFIG, &job->record->base);
    if (!err)
        err = commit(job->staged.store);
    if (err)
        rill_error_text_set(&job->why, "configure the log: %s", rill_err_text(err));
    rill_store_close(job->staged.store);
    job->staged.store = NULL;
    return err;
}

static enum rill_err define(struct finish_job *job)
{
    struct rill_buf checkpoint;
    rill_buf_init(&checkpoint, EVENT_BYTES_MAX);
    enum rill_err err = stream_checkpoint_write(job->record, NULL, 0, &checkpoint);
    if (err)
        rill_error_text_set(&job->why, "define the stream: %s", rill_err_text(err));
    else
        err = stream_place_create_definition(&job->place, rill_buf_bytes(&checkpoint), &job->why);
    rill_buf_fini(&checkpoint);
    return err;
}

/* A stream that nobody was told of. */
static void remove_again(struct finish_job *job, const struct rill_store_options *place)
{
    struct rill_error_text ignored;
    if (rill_restore_discard(place->disk, place->folder) ||
        stream_place_remove(&job->place, job->in_memory, &ignored))
        rill_error_text_wrap(&job->why, "something of it stays");
}

static void run_finish(struct rill_job *base)
{
    struct finish_job *job = (struct finish_job *)base;
    const struct rill_store_options *place = job->in_memory ? &job->place.memory : &job->place.file;
    bool placed = false;
    job->err = configure(job, place);
    if (!job->err && job->in_memory)
        job->err = define(job);
    if (!job->err) {
        job->err = rill_restore_place(place->disk, place->folder, &job->why);
        placed = !job->err;
    }
    if (!job->err)
        job->err = recovery_run(&job->recovery, place, &job->why);
    if (job->err && (placed || job->in_memory))
        remove_again(job, place);
    else if (job->err && rill_restore_discard(place->disk, place->folder))
        rill_error_text_wrap(&job->why, "something of it stays");
}

// ---- on the loop ----

static void job_free(struct finish_job *job)
{
    recovery_fini(&job->staged);
    recovery_fini(&job->recovery);
    stream_place_fini(&job->place);
    if (job->record)
        rill_message_free(&job->record->base);
    free(job);
}

static void take_stream(struct rill_core *core, struct finish_job *job)
{
    struct stream *stream = job->stream;
    stream_shown_forget(stream);
    rill_message_free(&stream->record->base); // the log says the same
    stream->record = stream->record_newest = NULL;
    recovery_attach(&job->recovery);
    rill_log(&core->log, RILL_LOG_INFO,
             "JetStream stream '%s': restored from %" PRIu64 " bytes, with %u consumers", stream->name,
             job->bytes, stream->durable_count);
    stream_set_to_work(stream);
    stream_advise(stream, STREAM_ACTION_CREATED);
    stream_advise_transfer(stream->js, stream->name,
                           &(struct stream_transfer){.kind = STREAM_RESTORE_COMPLETE,
                                                     .start_wall_ns = job->start_wall_ns,
                                                     .bytes = job->bytes});
    stream_answer_created(stream, rill_bytes_of(job->reply, job->reply_len), NULL);
    held_release(stream->js, &stream->held);
}

static void finish_finish(struct rill_core *core, struct rill_job *base)
{
    struct finish_job *job = (struct finish_job *)base;
    struct stream *stream = job->stream;
    const bool failed = job->err != RILL_OK;
    if (!failed) {
        take_stream(core, job);
    } else {
        const struct rill_js_error error = rill_js_error_with(RILL_JS_STREAM_RESTORE, "%s", job->why.text);
        rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s': restore failed: %s", stream->name,
                 job->why.text);
        restore_refuse(stream->js, rill_bytes_of(job->reply, job->reply_len), &error);
    }
    job_free(job);
    if (failed)
        stream_free(stream);
}

/* Meanwhile somebody else may have made what is in the way. */
static struct rill_js_error check(struct jetstream *js, const Rill__StreamConfig *config)
{
    if (js->stopping)
        return rill_js_error_of(RILL_JS_NOT_READY);
    if (stream_find(js, rill_bytes_from_cstr(config->name)))
        return rill_js_error_of(RILL_JS_STREAM_NAME_EXISTS_RESTORE);
    if (stream_subjects_overlap(js, NULL, config->subjects, config->n_subjects))
        return rill_js_error_of(RILL_JS_STREAM_SUBJECT_OVERLAP);
    return js_limits_check_stream(js, config, NULL);
}

static void submit_finish(struct jetstream *js, const struct restore_finish *finish)
{
    struct rill_core *core = js->core;
    struct stream *stream = stream_add(js, finish->config->name, STREAM_CREATING);
    struct finish_job *job = rill_alloc_zero(1, sizeof *job + finish->reply.len);
    stream->record = stream->record_newest = stream_record_of(finish->config, core->now.wall_ns);
    job->job = (struct rill_job){.run = run_finish, .finish = finish_finish, .lane = RILL_LANE_LONG};
    job->stream = stream;
    job->record = stream_record_of(finish->config, core->now.wall_ns);
    job->in_memory = finish->config->storage == RILL__STORAGE__STORAGE_MEMORY;
    job->without_consumers = finish->without_consumers;
    job->start_wall_ns = finish->start_wall_ns;
    job->bytes = finish->bytes;
    job->reply_len = finish->reply.len;
    memcpy(job->reply, finish->reply.data, finish->reply.len);
    stream_place_init(&job->place, stream);
    recovery_init(&job->staged, stream, rill_random_next(&core->random), core->now.wall_ns);
    recovery_init(&job->recovery, stream, rill_random_next(&core->random), core->now.wall_ns);
    core_submit(core, &job->job);
}

struct rill_js_error restore_finish(struct jetstream *js, const struct restore_finish *finish)
{
    const struct rill_js_error error = check(js, finish->config);
    if (!rill_js_error_is_set(&error))
        submit_finish(js, finish);
    return error;
}
