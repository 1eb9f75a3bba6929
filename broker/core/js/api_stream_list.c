// SPDX-License-Identifier: Apache-2.0
//
// What streams there are, page by page: $JS.API.STREAM.NAMES and LIST.
#include "api.h"
#include "base/alloc.h"
#include "proto/subject.h"
#include "stream.h"

#include <stdlib.h>

enum { NAMES_PAGE = 1024, LIST_PAGE = 256 };

struct page {
    struct stream **streams; // sorted by name; all that fit the request
    size_t total;
    size_t offset;
    size_t count; // on this page
};

static bool has_subject(const struct stream *stream, const char *filter)
{
    if (!filter || !filter[0])
        return true;
    if (!stream->record)
        return false;
    for (size_t i = 0; i < stream->record->config->n_subjects; i++) {
        if (rill_subject_overlap(rill_bytes_from_cstr(filter),
                                 rill_bytes_from_cstr(stream->record->config->subjects[i])))
            return true;
    }
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(struct stream *const *)a)->name, (*(struct stream *const *)b)->name);
}

/* What a client was told of: nobody knows yet of one that is being made. */
static bool is_known(const struct stream *stream)
{
    return stream->state != STREAM_CREATING && stream->state != STREAM_DELETING &&
           stream->state != STREAM_ENDING;
}

static void page_take(const struct jetstream *js, const Rill__StreamPageRequest *request, size_t limit,
                      struct page *ret)
{
    *ret = (struct page){.streams = rill_alloc_zero(HASH_CNT(by_name, js->streams) + 1, sizeof(void *))};
    for (struct stream *stream = js->streams; stream; stream = stream->by_name.next) {
        if (is_known(stream) && has_subject(stream, request->subject))
            ret->streams[ret->total++] = stream;
    }
    qsort(ret->streams, ret->total, sizeof *ret->streams, compare_names);
    if (request->offset > 0)
        ret->offset = (uint64_t)request->offset < ret->total ? (size_t)request->offset : ret->total;
    ret->count = ret->total - ret->offset < limit ? ret->total - ret->offset : limit;
}

void api_stream_names(const struct api_call *call)
{
    struct page page;
    if (!call->js->listed) {
        api_fail(call, RILL_JS_NOT_READY);
        return;
    }
    page_take(call->js, (Rill__StreamPageRequest *)call->request, NAMES_PAGE, &page);
    Rill__StreamNamesResponse response = RILL__STREAM_NAMES_RESPONSE__INIT;
    response.total = (int64_t)page.total;
    response.offset = (int64_t)page.offset;
    response.limit = NAMES_PAGE;
    response.streams = rill_alloc_zero(page.count + 1, sizeof *response.streams);
    for (size_t i = 0; i < page.count; i++)
        response.streams[response.n_streams++] = page.streams[page.offset + i]->name;
    js_respond(call->js, call->reply, &response.base);
    free(response.streams);
    free(page.streams);
}

/* Everything that an answer to LIST points into. */
struct list {
    Rill__StreamListResponse response;
    struct stream_info *views;
    Rill__StreamListResponse__OfflineEntry *offline;
};

static void list_init(struct list *list, const struct page *page)
{
    rill__stream_list_response__init(&list->response);
    list->response.total = (int64_t)page->total;
    list->response.offset = (int64_t)page->offset;
    list->response.limit = LIST_PAGE;
    list->views = rill_alloc_zero(page->count + 1, sizeof *list->views);
    list->offline = rill_alloc_zero(page->count + 1, sizeof *list->offline);
    list->response.streams = rill_alloc_zero(page->count + 1, sizeof *list->response.streams);
    list->response.missing = rill_alloc_zero(page->count + 1, sizeof *list->response.missing);
    list->response.offline = rill_alloc_zero(page->count + 1, sizeof *list->response.offline);
}

static void list_fini(struct list *list)
{
    free(list->views);
    free(list->offline);
    free(list->response.streams);
    free(list->response.missing);
    free(list->response.offline);
}

/* One whose log is not read, or could not be, has no configuration to show. */
static void list_add(struct list *list, struct stream *stream)
{
    Rill__StreamListResponse *response = &list->response;
    if (stream->record) {
        struct stream_info *view = &list->views[response->n_streams];
        stream_info(stream, view);
        response->streams[response->n_streams++] = &view->info;
        return;
    }
    response->missing[response->n_missing++] = stream->name;
    if (stream->state != STREAM_OFFLINE)
        return;
    Rill__StreamListResponse__OfflineEntry *entry = &list->offline[response->n_offline];
    rill__stream_list_response__offline_entry__init(entry);
    entry->key = stream->name;
    entry->value = (char *)stream->why.text;
    response->offline[response->n_offline++] = entry;
}

void api_stream_list(const struct api_call *call)
{
    struct page page;
    struct list list;
    if (!call->js->listed) {
        api_fail(call, RILL_JS_NOT_READY);
        return;
    }
    page_take(call->js, (Rill__StreamPageRequest *)call->request, LIST_PAGE, &page);
    list_init(&list, &page);
    for (size_t i = 0; i < page.count; i++)
        list_add(&list, page.streams[page.offset + i]);
    js_respond(call->js, call->reply, &list.response.base);
    list_fini(&list);
    free(page.streams);
}
