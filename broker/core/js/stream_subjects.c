// SPDX-License-Identifier: Apache-2.0
#include "stream_subjects.h"

#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "stream.h"
#include "stream_tidy.h"

#include <stdlib.h>

enum { COUNT_AT_ONCE = 256, PAGE_SUBJECTS = 1000, SUBJECT_BYTES_MAX = 1 << 20 };

/* A walk through all subjects. */
struct walk {
    struct subject_count found; // so far
    struct rill_buf after;
    size_t page;
};

static void walk_release(void *own)
{
    struct walk *walk = own;
    rill_buf_fini(&walk->after);
    free(walk);
}

static enum rill_err visit(void *context, const struct rill_store_subject *subject)
{
    struct walk *walk = context;
    walk->page++;
    walk->after.len = 0;
    return rill_buf_append(&walk->after, subject->subject);
}

static enum rill_err take_page(struct stream *stream, struct walk *walk, size_t limit)
{
    walk->page = 0;
    const enum rill_err err =
        rill_store_subjects(stream->store, RILL_BYTES(">"), rill_buf_bytes(&walk->after), limit, visit, walk);
    if (!err)
        walk->found.count += walk->page;
    return err;
}

static void walk_init(struct stream *stream, struct walk *walk)
{
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    *walk = (struct walk){
        .found = {.is_known = true, .as_of_sequence = log.last_sequence, .as_of_messages = log.messages}};
    rill_buf_init(&walk->after, SUBJECT_BYTES_MAX);
}

// ---- many ----

static enum asked_outcome step_walk(struct stream *stream, struct asked *asked)
{
    struct walk *walk = asked->own;
    const enum rill_err err = take_page(stream, walk, PAGE_SUBJECTS);
    if (err == RILL_ERR_AGAIN)
        stream_await_index(stream);
    if (err == RILL_ERR_AGAIN || (!err && walk->page == PAGE_SUBJECTS))
        return err ? ASKED_WAITS : ASKED_GOES_ON;
    stream->subjects.is_walking = false;
    if (!err)
        stream->subjects = walk->found;
    stream_soon(stream); // who waits for it was asked before
    return ASKED_DONE;
}

static void begin_walk(struct stream *stream)
{
    const struct rill_bytes nobody = {0};
    struct walk *walk;
    if (stream->subjects.is_walking)
        return;
    walk = rill_alloc_zero(1, sizeof *walk);
    walk_init(stream, walk);
    stream->subjects.is_walking = true;
    const struct asked asked = {.step = step_walk, .direct = true, .own = walk, .release = walk_release};
    asked_begin(stream, &asked, NULL, nobody);
}

// ---- few ----

static bool is_fresh(const struct stream *stream)
{
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    return stream->subjects.is_known && stream->subjects.as_of_sequence == log.last_sequence &&
           stream->subjects.as_of_messages == log.messages;
}

/* RILL_OK when they were few. */
static enum rill_err count_at_once(struct stream *stream)
{
    struct walk walk;
    walk_init(stream, &walk);
    enum rill_err err = take_page(stream, &walk, COUNT_AT_ONCE);
    if (!err && walk.page == COUNT_AT_ONCE)
        err = RILL_ERR_LIMIT;
    if (!err) {
        walk.found.is_walking = stream->subjects.is_walking;
        stream->subjects = walk.found;
    }
    rill_buf_fini(&walk.after);
    return err;
}

uint64_t stream_subjects_count(struct stream *stream)
{
    if (stream->state != STREAM_ACTIVE || is_fresh(stream))
        return stream->subjects.count;
    const bool were_few = stream->subjects.count < COUNT_AT_ONCE;
    const enum rill_err err = were_few ? count_at_once(stream) : RILL_ERR_LIMIT;
    if (err == RILL_ERR_LIMIT || err == RILL_ERR_AGAIN)
        begin_walk(stream);
    return stream->subjects.count;
}

bool stream_subjects_are_awaited(const struct stream *stream)
{
    return stream->subjects.is_walking && stream->subjects.count < COUNT_AT_ONCE;
}
