// SPDX-License-Identifier: Apache-2.0
#include "reindex.h"

#include "folder_hold.h"
#include "io.h"
#include "proto/message.h"
#include "proto/stream_log.pb-c.h"
#include "storage/store.h"
#include "tool.h"
#include "verify.h"
#include "walk.h"

#include <stdlib.h>

// ---- how long message ids are remembered ----

static void take_config(int64_t *window_ns, const Rill__StreamRecord *stream)
{
    *window_ns = stream && stream->config ? stream->config->duplicate_window : *window_ns;
}

/* What cannot be understood says nothing. */
static enum rill_err take_record(void *context, const struct walk_record *found)
{
    const bool is_checkpoint = found->record.type == RECORD_CHECKPOINT;
    const ProtobufCMessageDescriptor *type =
        is_checkpoint ? &rill__stream_checkpoint__descriptor : &rill__stream_record__descriptor;
    ProtobufCMessage *message;
    if ((!is_checkpoint && found->record.type != RILL_STORE_EVENT_STREAM_CONFIG) ||
        rill_message_unpack(type, found->record.body, &message))
        return RILL_OK;
    take_config(context, is_checkpoint ? ((const Rill__StreamCheckpoint *)message)->stream
                                       : (const Rill__StreamRecord *)message);
    rill_message_free(message);
    return RILL_OK;
}

/* The stream's last configuration says it, with the folder held: it takes as long as a verify. */
static enum rill_err find_window(const struct request *request, const char *folder, int64_t *ret_window_ns,
                                 struct rill_error_text *why)
{
    const struct walk_options options = {.disk = request->disk, .folder = folder};
    const struct walk_visitor visitor = {.context = ret_window_ns, .record = take_record};
    struct walk_result end;
    int fd = -1;
    enum rill_err err = folder_hold(folder, &fd);
    if (err)
        rill_error_text_set(why, "%s", rill_err_text(err));
    else
        err = walk_stream(&options, &visitor, &end, why);
    folder_release(fd);
    return err;
}

// ---- making it ----

/* While a message is being erased no batch is written (E3). */
static enum rill_err finish_erasing(struct rill_store *store)
{
    struct rill_store_state state;
    struct rill_store_job *job = NULL;
    enum rill_err err = RILL_OK;
    do {
        rill_store_state(store, &state);
        job = state.erasing ? rill_store_tidy_start(store) : NULL;
        if (job) {
            rill_store_job_run(job);
            err = rill_store_tidy_finish(store, job);
        }
    } while (!err && job);
    return err;
}

static enum rill_err build(const struct rill_store_options *options, struct rill_error_text *why)
{
    struct rill_store *store;
    struct rill_store_state state;
    enum rill_err err = rill_store_open(options, NULL, &store, NULL, why);
    if (err)
        return err;
    err = finish_erasing(store);
    if (err)
        rill_error_text_set(why, "overwrite an erased message: %s", rill_err_text(err));
    rill_store_state(store, &state);
    if (!err && state.index_failed) {
        rill_error_text_set(why, "write the index: %s", state.index_why.text);
        err = RILL_ERR_UNAVAILABLE;
    }
    rill_store_close(store);
    return err;
}

static bool is_there(struct rill_disk *disk, const char *folder)
{
    struct rill_disk_file *file;
    char *path = io_path(folder, "index.db");
    const enum rill_err err = disk->ops->open(disk, path, RILL_DISK_READ, &file);
    if (!err)
        disk->ops->close(file);
    free(path);
    return err == RILL_OK;
}

int reindex_stream(const struct request *request, const char *folder)
{
    struct rill_error_text why = {""};
    struct rill_store_options options = {
        .disk = request->disk, .folder = folder, .index = true, .index_anew = true};
    enum rill_err err = find_window(request, folder, &options.id_window_ns, &why);
    if (!err)
        err = build(&options, &why);
    if (!err && !is_there(request->disk, folder)) {
        rill_error_text_set(&why, "the index could not be written");
        err = RILL_ERR_IO;
    }
    if (err)
        return streams_fail(request, folder, err, why.text);
    return verify_stream(request, folder);
}
