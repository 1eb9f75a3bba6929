// SPDX-License-Identifier: Apache-2.0
#include "message_find.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/subject.h"
#include "stream_tidy.h"

#include <stdlib.h>

enum { PAGE_SUBJECTS = 1000, SUBJECT_BYTES_MAX = 1 << 20 };

// ---- the next one ----

static void release_filter(void *own)
{
    rill_store_filter_destroy(own);
}

static struct rill_store_filter *filter_of(struct stream *stream, struct asked *asked, const char *pattern)
{
    const struct rill_bytes patterns[] = {rill_bytes_from_cstr(pattern)};
    if (!asked->own) {
        asked->own = rill_store_filter_create(stream->store, patterns, 1);
        asked->release = release_filter;
    }
    RILL_ASSERT(asked->release == release_filter);
    return asked->own;
}

/* The index is behind: whoever asks waits for it. */
static enum rill_err await(struct stream *stream, enum rill_err err)
{
    if (err == RILL_ERR_AGAIN)
        stream_await_index(stream);
    return err;
}

enum rill_err message_find_next(struct stream *stream, struct asked *asked, const char *pattern,
                                uint64_t from, uint64_t *ret_sequence)
{
    return await(stream, rill_store_next(filter_of(stream, asked, pattern), from, ret_sequence));
}

enum rill_err message_count_from(struct stream *stream, struct asked *asked, const char *pattern,
                                 uint64_t from, uint64_t *ret_count)
{
    return await(stream, rill_store_count(filter_of(stream, asked, pattern), from, ret_count));
}

// ---- the last one ----

/* Through all subjects that match, page by page. */
struct search {
    struct rill_buf after; // the last subject that was looked at
    uint64_t last;         // found so far; 0: none
    size_t page;           // subjects on this page
};

static void release_search(void *own)
{
    struct search *search = own;
    rill_buf_fini(&search->after);
    free(search);
}

static enum rill_err visit(void *context, const struct rill_store_subject *subject)
{
    struct search *search = context;
    if (subject->last_sequence > search->last)
        search->last = subject->last_sequence;
    search->page++;
    search->after.len = 0;
    return rill_buf_append(&search->after, subject->subject);
}

static struct search *search_of(struct asked *asked)
{
    if (!asked->own) {
        struct search *search = rill_alloc_zero(1, sizeof *search);
        rill_buf_init(&search->after, SUBJECT_BYTES_MAX);
        asked->own = search;
        asked->release = release_search;
    }
    RILL_ASSERT(asked->release == release_search);
    return asked->own;
}

static enum rill_err search_on(struct stream *stream, struct asked *asked, struct rill_bytes pattern,
                               uint64_t *ret_sequence)
{
    struct search *search = search_of(asked);
    search->page = 0;
    const enum rill_err err = rill_store_subjects(stream->store, pattern, rill_buf_bytes(&search->after),
                                                  PAGE_SUBJECTS, visit, search);
    if (err)
        return await(stream, err);
    if (search->page == PAGE_SUBJECTS) {
        stream_soon(stream);
        return RILL_ERR_AGAIN;
    }
    *ret_sequence = search->last;
    return search->last ? RILL_OK : RILL_ERR_NOT_FOUND;
}

static enum rill_err find_last(struct stream *stream, struct asked *asked, const char *pattern,
                               uint64_t *ret_sequence)
{
    const struct rill_bytes subject = rill_bytes_from_cstr(pattern);
    struct rill_store_subject found;
    if (rill_subject_has_wildcard(subject))
        return search_on(stream, asked, subject, ret_sequence);
    const enum rill_err err = rill_store_subject(stream->store, subject, &found);
    if (!err)
        *ret_sequence = found.last_sequence;
    return await(stream, err);
}

// ---- a request ----

static bool text_is_sound(const char *text)
{
    return !message_text_is_given(text) || rill_subject_is_valid(rill_bytes_from_cstr(text));
}

enum rill_err message_find(struct stream *stream, struct asked *asked, const Rill__MsgGetRequest *request,
                           uint64_t *ret_sequence)
{
    if (!text_is_sound(request->last_by_subj) || !text_is_sound(request->next_by_subj))
        return RILL_ERR_NOT_FOUND; // no message has such a subject
    if (message_text_is_given(request->last_by_subj))
        return find_last(stream, asked, request->last_by_subj, ret_sequence);
    if (!asked->sequence && request->start_time) {
        const enum rill_err err = asked_find_time(stream, asked, request->start_time->unix_ns);
        if (err)
            return err;
    }
    if (message_text_is_given(request->next_by_subj))
        return message_find_next(stream, asked, request->next_by_subj, asked->sequence, ret_sequence);
    *ret_sequence = asked->sequence;
    return RILL_OK;
}
