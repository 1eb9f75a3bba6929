// SPDX-License-Identifier: Apache-2.0
#include "stream_place.h"

#include "base/alloc.h"
#include "proto/message.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>

/* A definition is little and seldom written. */
enum { DEFINITION_SEGMENT_BYTES = 64 * 1024, CHECKPOINT_BYTES_MAX = 8 << 20 };

// ---- life ----

char *stream_place_folder(const struct jetstream *js, const char *stream_name)
{
    const size_t size = strlen(js->store_dir) + strlen(js->account->name) + strlen(stream_name) + 3;
    char *folder = rill_alloc_zero(1, size);
    (void)snprintf(folder, size, "%s/%s/%s", js->store_dir, js->account->name, stream_name);
    return folder;
}

struct rill_disk *stream_place_disk(const struct jetstream *js, const Rill__StreamConfig *config)
{
    return config->storage == RILL__STORAGE__STORAGE_MEMORY ? js->memory_disk : js->disk;
}

void stream_place_init(struct stream_place *place, struct stream *stream)
{
    const struct jetstream *js = stream->js;
    *place = (struct stream_place){.shared = js->shared, .folder = stream_place_folder(js, stream->name)};
    place->file = (struct rill_store_options){
        .disk = js->disk,
        .folder = place->folder,
        .shared = js->shared,
        .checkpoint = stream_checkpoint,
        .checkpoint_context = stream,
        .segment_bytes = js->segment_bytes,
        .cache_bytes_max = js->cache_bytes_max,
        .commit_bytes_max = STREAM_COMMIT_BYTES_MAX,
        .first_sequence = stream->record ? stream->record->config->first_seq : 0,
        .syncs_later = js->sync_interval_ns > 0,
        .index = true,
        .spares = true,
        .index_log_bytes = js->index_log_bytes,
    };
    place->memory = place->file;
    place->memory.disk = js->memory_disk;
    place->memory.shared = NULL;
    place->memory.syncs_later = place->memory.spares = false;
    for (size_t i = 0; i < sizeof place->identity; i += sizeof(uint64_t)) {
        const uint64_t random = rill_random_next(&js->core->random);
        memcpy(place->identity + i, &random, sizeof random);
    }
}

void stream_place_fini(struct stream_place *place)
{
    free(place->folder);
}

// ---- the definition ----

static struct rill_store_options definition_of(const struct stream_place *place)
{
    struct rill_store_options options = place->file;
    options.segment_bytes = DEFINITION_SEGMENT_BYTES;
    options.first_sequence = 0;
    options.checkpoint = NULL;
    options.index = options.syncs_later = options.spares = false;
    return options;
}

enum rill_err stream_place_create_definition(struct stream_place *place, struct rill_bytes checkpoint,
                                             struct rill_error_text *why)
{
    const struct rill_store_options options = definition_of(place);
    struct rill_store *store;
    const enum rill_err err = rill_store_create(&options, place->identity, checkpoint, &store, why);
    if (!err)
        rill_store_close(store);
    return err;
}

static enum rill_err pack_checkpoint(Rill__StreamRecord *record, struct rill_buf *buf)
{
    Rill__StreamCheckpoint checkpoint = RILL__STREAM_CHECKPOINT__INIT;
    checkpoint.stream = record;
    return rill_message_pack(&checkpoint.base, buf);
}

/* A new segment begins with what the stream is from now on. */
static enum rill_err write_checkpoint(void *context, struct rill_buf *out)
{
    return pack_checkpoint(context, out);
}

static enum rill_err commit(struct rill_store *store)
{
    struct rill_store_committed committed;
    struct rill_store_job *job = rill_store_commit_start(store);
    rill_store_job_run(job);
    return rill_store_commit_finish(store, job, &committed);
}

enum rill_err stream_place_define(struct stream_place *place, const Rill__StreamRecord *record,
                                  struct rill_error_text *why)
{
    struct rill_store_options options = definition_of(place);
    struct rill_store *store;
    struct rill_buf buf;
    options.checkpoint = write_checkpoint;
    options.checkpoint_context = (void *)record;
    enum rill_err err = rill_store_open(&options, NULL, &store, NULL, why);
    if (err)
        return err;
    rill_buf_init(&buf, CHECKPOINT_BYTES_MAX);
    err = rill_message_pack(&record->base, &buf);
    if (!err)
        err = rill_store_append_event(store, RILL_STORE_EVENT_STREAM_CONFIG, rill_buf_bytes(&buf));
    if (!err)
        err = commit(store);
    if (err)
        rill_error_text_set(why, "%s", rill_err_text(err));
    rill_buf_fini(&buf);
    rill_store_close(store);
    return err;
}

// ---- the whole ----

enum rill_err stream_place_create(struct stream_place *place, bool in_memory, struct rill_bytes checkpoint,
                                  struct rill_store **ret_store, struct rill_error_text *why)
{
    if (!in_memory)
        return rill_store_create(&place->file, place->identity, checkpoint, ret_store, why);
    struct rill_error_text second;
    enum rill_err err = stream_place_create_definition(place, checkpoint, why);
    if (err)
        return err;
    err = rill_store_create(&place->memory, place->identity, checkpoint, ret_store, why);
    if (err && rill_store_shared_delete(place->shared, place->file.disk, place->folder, &second))
        rill_error_text_wrap(why, "its definition stays: %s", second.text);
    return err;
}

enum rill_err stream_place_create_empty(struct stream_place *place, Rill__StreamRecord *record,
                                        struct rill_store **ret_store, struct rill_error_text *why)
{
    struct rill_buf buf;
    rill_buf_init(&buf, CHECKPOINT_BYTES_MAX);
    place->memory.first_sequence = record->config->first_seq;
    enum rill_err err = pack_checkpoint(record, &buf);
    if (err)
        rill_error_text_set(why, "%s", rill_err_text(err));
    else
        err = rill_store_create(&place->memory, place->identity, rill_buf_bytes(&buf), ret_store, why);
    rill_buf_fini(&buf);
    return err;
}

enum rill_err stream_place_remove(struct stream_place *place, bool in_memory, struct rill_error_text *why)
{
    const enum rill_err err = in_memory ? rill_store_delete(place->memory.disk, place->folder, why) : RILL_OK;
    return err ? err : rill_store_shared_delete(place->shared, place->file.disk, place->folder, why);
}
