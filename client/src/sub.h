// SPDX-License-Identifier: Apache-2.0
//
// A subscription: its queue of messages between the reader, which puts in runs of them, and whoever takes
// them out. It does not know the wire; conn.h sends SUB and UNSUB.
//
// Shared by count: the connection's table has a share while the server may send to it, the user has one until
// rill_unsubscribe, the reader and the dispatcher while they are at it.
//
//     OPEN ──► ENDED (no more to come: max_msgs, drained, closed) ──► CLOSED (the user let go; nothing more
//     is taken)
#pragma once

#include "base/clock.h"
#include "dispatcher.h"
#include "msg.h"

#include <uthash.h>

enum { SUB_SID_TEXT_BYTES = 20 };

/* Messages for one subscription, in order, on their way into its queue. */
struct msg_run {
    struct rill_msg *first, *last;
    size_t count;
};

/* What the library does with its own subscriptions, beside the user's callback. Each may be NULL. */
struct sub_hooks {
    /* A message came, on the reader's thread, without any lock. True: into the queue. False: the hook has taken
       the message over. */
    bool (*arrived)(void *context, struct rill_msg *msg);
    /* A message was taken out of the queue, on its taker's thread, without any lock. False: nobody is to see it;
       the message is not the hook's. */
    bool (*taken)(void *context, struct rill_msg *msg);
    /* A new link stands and has the subscription; with the connection's lock held. */
    void (*link_up)(void *context);
    /* Nothing more will be called. */
    void (*freed)(void *context);
    void *context;
};

struct rill_sub {
    // immutable
    struct rill_conn *conn;
    uint64_t sid;
    char *subject, *queue; // heap; queue may be NULL
    rill_msg_callback *callback;
    void *context;
    struct sub_hooks hooks;
    bool internal;                 // not the user's: the inbox of requests
    struct dispatcher *dispatcher; // where callbacks run
    struct dispatcher own;         // when it has a thread of its own
    size_t msgs_limit, bytes_limit;

    atomic_uint refs;
    atomic_bool closed;

    // guarded by the table's lock
    UT_hash_handle hh;
    struct rill_sub *older, *newer; // all that the user has not let go of
    bool let_go;                    // by the user, or because the connection is destroyed

    // guarded by lock
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct task task;
    bool scheduled; // the task is queued or runs
    bool running;   // a callback runs
    bool ended;
    bool slow; // it has been told, and the queue was not half empty since
    unsigned waiters;
    struct rill_msg *first, *last;
    uint64_t max_msgs;  // 0: none
    uint64_t link_base; // messages received before this link
    struct rill_sub_stats stats;
};

/* With the user's share. `hooks` may be NULL; on failure none of them is called. `own_thread` is the only reason for LIMIT. INVALID, NO_MEMORY. */
enum rill_err sub_create(struct rill_conn *conn, const struct rill_subscribe *want,
                         const struct sub_hooks *hooks, uint64_t sid, struct dispatcher *dispatcher,
                         struct rill_sub **ret) RILL_MUST_CHECK;
struct rill_sub *sub_ref(struct rill_sub *sub);
/* The last one frees; never on the subscription's own thread. */
void sub_unref(struct rill_sub *sub);

/* What a run did to the subscription. */
struct sub_taken {
    bool slow_began; // to be told
    bool finished;   // max_msgs have come
    uint64_t dropped;
};

/* Takes the run over. */
struct sub_taken sub_take_run(struct rill_sub *sub, struct msg_run *run);

/* No more will come. */
void sub_end(struct rill_sub *sub);
/* What has not been taken is dropped, and no callback begins any more. Waits for the running one, unless this
   is called from it. */
void sub_close(struct rill_sub *sub);

/* The first of the queue, with its share. As rill_next_msg. */
enum rill_err sub_next(struct rill_sub *sub, int64_t deadline_ns, struct rill_msg **ret) RILL_MUST_CHECK;
/* Waits until everything was taken. TIMEOUT. */
enum rill_err sub_wait_empty(struct rill_sub *sub, int64_t deadline_ns) RILL_MUST_CHECK;

/* Sets the maximum; true when that many have come already. *ret_left is how many more the server may send on
 * this link. */
bool sub_limit(struct rill_sub *sub, uint64_t max_msgs, uint64_t *ret_left);
/* A new link begins: how many more may come, 0 for no limit. */
uint64_t sub_new_link(struct rill_sub *sub);
