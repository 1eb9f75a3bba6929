// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

#include "base/assert.h"

#include <stdlib.h>

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
                           uint64_t *ret_token, bool *ret_earliest)
{
    (void)pthread_mutex_lock(&requests->lock);
    if (requests->closed) {
        (void)pthread_mutex_unlock(&requests->lock);
        return RILL_ERR_CLOSED;
    }
    *ret_token = request->token = ++requests->last_token;
    HASH_ADD(hh, requests->table, token, sizeof request->token, request);
    request->deadline = (struct rill_deadline){0};
    if (!request->untimed)
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
    free((uint8_t *)request->copy.data);
    request->copy = (struct rill_bytes){0};
}

static struct request *find(struct requests *requests, uint64_t token)
{
    struct request *request;
    HASH_FIND(hh, requests->table, &token, sizeof token, request);
    return request;
}

bool requests_remove(struct requests *requests, uint64_t token)
{
    (void)pthread_mutex_lock(&requests->lock);
    struct request *request = find(requests, token);
    if (request)
        take_out(requests, request);
    (void)pthread_mutex_unlock(&requests->lock);
    return request != NULL;
}

bool requests_answer(struct requests *requests, uint64_t token, struct rill_msg *take_reply)
{
    const bool nobody = msg_is_no_responders(take_reply);
    (void)pthread_mutex_lock(&requests->lock);
    struct request *request = find(requests, token);
    const bool again = request && nobody && request->shaken && request->copy.len;
    if (again)
        request->owed = true;
    else if (request)
        take_out(requests, request);
    (void)pthread_mutex_unlock(&requests->lock);
    if (nobody || !request)
        rill_msg_unref(take_reply);
    if (request && !again)
        request->done(request, nobody ? RILL_ERR_NO_RESPONDERS : RILL_OK, nobody ? NULL : take_reply);
    return again;
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
            take_out(requests, request);
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

// ---- when a link breaks ----

void requests_copy(struct requests *requests, uint64_t token, struct rill_bytes command, bool shaken)
{
    uint8_t *copy = malloc(command.len);
    (void)pthread_mutex_lock(&requests->lock);
    struct request *request = find(requests, token);
    if (request && copy) {
        RILL_ASSERT(request->when_lost == REQUEST_AGAIN && !request->copy.data);
        memcpy(copy, command.data, command.len);
        request->copy = rill_bytes_of(copy, command.len);
        request->shaken = shaken;
        copy = NULL;
    }
    (void)pthread_mutex_unlock(&requests->lock);
    free(copy);
}

void requests_keep(struct requests *requests, uint64_t token)
{
    (void)pthread_mutex_lock(&requests->lock);
    struct request *request = find(requests, token);
    if (request)
        request->kept = true;
    (void)pthread_mutex_unlock(&requests->lock);
}

/* What the break does to one request: true when it has to end. With the lock held. */
static bool break_one(struct request *request)
{
    const bool kept = request->kept;
    request->kept = false;
    request->shaken = true;
    request->owed = !kept && request->copy.len;
    return !kept && !request->owed && request->when_lost != REQUEST_WAITS;
}

void requests_link_lost(struct requests *requests)
{
    struct request *request, *next, *first = NULL;
    struct request **end = &first;
    (void)pthread_mutex_lock(&requests->lock);
    HASH_ITER (hh, requests->table, request, next) {
        if (!break_one(request))
            continue;
        take_out(requests, request);
        *end = request;
        end = &request->next_lost;
    }
    *end = NULL;
    (void)pthread_mutex_unlock(&requests->lock);
    for (; first; first = next) {
        next = first->next_lost;
        first->done(first, RILL_ERR_DISCONNECTED, NULL);
    }
}

bool requests_send_owed(struct requests *requests, struct rill_buf *out)
{
    struct request *request, *next;
    bool all = true;
    (void)pthread_mutex_lock(&requests->lock);
    HASH_ITER (hh, requests->table, request, next) {
        if (request->owed && all)
            all = rill_buf_append(out, request->copy) == RILL_OK;
        request->owed = request->owed && !all;
    }
    (void)pthread_mutex_unlock(&requests->lock);
    return all;
}
