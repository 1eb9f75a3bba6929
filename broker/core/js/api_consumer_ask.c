// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.CONSUMER.INFO, NAMES and LIST, and MSG.NEXT.
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "durable.h"
#include "early_pulls.h"
#include "stream.h"
#include "stream_tidy.h"

#include <stdlib.h>

enum { NAMES_PAGE = 1024, LIST_PAGE = 256 };

struct durable *api_durable(const struct api_call *call)
{
    struct stream *stream = api_stream(call);
    if (!stream)
        return NULL;
    struct durable *durable = durable_find(stream, call->tokens[1]);
    if (durable && !durable->deleting)
        return durable;
    api_fail(call, RILL_JS_CONSUMER_NOT_FOUND);
    return NULL;
}

/* What is seen by looking only. */
static void look_at(struct durable *durable)
{
    durable_drop_abandoned(durable);
    durable_drop_purged(durable);
    durable_changed(durable);
}

void api_consumer_info(const struct api_call *call)
{
    struct durable *durable = api_durable(call);
    if (!durable)
        return;
    look_at(durable);
    durable_respond(durable, STREAM_WAIT_CONSUMER_ASKED, call->reply);
}

// ---- pages ----

/* All of a stream in the order of their names, and a part of them. */
struct page {
    struct durable **durables; // owned
    size_t total;
    size_t offset;
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    const struct durable *const *first = a;
    const struct durable *const *second = b;
    return strcmp((*first)->settings->name, (*second)->settings->name);
}

static struct page page_of(const struct stream *stream, int64_t offset, size_t limit)
{
    struct page page = {.durables = rill_alloc_zero(stream->durable_count + 1, sizeof *page.durables)};
    for (struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        if (!durable->deleting)
            page.durables[page.total++] = durable;
    }
    qsort(page.durables, page.total, sizeof *page.durables, compare_names);
    page.offset = offset <= 0 ? 0 : (uint64_t)offset < page.total ? (size_t)offset : page.total;
    const size_t rest = page.total - page.offset;
    page.count = rest < limit ? rest : limit;
    return page;
}

void api_consumer_names(const struct api_call *call)
{
    const Rill__ConsumerPageRequest *request = (Rill__ConsumerPageRequest *)call->request;
    const struct stream *stream = api_stream(call);
    Rill__ConsumerNamesResponse response = RILL__CONSUMER_NAMES_RESPONSE__INIT;
    if (!stream)
        return;
    const struct page page = page_of(stream, request->offset, NAMES_PAGE);
    response.total = (int64_t)page.total;
    response.offset = (int64_t)page.offset;
    response.limit = NAMES_PAGE;
    response.consumers = rill_alloc_zero(page.count + 1, sizeof *response.consumers);
    response.n_consumers = page.count;
    for (size_t i = 0; i < page.count; i++)
        response.consumers[i] = page.durables[page.offset + i]->settings->name;
    js_respond(call->js, call->reply, &response.base);
    free(response.consumers);
    free(page.durables);
}

static void respond_list(struct stream *stream, const struct page *page, struct rill_bytes reply)
{
    Rill__ConsumerListResponse response = RILL__CONSUMER_LIST_RESPONSE__INIT;
    struct durable_info *views = rill_alloc_zero(page->count + 1, sizeof *views);
    response.total = (int64_t)page->total;
    response.offset = (int64_t)page->offset;
    response.limit = LIST_PAGE;
    response.consumers = rill_alloc_zero(page->count + 1, sizeof *response.consumers);
    response.n_consumers = page->count;
    for (size_t i = 0; i < page->count; i++) {
        struct durable *durable = page->durables[page->offset + i];
        durable_info(durable, &views[i]);
        durable_info_add_config(&views[i], durable);
        response.consumers[i] = &views[i].info;
    }
    js_respond(stream->js, reply, &response.base);
    for (size_t i = 0; i < page->count; i++)
        durable_info_fini(&views[i]);
    free(response.consumers);
    free(views);
}

static bool all_are_counted(const struct page *page)
{
    bool all = true;
    for (size_t i = 0; all && i < page->count; i++) {
        look_at(page->durables[page->offset + i]);
        all = source_count(page->durables[page->offset + i]) == RILL_OK;
    }
    return all;
}

static enum asked_outcome step_list(struct stream *stream, struct asked *asked)
{
    const Rill__ConsumerPageRequest *request = (Rill__ConsumerPageRequest *)asked->request;
    const struct page page = page_of(stream, request->offset, LIST_PAGE);
    const bool counted = all_are_counted(&page);
    if (counted)
        respond_list(stream, &page, asked_reply(asked));
    else
        stream_await_index(stream);
    free(page.durables);
    return counted ? ASKED_DONE : ASKED_WAITS;
}

void api_consumer_list(const struct api_call *call)
{
    struct stream *stream = api_stream(call);
    const struct asked asked = {.step = step_list, .response = call->response};
    if (stream)
        asked_begin(stream, &asked, call->request, call->reply);
}

// ---- pulling ----

void api_consumer_next(const struct api_call *call)
{
    struct stream *stream = stream_find(call->js, call->tokens[0]);
    if (stream && stream->state == STREAM_RECOVERING && !call->js->stopping &&
        early_pulls_add(stream, call->tokens[1], call->reply, call->body))
        return;
    early_pulls_carry_out(call->js, stream, call->tokens[1], call->reply, call->body);
}
