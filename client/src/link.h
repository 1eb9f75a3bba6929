// SPDX-License-Identifier: Apache-2.0
//
// One byte stream to one server, over nng: the thin shell around everything that is pure here. It dials,
// reads, writes, and wakes up at a time. nng's callbacks do no more than to note what has happened, tell the
// owner, and start what comes next.
//
// All operations are started in one place, link_pump, by one thread at a time and without the owner's lock:
// so nng may call back at once, on the same thread, and nothing is called in between. A stream is freed only
// when neither a read nor a write is under way on it.
//
// Everything is guarded by the owner's lock, unless it says something else.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#include <nng/nng.h>
#include <pthread.h>
#include <stdbool.h>

/* What the link asks of its owner. With the lock held, except room and received: those run on one thread at
   a time, between a read and the next. */
struct link_owner {
    void (*dialed)(void *owner);
    /* The attempt failed or the link broke; not after link_hang_up. `text` lives during the call. */
    void (*failed)(void *owner, enum rill_err err, const char *text);
    /* Nothing of the stream is under way any more: nng has let go of the output. */
    void (*gone)(void *owner);
    /* What to send next, valid until `sent` or `gone`; empty for nothing. */
    struct rill_bytes (*output)(void *owner);
    void (*sent)(void *owner, size_t bytes);
    void (*tick)(void *owner);
    enum rill_err (*room)(void *owner, uint8_t **ret_data, size_t *ret_bytes);
    void (*received)(void *owner, size_t bytes);
};

struct link {
    const struct link_owner *ops;
    void *owner;
    pthread_mutex_t *lock; // the owner's
    nng_aio *dial_aio, *receive_aio, *send_aio, *timer_aio;
    nng_stream_dialer *dialer;                  // NULL when no attempt is under way
    nng_stream *stream;                         // NULL when there is none
    char url[256];                              // to dial, when want_dial
    char dialed_url[256];                       // of the attempt under way; the pump's own
    int64_t deadline_ns;                        // when the owner wants its tick
    int64_t armed_ns;                           // when the timer fires
    bool dialing, receiving, sending, sleeping; // under way: from its start to the end of its callback
    bool want_dial;
    bool dial_unwanted; // hung up while dialing
    bool closing;       // the stream is to go
    bool closed;        // nng_stream_close was called
    bool timer_aborted;
    bool pumping;
    bool stopping;       // nothing is started any more
    bool awaited;        // link_fini waits for the end of the pump
    pthread_cond_t idle; // and is told with this
};

/* NO_MEMORY. */
enum rill_err link_init(struct link *link, const struct link_owner *ops, void *owner,
                        pthread_mutex_t *lock) RILL_MUST_CHECK;
/* Waits for nng's callbacks and for whoever is in link_pump, so not from there, and without the lock. Afterwards
   link_pump does nothing. Harmless on zeroed memory. */
void link_fini(struct link *link);

/* Dials the URL, once the former stream is gone. */
void link_dial(struct link *link, const char *url);
/* Breaks the stream or the attempt; when there was a stream, `gone` follows. */
void link_hang_up(struct link *link);
void link_set_deadline(struct link *link, int64_t deadline_ns);

/* Starts what there is to start. To be called after every change; gives the lock back in between. */
void link_pump(struct link *link);
