// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include "wall_clock.h"

#include <assert.h>
#include <stdlib.h>

/* For how long a taker sleeps at most before it looks whether another order has come in. */
#define LOOK_AGAIN_NS INT64_C(1000000)

enum { REST_MS = 20 };

bool outbox_init(struct outbox *outbox, size_t orders, int64_t per_second)
{
    *outbox = (struct outbox){
        .orders = orders,
        .per_second = per_second,
        .started_ms = wall_clock_ms(),
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .states = calloc(orders + 1, sizeof *outbox->states),
    };
    return outbox->states != NULL;
}

void outbox_fini(struct outbox *outbox)
{
    free(outbox->states);
    outbox->states = NULL;
}

/* The shop's customers are spread evenly over time. */
static bool has_come_in(const struct outbox *outbox, size_t index)
{
    if (!outbox->per_second)
        return true;
    return outbox->started_ms + (int64_t)index * 1000 / outbox->per_second <= wall_clock_ms();
}

/* Called with the lock held, as the next one. */
static bool find_waiting(const struct outbox *outbox, size_t *ret_index)
{
    assert(outbox->sent <= OUTBOX_WINDOW);
    if (outbox->sent == OUTBOX_WINDOW || wall_clock_ms() < outbox->rest_until_ms)
        return false;
    for (size_t i = 0; i < outbox->orders; i++) {
        if (outbox->states[i] == OUTBOX_WAITING) {
            *ret_index = i;
            return has_come_in(outbox, i);
        }
    }
    return false;
}

static void wait_for_change(struct outbox *outbox)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_AGAIN_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&outbox->changed, &outbox->lock, &until);
}

static enum outbox_work take_locked(struct outbox *outbox, size_t *ret_index)
{
    while (outbox->acknowledged < outbox->orders) {
        if (outbox->reconnected) {
            outbox->reconnected = false;
            return OUTBOX_TAKE_BACK;
        }
        if (find_waiting(outbox, ret_index)) {
            outbox->states[*ret_index] = OUTBOX_SENT;
            outbox->sent++;
            return OUTBOX_SEND;
        }
        wait_for_change(outbox);
    }
    return OUTBOX_DONE;
}

enum outbox_work outbox_take(struct outbox *outbox, size_t *ret_index)
{
    pthread_mutex_lock(&outbox->lock);
    const enum outbox_work work = take_locked(outbox, ret_index);
    pthread_mutex_unlock(&outbox->lock);
    return work;
}

void outbox_take_back(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    for (size_t i = 0; i < outbox->orders; i++)
        if (outbox->states[i] == OUTBOX_SENT)
            outbox->states[i] = OUTBOX_WAITING;
    outbox->sent = 0;
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_fail(struct outbox *outbox, size_t index)
{
    assert(index < outbox->orders);
    pthread_mutex_lock(&outbox->lock);
    if (outbox->states[index] == OUTBOX_SENT) {
        outbox->states[index] = OUTBOX_WAITING;
        outbox->sent--;
        outbox->rest_until_ms = wall_clock_ms() + REST_MS;
    }
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_acknowledge(struct outbox *outbox, size_t index)
{
    assert(index < outbox->orders);
    pthread_mutex_lock(&outbox->lock);
    outbox->sent -= outbox->states[index] == OUTBOX_SENT;
    outbox->acknowledged += outbox->states[index] != OUTBOX_ACKNOWLEDGED;
    outbox->states[index] = OUTBOX_ACKNOWLEDGED;
    pthread_cond_signal(&outbox->changed);
    pthread_mutex_unlock(&outbox->lock);
}

bool outbox_is_acknowledged(struct outbox *outbox, size_t index)
{
    assert(index < outbox->orders);
    pthread_mutex_lock(&outbox->lock);
    const bool is = outbox->states[index] == OUTBOX_ACKNOWLEDGED;
    pthread_mutex_unlock(&outbox->lock);
    return is;
}

void outbox_note_reconnect(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->reconnected = true;
    pthread_cond_signal(&outbox->changed);
    pthread_mutex_unlock(&outbox->lock);
}
