// SPDX-License-Identifier: Apache-2.0
#include "sub.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wait.h"

#include <stdlib.h>

enum { MSGS_LIMIT_DEFAULT = 512 * 1024, BYTES_LIMIT_DEFAULT = 64 * 1024 * 1024, BATCH_MAX = 1024 };

static void run_callbacks(struct task *task);

static struct rill_sub *sub_of(struct task *task)
{
    return (struct rill_sub *)((char *)task - offsetof(struct rill_sub, task));
}

// ---- life ----

static void set_texts(struct rill_sub *sub, const struct rill_subscribe *want)
{
    sub->subject = rill_alloc_cstr(rill_bytes_from_cstr(want->subject));
    sub->queue = want->queue ? rill_alloc_cstr(rill_bytes_from_cstr(want->queue)) : NULL;
}

static void sub_free(struct rill_sub *sub)
{
    dispatcher_fini(&sub->own);
    msg_unref_chain(sub->first);
    if (sub->hooks.freed)
        sub->hooks.freed(sub->hooks.context);
    (void)pthread_cond_destroy(&sub->changed);
    (void)pthread_mutex_destroy(&sub->lock);
    free(sub->subject);
    free(sub->queue);
    free(sub);
}

enum rill_err sub_create(struct rill_conn *conn, const struct rill_subscribe *want,
                         const struct sub_hooks *hooks, uint64_t sid, struct dispatcher *dispatcher,
                         struct rill_sub **ret)
{
    struct rill_sub *sub = rill_alloc_zero(1, sizeof *sub);
    sub->conn = conn;
    sub->sid = sid;
    sub->callback = want->callback;
    sub->context = want->context;
    sub->dispatcher = dispatcher;
    sub->msgs_limit = want->pending_msgs_max ? want->pending_msgs_max : MSGS_LIMIT_DEFAULT;
    sub->bytes_limit = want->pending_bytes_max ? want->pending_bytes_max : BYTES_LIMIT_DEFAULT;
    sub->max_msgs = want->max_msgs;
    sub->task.run = run_callbacks;
    atomic_init(&sub->refs, 1);
    atomic_init(&sub->closed, false);
    if (pthread_mutex_init(&sub->lock, NULL) || !wait_cond_init(&sub->changed)) {
        free(sub);
        return RILL_ERR_NO_MEMORY;
    }
    set_texts(sub, want);
    enum rill_err err = RILL_OK;
    if (want->own_thread && want->callback) {
        err = dispatcher_init(&sub->own);
        sub->dispatcher = &sub->own;
    }
    if (err) {
        sub_free(sub);
        return err;
    }
    if (hooks)
        sub->hooks = *hooks;
    *ret = sub;
    return RILL_OK;
}

struct rill_sub *sub_ref(struct rill_sub *sub)
{
    (void)atomic_fetch_add(&sub->refs, 1);
    return sub;
}

void sub_unref(struct rill_sub *sub)
{
    if (sub && atomic_fetch_sub(&sub->refs, 1) == 1)
        sub_free(sub);
}

// ---- putting in: the reader ----

static bool has_room(const struct rill_sub *sub, const struct rill_msg *msg)
{
    return sub->stats.pending_msgs < sub->msgs_limit &&
           msg_counted_bytes(msg) <= sub->bytes_limit - sub->stats.pending_bytes;
}

static void enqueue(struct rill_sub *sub, struct rill_msg *msg)
{
    if (sub->last)
        sub->last->next = msg;
    else
        sub->first = msg;
    sub->last = msg;
    sub->stats.pending_msgs++;
    sub->stats.pending_bytes += msg_counted_bytes(msg);
}

static void note_peak(struct rill_sub *sub)
{
    struct rill_sub_stats *stats = &sub->stats;
    if (stats->pending_msgs > stats->pending_msgs_peak)
        stats->pending_msgs_peak = stats->pending_msgs;
    if (stats->pending_bytes > stats->pending_bytes_peak)
        stats->pending_bytes_peak = stats->pending_bytes;
}

/* The server may send a few more than max_msgs after a reconnect raced with it: they are none of ours. */
static bool put(struct rill_sub *sub, struct rill_msg *msg, struct sub_taken *taken)
{
    if (sub->ended || atomic_load_explicit(&sub->closed, memory_order_relaxed))
        return false;
    sub->stats.received_msgs++;
    if (sub->max_msgs && sub->stats.received_msgs >= sub->max_msgs) {
        sub->ended = true;
        taken->finished = true;
    }
    if (has_room(sub, msg)) {
        enqueue(sub, msg);
        return true;
    }
    sub->stats.dropped_msgs++;
    taken->dropped++;
    taken->slow_began |= !sub->slow;
    sub->slow = true;
    return false;
}

/* With the lock held: whoever takes messages gets to know of them. */
static void announce(struct rill_sub *sub)
{
    if (sub->waiters)
        (void)pthread_cond_broadcast(&sub->changed);
    if (!sub->callback || sub->scheduled || !sub->first)
        return;
    sub->scheduled = true;
    dispatcher_submit(sub->dispatcher, &sub_ref(sub)->task);
}

struct sub_taken sub_take_run(struct rill_sub *sub, struct msg_run *run)
{
    struct sub_taken taken = {0};
    struct rill_msg *msg = run->first;
    *run = (struct msg_run){0};
    (void)pthread_mutex_lock(&sub->lock);
    while (msg) {
        struct rill_msg *next = msg->next;
        msg->next = NULL;
        if (!put(sub, msg, &taken))
            rill_msg_unref(msg);
        msg = next;
    }
    note_peak(sub);
    announce(sub);
    (void)pthread_mutex_unlock(&sub->lock);
    return taken;
}

// ---- taking out ----

/* With the lock held. */
static struct rill_msg *dequeue(struct rill_sub *sub)
{
    struct rill_msg *msg = sub->first;
    sub->first = msg->next;
    if (!sub->first)
        sub->last = NULL;
    msg->next = NULL;
    sub->stats.pending_msgs--;
    sub->stats.pending_bytes -= msg_counted_bytes(msg);
    if (sub->slow && sub->stats.pending_msgs <= sub->msgs_limit / 2 &&
        sub->stats.pending_bytes <= sub->bytes_limit / 2)
        sub->slow = false;
    if (!sub->first && sub->waiters)
        (void)pthread_cond_broadcast(&sub->changed); // sub_wait_empty
    return msg;
}

static bool is_for_user(struct rill_sub *sub, struct rill_msg *msg)
{
    return !sub->hooks.taken || sub->hooks.taken(sub->hooks.context, msg);
}

static enum rill_err take_next(struct rill_sub *sub, int64_t deadline_ns, struct rill_msg **ret)
{
    enum rill_err err = RILL_OK;
    (void)pthread_mutex_lock(&sub->lock);
    sub->waiters++;
    while (!sub->first && !err) {
        if (sub->ended || atomic_load(&sub->closed))
            err = RILL_ERR_CLOSED;
        else if (!wait_until(&sub->changed, &sub->lock, deadline_ns) && wait_now_ns() >= deadline_ns)
            err = sub->first ? RILL_OK : RILL_ERR_TIMEOUT;
    }
    sub->waiters--;
    if (!err)
        *ret = dequeue(sub);
    (void)pthread_mutex_unlock(&sub->lock);
    return err;
}

enum rill_err sub_next(struct rill_sub *sub, int64_t deadline_ns, struct rill_msg **ret)
{
    struct rill_msg *msg = NULL;
    enum rill_err err;
    while (!(err = take_next(sub, deadline_ns, &msg)) && !is_for_user(sub, msg))
        rill_msg_unref(msg);
    if (!err)
        *ret = msg;
    return err;
}

enum rill_err sub_wait_empty(struct rill_sub *sub, int64_t deadline_ns)
{
    enum rill_err err = RILL_OK;
    (void)pthread_mutex_lock(&sub->lock);
    sub->waiters++;
    while ((sub->first || sub->running) && !atomic_load(&sub->closed) && !err)
        if (!wait_until(&sub->changed, &sub->lock, deadline_ns) && wait_now_ns() >= deadline_ns)
            err = RILL_ERR_TIMEOUT;
    sub->waiters--;
    (void)pthread_mutex_unlock(&sub->lock);
    return err;
}

/* One message for the callback, or NULL when there is none: then the task is over. */
static struct rill_msg *next_for_callback(struct rill_sub *sub, bool begin)
{
    (void)pthread_mutex_lock(&sub->lock);
    sub->running = begin && sub->first && !atomic_load(&sub->closed);
    struct rill_msg *msg = sub->running ? dequeue(sub) : NULL;
    if (!msg && sub->waiters)
        (void)pthread_cond_broadcast(&sub->changed);
    (void)pthread_mutex_unlock(&sub->lock);
    return msg;
}

/* With more to do, the task goes to the end of the dispatcher's queue, so that others have their turn. */
static void finish_task(struct rill_sub *sub)
{
    (void)pthread_mutex_lock(&sub->lock);
    const bool more = sub->first && !atomic_load(&sub->closed);
    sub->scheduled = more;
    if (more)
        dispatcher_submit(sub->dispatcher, &sub->task);
    (void)pthread_mutex_unlock(&sub->lock);
    if (!more)
        sub_unref(sub);
}

static void run_callbacks(struct task *task)
{
    struct rill_sub *sub = sub_of(task);
    struct rill_msg *msg;
    for (int i = 0; (msg = next_for_callback(sub, i < BATCH_MAX)); i++) {
        if (is_for_user(sub, msg))
            sub->callback(sub->conn, sub, msg, sub->context);
        rill_msg_unref(msg);
    }
    finish_task(sub);
}

// ---- ending ----

void sub_end(struct rill_sub *sub)
{
    (void)pthread_mutex_lock(&sub->lock);
    sub->ended = true;
    (void)pthread_cond_broadcast(&sub->changed);
    (void)pthread_mutex_unlock(&sub->lock);
}

void sub_close(struct rill_sub *sub)
{
    (void)pthread_mutex_lock(&sub->lock);
    sub->ended = true;
    atomic_store(&sub->closed, true);
    msg_unref_chain(sub->first);
    sub->first = sub->last = NULL;
    sub->stats.pending_msgs = sub->stats.pending_bytes = 0;
    (void)pthread_cond_broadcast(&sub->changed);
    sub->waiters++;
    while (sub->running && !dispatcher_is_me(sub->dispatcher))
        (void)pthread_cond_wait(&sub->changed, &sub->lock);
    sub->waiters--;
    (void)pthread_mutex_unlock(&sub->lock);
}

bool sub_limit(struct rill_sub *sub, uint64_t max_msgs, uint64_t *ret_left)
{
    (void)pthread_mutex_lock(&sub->lock);
    sub->max_msgs = max_msgs;
    const bool reached = sub->stats.received_msgs >= max_msgs;
    if (!reached)
        *ret_left = max_msgs - sub->link_base;
    sub->ended |= reached;
    (void)pthread_cond_broadcast(&sub->changed);
    (void)pthread_mutex_unlock(&sub->lock);
    return reached;
}

uint64_t sub_new_link(struct rill_sub *sub)
{
    (void)pthread_mutex_lock(&sub->lock);
    sub->link_base = sub->stats.received_msgs;
    const uint64_t left = sub->max_msgs ? sub->max_msgs - sub->link_base : 0;
    (void)pthread_mutex_unlock(&sub->lock);
    return left;
}
