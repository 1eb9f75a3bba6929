// SPDX-License-Identifier: Apache-2.0
//
// The replay of one file by itself, into a directory that belongs to no store: what a rewriting reads back before it trusts
// it.
#include "rewrite.h"

#include "replay_state.h"

#include "base/alloc.h"

#include <stdlib.h>

static enum rill_err note_size(void *context, const struct rill_store_message *message)
{
    struct rewrite *rewrite = context;
    if (rewrite->kept_count == rewrite->written.messages)
        return RILL_ERR_DAMAGED;
    rewrite->kept[rewrite->kept_count++] = (struct rewrite_kept){
        .index = (uint32_t)(message->sequence - rewrite->plan.first_sequence),
        .size = (uint32_t)record_message_size(message),
    };
    return RILL_OK;
}

/* Everything must be there, up to the last byte. */
static bool is_complete(const struct replay *replay, const struct rewrite *rewrite)
{
    return replay->report->lost_ranges == 0 && replay->at.commit == rewrite->written.last_commit &&
           replay->at.sequence + 1 == rewrite->plan.end_sequence &&
           replay->at.offset == rewrite->written.bytes && replay->reader.size == rewrite->written.bytes &&
           rewrite->kept_count == rewrite->written.messages;
}

static enum rill_err read_all(struct replay *replay, struct rewrite *rewrite)
{
    const uint8_t *at;
    enum rill_err err = reader_get(&replay->reader, 0, SEGMENT_HEADER_BYTES, &at);
    if (!err)
        err = segment_header_get(at, &replay->tail->header);
    if (err)
        return err;
    replay->at.sequence = replay->tail->header.first_sequence - 1;
    replay->at.commit = replay->tail->header.first_commit - 1;
    replay->at.segment = rewrite->plan.number;
    replay->reader.seed = segment_seed(rewrite->plan.identity, rewrite->plan.number);
    replay->rewritten = true;
    (void)segment_push(&replay->store->segments, rewrite->plan.number, rewrite->plan.first_sequence);
    err = replay_commits(replay);
    if (!err && !is_complete(replay, rewrite))
        err = RILL_ERR_DAMAGED;
    return err;
}

enum rill_err rewrite_read_back(struct rewrite *rewrite)
{
    struct rill_store *nobody = rill_alloc_zero(1, sizeof *nobody);
    const struct rill_store_visitor visitor = {.context = rewrite, .message = note_size};
    struct rill_store_report report = {0};
    struct replay_tail tail = {0};
    struct replay replay = {.store = nobody, .visitor = &visitor, .report = &report, .tail = &tail};
    rill_buf_init(&nobody->checkpoint, CHECKPOINT_BYTES_MAX);
    enum rill_err err = reader_open(&replay.reader, rewrite->plan.disk, rewrite->plan.new_path);
    if (!err) {
        err = read_all(&replay, rewrite);
        if (replay.reader.unreadable) // zeros stand for what was not read: that is no damage
            err = RILL_ERR_IO;
        reader_close(&replay.reader);
    }
    rewrite->directory = nobody->segments;
    rill_buf_fini(&nobody->checkpoint);
    lost_fini(&nobody->lost);
    free(nobody->erasures);
    free(replay.unpacked);
    free(nobody);
    return err;
}
