// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

#include "base/assert.h"

enum rill_err requests_init(struct requests *requests)
{
    *requests = (struct requests){.last_token = 0};
    return pthread_mutex_init(&requests->lock, NULL) ? RILL_ERR_NO_MEMORY : RILL_OK;
}

void requests_fini(struct requests *requests)
{
    RILL_ASSERT(HASH_COUNT(requests->table) == 0);
    rill_deadlines_fini(&requests->deadlines);
    (void)pthread_mutex_destroy(&requests->lock);
}

enum rill_err requests_add(struct requests *requests, struct request *request, int64_t deadline_ns,
                           bool *ret_earliest)
{
    (void)pthread_mutex_lock(&requests->lock);
    if (requests->closed) {
        (void)pthread_mutex_unlock(&requests->lock);
        return RILL_ERR_CLOSED;
    }
    request->token = ++requests->last_token;
    HASH_ADD(hh, requests->table, token, sizeof request->token, request);
    request->deadline = (struct rill_deadline){0};
    if (deadline_ns != RILL_NEVER_NS)
        rill_deadline_set(&requests->deadlines, &request->deadline, deadline_ns);
    *ret_earliest = request->deadline.slot == 1;
    (void)pthread_mutex_unlock(&requests->lock);
    return RILL_OK;
}

/* With the lock held. */
static void take_out(struct requests *requests, struct request *request)
{
    HASH_DEL(requests->table, request);
    rill_deadline_cancel(&requests->deadlines, &request->deadline);
}

static struct request *find(struct requests *requests, uint64_t token)
{
    struct request *request;
    HASH_FIND(hh, requests->table, &token, sizeof token, request);
    return request;
}

bool requests_remove(struct requests *requests, struct request *request)
{
    (void)pthread_mutex_lock(&requests->lock);
    const bool found = find(requests, request->token) == request;
    if (found)
        take_out(requests, request);
    (void)pthread_mutex_unlock(&requests->lock);
    return found;
}

void requests_answer(struct requests *requests, uint64_t token, struct rill_msg *take_reply)
{
    (void)pthread_mutex_lock(&requests->lock);
    struct request *request = find(requests, token);
    if (request)
        take_out(requests, request);
    (void)pthread_mutex_unlock(&requests->lock);
    if (!request) {
        rill_msg_unref(take_reply);
    } else if (msg_is_no_responders(take_reply)) {
        rill_msg_unref(take_reply);
        request->done(request, RILL_ERR_NO_RESPONDERS, NULL);
    } else {
        request->done(request, RILL_OK, take_reply);
    }
}

static struct request *request_of(struct rill_deadline *deadline)
{
    return (struct request *)((char *)deadline - offsetof(struct request, deadline));
}

void requests_expire(struct requests *requests, int64_t now_ns)
{
    for (;;) {
        (void)pthread_mutex_lock(&requests->lock);
        struct rill_deadline *due = rill_deadlines_take_due(&requests->deadlines, now_ns);
        struct request *request = due ? request_of(due) : NULL;
        if (request)
            HASH_DEL(requests->table, request);
        (void)pthread_mutex_unlock(&requests->lock);
        if (!request)
            return;
        request->done(request, RILL_ERR_TIMEOUT, NULL);
    }
}

int64_t requests_next_ns(struct requests *requests)
{
    (void)pthread_mutex_lock(&requests->lock);
    const int64_t next_ns = rill_deadlines_next_ns(&requests->deadlines);
    (void)pthread_mutex_unlock(&requests->lock);
    return next_ns;
}

void requests_close(struct requests *requests)
{
    for (;;) {
        (void)pthread_mutex_lock(&requests->lock);
        requests->closed = true;
        struct request *request = requests->table;
        if (request)
            take_out(requests, request);
        (void)pthread_mutex_unlock(&requests->lock);
        if (!request)
            return;
        request->done(request, RILL_ERR_CLOSED, NULL);
    }
}
