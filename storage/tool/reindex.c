// SPDX-License-Identifier: Apache-2.0
#include "reindex.h"

#include "io.h"
#include "proto/message.h"
#include "proto/stream_log.pb-c.h"
#include "storage/store.h"
#include "tool.h"
#include "verify.h"

#include <stdlib.h>

// ---- how long message ids are remembered: the stream's last configuration says it ----

static void take_config(int64_t *window_ns, const Rill__StreamRecord *stream)
{
    *window_ns = stream && stream->config ? stream->config->duplicate_window : *window_ns;
}

/* What cannot be understood says nothing. */
static enum rill_err on_checkpoint(void *context, struct rill_bytes bytes)
{
    ProtobufCMessage *message;
    if (rill_message_unpack(&rill__stream_checkpoint__descriptor, bytes, &message))
        return RILL_OK;
    take_config(context, ((const Rill__StreamCheckpoint *)message)->stream);
    rill_message_free(message);
    return RILL_OK;
}

static enum rill_err on_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    ProtobufCMessage *message;
    if (type != RILL_STORE_EVENT_STREAM_CONFIG ||
        rill_message_unpack(&rill__stream_record__descriptor, bytes, &message))
        return RILL_OK;
    take_config(context, (const Rill__StreamRecord *)message);
    rill_message_free(message);
    return RILL_OK;
}

// ---- making it ----

/* What the log says is to be erased is, when it has been read anyway. */
static enum rill_err finish_erasing(struct rill_store *store)
{
    struct rill_store_state state;
    struct rill_store_job *job = NULL;
    enum rill_err err = RILL_OK;
    do {
        rill_store_state(store, &state);
        job = state.erasing ? rill_store_background_start(store) : NULL;
        if (job) {
            rill_store_job_run(job);
            err = rill_store_background_finish(store, job);
        }
    } while (!err && job);
    return err;
}

static enum rill_err build(const struct request *request, const struct rill_store_options *options,
                           struct rill_error_text *why)
{
    int64_t window_ns = 0;
    const struct rill_store_visitor visitor = {
        .context = &window_ns, .checkpoint = on_checkpoint, .event = on_event, .id_window_ns = &window_ns};
    struct rill_store *store;
    struct rill_store_state state;
    enum rill_err err = rill_store_open(options, &visitor, &store, NULL, why);
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
    if (state.ids_forgotten)
        (void)fprintf(request->err,
                      "rilld store: %s: not all message ids in the old index could be read; those of "
                      "messages that were removed may be forgotten\n",
                      options->folder);
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
    const struct rill_store_options options = {
        .disk = request->disk, .folder = folder, .index = true, .index_anew = true};
    enum rill_err err = build(request, &options, &why);
    if (!err && !is_there(request->disk, folder)) {
        rill_error_text_set(&why, "the index could not be written");
        err = RILL_ERR_IO;
    }
    if (err)
        return streams_fail(request, folder, err, why.text);
    return verify_stream(request, folder);
}
