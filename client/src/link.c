// SPDX-License-Identifier: Apache-2.0
#include "link.h"

#include "base/assert.h"
#include "wait.h"

#include <stdio.h>

enum { DIAL_TIMEOUT_MS = 60000 }; // the owner hangs up much earlier; this is for an abort that came too early

static enum rill_err err_from_nng(int code)
{
    switch (code) {
    case NNG_ENOMEM:
        return RILL_ERR_NO_MEMORY;
    case NNG_ETIMEDOUT:
        return RILL_ERR_TIMEOUT;
    case NNG_EADDRINVAL:
    case NNG_EINVAL:
        return RILL_ERR_INVALID;
    default:
        return RILL_ERR_DISCONNECTED;
    }
}

/* The stream is freed when nothing is under way on it any more. */
static void break_stream(struct link *link, int code)
{
    if (!link->stream || link->closing)
        return;
    link->closing = true;
    if (code)
        link->ops->failed(link->owner, err_from_nng(code), nng_strerror(code));
}

// ---- nng's callbacks ----

static void on_dialed(void *context)
{
    struct link *link = context;
    const int code = nng_aio_result(link->dial_aio);
    (void)pthread_mutex_lock(link->lock);
    if (code == 0)
        link->stream = nng_aio_get_output(link->dial_aio, 0);
    link->closing = link->closed = false;
    const bool unwanted = link->dial_unwanted || link->stopping;
    link->dialing = link->dial_unwanted = false;
    if (unwanted)
        break_stream(link, 0);
    else if (code == 0)
        link->ops->dialed(link->owner);
    else
        link->ops->failed(link->owner, err_from_nng(code), nng_strerror(code));
    link_pump(link);
    (void)pthread_mutex_unlock(link->lock);
}

static void on_received(void *context)
{
    struct link *link = context;
    const int code = nng_aio_result(link->receive_aio);
    const size_t bytes = code ? 0 : nng_aio_count(link->receive_aio);
    if (bytes)
        link->ops->received(link->owner, bytes);
    (void)pthread_mutex_lock(link->lock);
    link->receiving = false;
    if (!bytes)
        break_stream(link, code ? code : NNG_ECLOSED);
    link_pump(link);
    (void)pthread_mutex_unlock(link->lock);
}

static void on_sent(void *context)
{
    struct link *link = context;
    const int code = nng_aio_result(link->send_aio);
    (void)pthread_mutex_lock(link->lock);
    link->sending = false;
    if (code)
        break_stream(link, code);
    else
        link->ops->sent(link->owner, nng_aio_count(link->send_aio));
    link_pump(link);
    (void)pthread_mutex_unlock(link->lock);
}

static void on_timer(void *context)
{
    struct link *link = context;
    (void)pthread_mutex_lock(link->lock);
    if (!link->stopping && wait_now_ns() >= link->deadline_ns)
        link->ops->tick(link->owner); // may give the lock back for a while
    link->sleeping = link->timer_aborted = false;
    link_pump(link);
    (void)pthread_mutex_unlock(link->lock);
}

// ---- starting operations: one at a time, without the lock ----

enum action { NO_ACTION, CLOSE_STREAM, FREE_STREAM, DIAL, RECEIVE, SEND, SLEEP, ABORT_SLEEP };

/* An attempt that is not wanted any more is cut short, a stream that is closing is done with first. */
static enum action next_for_stream(struct link *link, struct rill_bytes *ret_output)
{
    if (link->closing && !link->closed)
        return CLOSE_STREAM;
    if (link->closing)
        return link->receiving || link->sending ? NO_ACTION : FREE_STREAM;
    if (!link->receiving)
        return RECEIVE;
    if (!link->sending) {
        *ret_output = link->ops->output(link->owner);
        if (ret_output->len)
            return SEND;
    }
    return NO_ACTION;
}

static enum action next_action(struct link *link, struct rill_bytes *ret_output)
{
    enum action action = NO_ACTION;
    if (link->stopping)
        return NO_ACTION;
    if (link->stream)
        action = next_for_stream(link, ret_output);
    else if (link->want_dial && !link->dialing)
        action = DIAL;
    if (action != NO_ACTION)
        return action;
    if (!link->sleeping)
        return link->deadline_ns == RILL_NEVER_NS ? NO_ACTION : SLEEP;
    return link->deadline_ns < link->armed_ns && !link->timer_aborted ? ABORT_SLEEP : NO_ACTION;
}

/* Notes, with the lock held, what is about to be done. */
static void note(struct link *link, enum action action)
{
    switch (action) {
    case CLOSE_STREAM:
        link->closed = true;
        break;
    case DIAL:
        link->dialing = true;
        link->want_dial = false;
        memcpy(link->dialed_url, link->url, sizeof link->dialed_url);
        break;
    case RECEIVE:
        link->receiving = true;
        break;
    case SEND:
        link->sending = true;
        break;
    case SLEEP:
        link->sleeping = true;
        link->armed_ns = link->deadline_ns;
        break;
    case ABORT_SLEEP:
        link->timer_aborted = true;
        break;
    default:
        break;
    }
}

/* An operation that cannot even start ends as if nng had tried. */
static void fail_dial(struct link *link, int code)
{
    (void)pthread_mutex_lock(link->lock);
    link->dialing = false;
    if (!link->dial_unwanted)
        link->ops->failed(link->owner, err_from_nng(code), nng_strerror(code));
    link->dial_unwanted = false;
    (void)pthread_mutex_unlock(link->lock);
}

static void start_dial(struct link *link)
{
    nng_stream_dialer_free(link->dialer);
    link->dialer = NULL;
    const int code = nng_stream_dialer_alloc(&link->dialer, link->dialed_url);
    if (code) {
        fail_dial(link, code);
        return;
    }
    // Two small writes in a row must not wait for each other's acknowledgement. Where there is no TCP, there is no
    // such option.
    (void)nng_stream_dialer_set_bool(link->dialer, NNG_OPT_TCP_NODELAY, true);
    nng_stream_dialer_dial(link->dialer, link->dial_aio);
}

static void start_receive(struct link *link)
{
    nng_iov iov = {0};
    uint8_t *data = NULL;
    const enum rill_err err = link->ops->room(link->owner, &data, &iov.iov_len);
    iov.iov_buf = data;
    if (!err && nng_aio_set_iov(link->receive_aio, 1, &iov) == 0) {
        nng_stream_recv(link->stream, link->receive_aio);
        return;
    }
    (void)pthread_mutex_lock(link->lock);
    link->receiving = false;
    break_stream(link, NNG_ENOMEM);
    (void)pthread_mutex_unlock(link->lock);
}

static void start_send(struct link *link, struct rill_bytes output)
{
    nng_iov iov = {(void *)output.data, output.len};
    const int code = nng_aio_set_iov(link->send_aio, 1, &iov);
    RILL_ASSERT(code == 0);
    nng_stream_send(link->stream, link->send_aio);
}

static void start_sleep(struct link *link, int64_t until_ns)
{
    int64_t ms = (until_ns - wait_now_ns() + RILL_NS_PER_MS - 1) / RILL_NS_PER_MS;
    if (ms < 0)
        ms = 0;
    nng_sleep_aio(ms > INT32_MAX ? INT32_MAX : (nng_duration)ms, link->timer_aio);
}

static void perform(struct link *link, enum action action, struct rill_bytes output, int64_t sleep_until_ns)
{
    switch (action) {
    case CLOSE_STREAM:
        nng_stream_close(link->stream);
        break;
    case DIAL:
        start_dial(link);
        break;
    case RECEIVE:
        start_receive(link);
        break;
    case SEND:
        start_send(link, output);
        break;
    case SLEEP:
        start_sleep(link, sleep_until_ns);
        break;
    case ABORT_SLEEP:
        nng_aio_abort(link->timer_aio, NNG_ECANCELED);
        break;
    default:
        break;
    }
}

void link_pump(struct link *link)
{
    if (link->pumping)
        return; // whoever is at it sees what has changed
    link->pumping = true;
    struct rill_bytes output = {0};
    enum action action;
    while ((action = next_action(link, &output)) != NO_ACTION) {
        note(link, action);
        const int64_t sleep_until_ns = link->armed_ns;
        nng_stream *freed = NULL;
        if (action == FREE_STREAM) {
            freed = link->stream;
            link->stream = NULL;
            link->ops->gone(link->owner);
        }
        (void)pthread_mutex_unlock(link->lock);
        perform(link, action, output, sleep_until_ns);
        nng_stream_free(freed);
        (void)pthread_mutex_lock(link->lock);
    }
    link->pumping = false;
    if (link->awaited)
        (void)pthread_cond_signal(&link->idle);
}

// ---- life ----

static bool alloc_aios(struct link *link)
{
    return nng_aio_alloc(&link->dial_aio, on_dialed, link) == 0 &&
           nng_aio_alloc(&link->receive_aio, on_received, link) == 0 &&
           nng_aio_alloc(&link->send_aio, on_sent, link) == 0 &&
           nng_aio_alloc(&link->timer_aio, on_timer, link) == 0;
}

enum rill_err link_init(struct link *link, const struct link_owner *ops, void *owner, pthread_mutex_t *lock)
{
    *link = (struct link){.ops = ops, .owner = owner, .deadline_ns = RILL_NEVER_NS};
    if (pthread_cond_init(&link->idle, NULL))
        return RILL_ERR_NO_MEMORY;
    link->lock = lock;
    if (!alloc_aios(link)) {
        link_fini(link);
        return RILL_ERR_NO_MEMORY;
    }
    nng_aio_set_timeout(link->dial_aio, DIAL_TIMEOUT_MS);
    return RILL_OK;
}

/* Nothing is started any more, and nobody is about to. */
static void stop(struct link *link)
{
    (void)pthread_mutex_lock(link->lock);
    link->stopping = link->awaited = true;
    while (link->pumping)
        (void)pthread_cond_wait(&link->idle, link->lock);
    link->awaited = false;
    nng_stream *stream = link->stream;
    (void)pthread_mutex_unlock(link->lock);
    if (stream)
        nng_stream_close(stream);
}

void link_fini(struct link *link)
{
    nng_aio *const all[] = {link->dial_aio, link->receive_aio, link->send_aio, link->timer_aio};
    if (!link->lock)
        return;
    stop(link);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i])
            nng_aio_stop(all[i]);
    if (link->stream) // a dial may have brought one just now
        nng_stream_close(link->stream);
    nng_stream_free(link->stream);
    nng_stream_dialer_free(link->dialer);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        nng_aio_free(all[i]);
    (void)pthread_cond_destroy(&link->idle);
    (void)pthread_mutex_lock(link->lock); // callbacks of the user's may still look at it
    *link = (struct link){.lock = link->lock, .deadline_ns = RILL_NEVER_NS, .stopping = true};
    (void)pthread_mutex_unlock(link->lock);
}

void link_dial(struct link *link, const char *url)
{
    (void)snprintf(link->url, sizeof link->url, "%s", url);
    link->want_dial = true;
}

void link_hang_up(struct link *link)
{
    link->want_dial = false;
    if (link->dialing && !link->dial_unwanted) {
        link->dial_unwanted = true;
        nng_aio_abort(link->dial_aio, NNG_ECANCELED);
    }
    break_stream(link, 0);
}

void link_set_deadline(struct link *link, int64_t deadline_ns)
{
    link->deadline_ns = deadline_ns;
}
