// SPDX-License-Identifier: Apache-2.0
#include "receiver.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "meter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SCRATCH_BYTES = 512 * 1024 };

static enum rill_err watch(struct receiver *receiver, int fd, uint32_t index, struct rill_error_text *why)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (epoll_ctl(receiver->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return RILL_OK;
    rill_error_text_set(why, "watch a socket: %m");
    return rill_err_from_errno(errno);
}

static enum rill_err subscriber_open(struct receiver *receiver, const struct load *load, uint16_t port,
                                     struct rill_error_text *why)
{
    const unsigned index = receiver->count;
    struct wire *wire = &receiver->wires[index];
    struct expectation *expectation = &receiver->expectations[index];
    *expectation =
        (struct expectation){.block = rill_buf_bytes(&load->msgs), .message_bytes = load->msg_message_bytes};
    enum rill_err err = wire_join(wire, port, why);
    if (err)
        return err;
    receiver->count++;
    err = wire_subscribe(wire, LOAD_SUBJECTS_ALL, why);
    if (!err && !expectation_match(expectation, rill_bytes_of(wire->input, wire->input_len))) {
        rill_error_text_set(why, "unexpected bytes behind the subscription");
        err = RILL_ERR_INVALID;
    }
    return err ? err : watch(receiver, wire->fd, index, why);
}

enum rill_err receiver_open(struct receiver *receiver, unsigned count, const struct load *load, uint16_t port,
                            struct rill_error_text *why)
{
    RILL_ASSERT(count <= RECEIVER_SUBSCRIBERS_MAX);
    receiver->count = 0;
    receiver->scratch = rill_alloc_zero(1, SCRATCH_BYTES);
    receiver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    receiver->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum rill_err err = watch(receiver, receiver->wake_fd, RECEIVER_SUBSCRIBERS_MAX, why);
    while (!err && receiver->count < count)
        err = subscriber_open(receiver, load, port, why);
    return err;
}

void receiver_close(struct receiver *receiver)
{
    for (unsigned i = 0; i < receiver->count; i++)
        wire_close(&receiver->wires[i]);
    (void)close(receiver->epoll_fd);
    (void)close(receiver->wake_fd);
    free(receiver->scratch);
}

static enum rill_err subscriber_read(struct receiver *receiver, unsigned index)
{
    const ssize_t count = recv(receiver->wires[index].fd, receiver->scratch, SCRATCH_BYTES, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
        return RILL_OK;
    if (count <= 0) {
        rill_error_text_set(&receiver->why, "subscriber %u: the server closed the connection", index);
        return RILL_ERR_CLOSED;
    }
    if (expectation_match(&receiver->expectations[index], rill_bytes_of(receiver->scratch, (size_t)count)))
        return RILL_OK;
    rill_error_text_set(&receiver->why, "subscriber %u: not what was published, behind %llu right bytes",
                        index, (unsigned long long)receiver->expectations[index].matched_bytes);
    return RILL_ERR_DAMAGED;
}

static bool receiver_done(struct receiver *receiver)
{
    const uint64_t wanted = atomic_load(&receiver->bytes_wanted);
    for (unsigned i = 0; wanted && i < receiver->count; i++)
        if (receiver->expectations[i].matched_bytes < wanted)
            return false;
    return wanted > 0;
}

static enum rill_err receiver_turn(struct receiver *receiver)
{
    struct epoll_event events[RECEIVER_SUBSCRIBERS_MAX + 1];
    const int ready =
        epoll_wait(receiver->epoll_fd, events, RECEIVER_SUBSCRIBERS_MAX + 1, WIRE_TIMEOUT_S * 1000);
    if (ready == 0) {
        rill_error_text_set(&receiver->why,
                            "subscribers got nothing more: subscriber 0 has %llu bytes of %llu",
                            (unsigned long long)receiver->expectations[0].matched_bytes,
                            (unsigned long long)atomic_load(&receiver->bytes_wanted));
        return RILL_ERR_TIMEOUT;
    }
    enum rill_err err = RILL_OK;
    for (int i = 0; i < ready && !err; i++) {
        uint64_t drained;
        if (events[i].data.u32 < receiver->count)
            err = subscriber_read(receiver, events[i].data.u32);
        else if (read(receiver->wake_fd, &drained, sizeof drained) < 0)
            err = RILL_ERR_IO;
    }
    return err;
}

static void *receiver_run(void *context)
{
    struct receiver *receiver = context;
    receiver->err = RILL_OK;
    while (!receiver->err && !receiver_done(receiver))
        receiver->err = receiver_turn(receiver);
    receiver->finished_ns = meter_now_ns();
    return NULL;
}

enum rill_err receiver_start(struct receiver *receiver, struct rill_error_text *why)
{
    atomic_store(&receiver->bytes_wanted, 0);
    const int failed = pthread_create(&receiver->thread, NULL, receiver_run, receiver);
    if (failed)
        rill_error_text_set(why, "start a thread: %s", rill_err_text(rill_err_from_errno(failed)));
    return rill_err_from_errno(failed);
}

enum rill_err receiver_finish(struct receiver *receiver, uint64_t blocks, int64_t *ret_finished_ns,
                              struct rill_error_text *why)
{
    const uint64_t one = 1;
    atomic_store(&receiver->bytes_wanted, blocks * receiver->expectations[0].block.len);
    const bool woken = write(receiver->wake_fd, &one, sizeof one) == sizeof one;
    (void)pthread_join(receiver->thread, NULL);
    RILL_ASSERT(woken);
    if (receiver->err)
        *why = receiver->why;
    else
        *ret_finished_ns = receiver->finished_ns;
    return receiver->err;
}

enum rill_err receiver_check_silence(struct receiver *receiver, struct rill_error_text *why)
{
    for (unsigned i = 0; i < receiver->count; i++) {
        struct wire *wire = &receiver->wires[i];
        wire->input_len = receiver->expectations[i].ping_matched_bytes;
        memcpy(wire->input, "PING\r\n", wire->input_len);
        const enum rill_err err = wire_flush(wire, why);
        if (err) {
            rill_error_text_wrap(why, "subscriber %u, behind its last message", i);
            return err;
        }
    }
    return RILL_OK;
}
