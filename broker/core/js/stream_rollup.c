// SPDX-License-Identifier: Apache-2.0
#include "stream_rollup.h"

#include "asked.h"
#include "base/alloc.h"
#include "stream_tidy.h"

#include <stdlib.h>

void stream_roll_up_all(struct stream *stream)
{
    struct rill_store_purged purged;
    // The message itself is in the tail, so no block has to be loaded.
    const enum rill_err err = rill_store_append_purge(stream->store, stream->last_appended, &purged);
    if (err)
        rill_log(&stream->js->core->log, RILL_LOG_ERROR, "JetStream stream '%s': a rollup failed: %s",
                 stream->name, rill_err_text(err));
}

// ---- of a subject ----

struct rollup {
    struct rill_store_filter *filter;
    struct rill_store_purging purging;
    uint64_t failures; // of commits, when it began
    bool is_durable;   // the message is
};

static void rollup_release(void *own)
{
    struct rollup *rollup = own;
    rill_store_filter_destroy(rollup->filter);
    free(rollup);
}

static void refuse(struct stream *stream, const struct asked *asked, enum rill_err err)
{
    const struct rill_js_error error = stream_store_error(stream, err);
    stream_refuse(stream, asked_reply(asked), &error);
}

/* When the commit is durable that holds the message, or the last of what it replaces. */
static enum asked_outcome acknowledge(struct stream *stream, const struct asked *asked)
{
    const struct pub_ack ack = {.sequence = asked->sequence, .reply = asked_reply(asked)};
    const bool is_open = rill_store_open_bytes(stream->store) > 0;
    enum rill_err err = RILL_OK;
    if (is_open) {
        stream->commit_wanted = true;
        stream_touch(stream);
    }
    if (!asked->reply_len)
        return ASKED_DONE;
    if (is_open)
        err = pub_acks_add(&stream->acks_open, &ack);
    else if (stream->commit_out)
        err = pub_acks_add(&stream->acks_flying, &ack);
    else
        stream_acknowledge(stream, &ack);
    if (err)
        refuse(stream, asked, RILL_ERR_LIMIT);
    return ASKED_DONE;
}

/* A commit has failed meanwhile: was the message in it? */
static bool is_lost(struct stream *stream, struct rollup *rollup, uint64_t sequence)
{
    if (rollup->failures != stream->commits_failed) {
        rollup->purging = (struct rill_store_purging){0}; // what was removed may be back
        rollup->failures = stream->commits_failed;
        return !rollup->is_durable;
    }
    rollup->is_durable |= stream->last_committed >= sequence;
    return false;
}

static enum rill_err remove_older(struct stream *stream, const struct asked *asked)
{
    struct rollup *rollup = asked->own;
    if (stream->broken)
        return RILL_ERR_READ_ONLY;
    return rill_store_append_purge_matching(rollup->filter, asked->sequence, 0, &rollup->purging);
}

static enum asked_outcome step_rollup(struct stream *stream, struct asked *asked)
{
    struct rollup *rollup = asked->own;
    if (is_lost(stream, rollup, asked->sequence)) {
        refuse(stream, asked, RILL_ERR_UNAVAILABLE);
        return ASKED_DONE;
    }
    const enum rill_err err = remove_older(stream, asked);
    if (err == RILL_ERR_AGAIN || err == RILL_ERR_LIMIT) {
        stream->commit_wanted = true;
        stream_touch(stream);
        if (rollup->purging.load_sequence)
            asked_load(stream, rollup->purging.load_sequence);
        else
            stream_await_index(stream);
        return ASKED_WAITS;
    }
    if (err) {
        refuse(stream, asked, err);
        return ASKED_DONE;
    }
    return acknowledge(stream, asked);
}

/* The ones in front of it may be on their way to the disk. */
static enum asked_outcome step_settle(struct stream *stream, struct asked *asked)
{
    if (is_lost(stream, asked->own, asked->sequence)) {
        refuse(stream, asked, RILL_ERR_UNAVAILABLE);
        return ASKED_DONE;
    }
    if (!((struct rollup *)asked->own)->is_durable && !stream->broken) {
        stream->commit_wanted = true;
        stream_touch(stream);
        return ASKED_WAITS;
    }
    asked->step = step_rollup;
    return step_rollup(stream, asked);
}

void stream_roll_up_subject(struct stream *stream, struct rill_bytes subject, uint64_t sequence,
                            struct rill_bytes reply)
{
    struct rollup *rollup = rill_alloc_zero(1, sizeof *rollup);
    rollup->filter = rill_store_filter_create(stream->store, &subject, 1);
    rollup->failures = stream->commits_failed;
    const bool in_one = stream->last_committed + 1 == sequence;
    const struct asked asked = {
        .step = in_one ? step_rollup : step_settle,
        .direct = true,
        .sequence = sequence,
        .own = rollup,
        .release = rollup_release,
    };
    asked_begin(stream, &asked, NULL, reply);
}
