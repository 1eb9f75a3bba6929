// SPDX-License-Identifier: Apache-2.0
#include "pulls.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { DUE_EXPIRY, DUE_HEARTBEAT };

// ---- the queue ----

void pulls_fini(struct pulls *pulls)
{
    RILL_ASSERT(pulls->count == 0);
    rill_deadlines_fini(&pulls->deadlines);
}

/* Behind its equals. */
static void put(struct pulls *pulls, struct pull *pull)
{
    struct pull *next = NULL;
    if (pulls->policy == PULLS_BY_PRIORITY) {
        next = pulls->first;
        while (next && next->priority <= pull->priority)
            next = next->next;
    }
    if (next)
        DL_PREPEND_ELEM(pulls->first, next, pull);
    else
        DL_APPEND(pulls->first, pull);
}

void pulls_add(struct pulls *pulls, const struct pulls_request *request, int64_t now_ns)
{
    RILL_ASSERT(request->batch > 0 && request->reply.len > 0);
    struct pull *pull = rill_alloc_zero(1, sizeof *pull + request->reply.len);
    pull->left = request->batch;
    pull->bytes_left = request->bytes_max;
    pull->heartbeat_ns = request->heartbeat_ns;
    pull->active_ns = now_ns;
    pull->min_pending = request->min_pending;
    pull->min_ack_pending = request->min_ack_pending;
    pull->pin = request->pin;
    pull->priority = request->priority;
    pull->no_wait = request->no_wait;
    pull->expires = request->expires_at_ns != RILL_NEVER_NS;
    pull->reply_len = request->reply.len;
    memcpy(pull->reply, request->reply.data, request->reply.len);
    pull->expiry.kind = DUE_EXPIRY;
    pull->heartbeat.kind = DUE_HEARTBEAT;
    if (pull->expires)
        rill_deadline_set(&pulls->deadlines, &pull->expiry, request->expires_at_ns);
    if (pull->heartbeat_ns)
        rill_deadline_set(&pulls->deadlines, &pull->heartbeat, now_ns + pull->heartbeat_ns);
    put(pulls, pull);
    pulls->count++;
    pulls->no_wait_count += pull->no_wait;
}

static struct pull *take_out(struct pulls *pulls, struct pull *pull)
{
    RILL_ASSERT(pulls->count > 0 && pulls->no_wait_count >= pull->no_wait);
    rill_deadline_cancel(&pulls->deadlines, &pull->expiry);
    rill_deadline_cancel(&pulls->deadlines, &pull->heartbeat);
    DL_DELETE(pulls->first, pull);
    pulls->count--;
    pulls->no_wait_count -= pull->no_wait;
    return pull;
}

void pulls_end(struct pulls *pulls, struct pull *pull)
{
    free(take_out(pulls, pull));
}

struct pull *pulls_take_any(struct pulls *pulls)
{
    return pulls->first ? take_out(pulls, pulls->first) : NULL;
}

struct rill_bytes pull_reply(const struct pull *pull)
{
    return rill_bytes_of(pull->reply, pull->reply_len);
}

// ---- delivering ----

/* Without a minimum it always may; of two, one is enough. */
static bool overflows(const struct pull *pull, const struct pulls_terms *terms)
{
    if (pull->min_pending == 0 && pull->min_ack_pending == 0)
        return true;
    return (pull->min_pending && terms->pending >= pull->min_pending) ||
           (pull->min_ack_pending && terms->ack_pending >= pull->min_ack_pending);
}

static bool may_have(const struct pulls *pulls, const struct pull *pull, const struct pulls_terms *terms)
{
    switch (pulls->policy) {
    case PULLS_OVERFLOW:
        return overflows(pull, terms);
    case PULLS_PINNED:
        return pull->pin == terms->pin;
    case PULLS_IN_TURN:
    case PULLS_BY_PRIORITY:
        return true;
    }
    RILL_UNREACHABLE();
}

struct pull *pulls_next(const struct pulls *pulls, const struct pulls_terms *terms)
{
    struct pull *pull = pulls->first;
    while (pull && !may_have(pulls, pull, terms))
        pull = pull->next;
    return pull;
}

bool pull_is_too_small(const struct pull *pull, uint64_t bytes)
{
    return pull->bytes_left && bytes > pull->bytes_left;
}

void pulls_pass_over(struct pulls *pulls, struct pull *pull)
{
    if (!pull->next)
        return;
    DL_DELETE(pulls->first, pull);
    put(pulls, pull);
}

bool pulls_served(struct pulls *pulls, struct pull *pull, uint64_t bytes, int64_t now_ns)
{
    RILL_ASSERT(pull->left > 0 && !pull_is_too_small(pull, bytes));
    pull->delivered++;
    pull->left--;
    pull->active_ns = now_ns;
    if (pull->bytes_left && (pull->bytes_left -= bytes) == 0)
        pull->left = 0; // it has what it asked for
    if (pull->left == 0) {
        (void)take_out(pulls, pull);
        return true;
    }
    pulls_pass_over(pulls, pull);
    return false;
}

struct pull *pulls_take_unserved(struct pulls *pulls)
{
    if (pulls->no_wait_count == 0)
        return NULL;
    for (struct pull *pull = pulls->first; pull; pull = pull->next) {
        if (pull->no_wait && (pull->delivered || !pull->expires))
            return take_out(pulls, pull);
    }
    return NULL;
}

// ---- time ----

int64_t pulls_next_deadline_ns(const struct pulls *pulls)
{
    return rill_deadlines_next_ns(&pulls->deadlines);
}

/* Deliveries do not move the deadline of a heartbeat, which is looked at when it is there. */
static bool beats(struct pulls *pulls, struct pull *pull, int64_t now_ns)
{
    const bool due = now_ns - pull->active_ns >= pull->heartbeat_ns;
    if (due)
        pull->active_ns = now_ns;
    rill_deadline_set(&pulls->deadlines, &pull->heartbeat, pull->active_ns + pull->heartbeat_ns);
    return due;
}

enum pull_due pulls_take_due(struct pulls *pulls, int64_t now_ns, struct pull **ret_pull)
{
    struct rill_deadline *due;
    while ((due = rill_deadlines_take_due(&pulls->deadlines, now_ns))) {
        if (due->kind == DUE_EXPIRY) {
            *ret_pull = take_out(pulls, (struct pull *)((char *)due - offsetof(struct pull, expiry)));
            return PULL_EXPIRED;
        }
        struct pull *pull = (struct pull *)((char *)due - offsetof(struct pull, heartbeat));
        if (beats(pulls, pull, now_ns)) {
            *ret_pull = pull;
            return PULL_BEATS;
        }
    }
    return PULL_NOT_DUE;
}
