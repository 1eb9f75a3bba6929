// SPDX-License-Identifier: Apache-2.0
//
// Durable publishes. Each publisher keeps a window of messages in flight: it publishes so many, and one more for
// each acknowledgement that comes. One thread serves all publishers. Every acknowledgement is looked at: it must be
// one, and the sequences of a publisher must grow.
#include "durable.h"

#include "base/alloc.h"
#include "lines.h"
#include "link.h"
#include "meter.h"
#include "sample.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PUBLISHERS_MAX = 16,
    LATENCIES_MAX = 1 << 20,
    REFILL = 256, // acknowledged messages that are replaced at once
};

struct publisher {
    struct link link;
    struct lines lines;
    uint64_t sent;
    uint64_t acked;
    uint64_t *last_sequences; // of each stream
    int64_t *sent_ns;         // of each message in flight: a ring of the window's size
};

struct durable {
    const struct row *row;
    struct publisher publishers[PUBLISHERS_MAX];
    unsigned count;
    unsigned window;
    double *us; // latencies
    size_t us_count;
};

static enum rill_err publish(struct durable *durable, struct publisher *publisher, uint64_t count,
                             struct rill_error_text *why)
{
    const int64_t now_ns = meter_now_ns();
    for (uint64_t i = 0; i < count; i++)
        publisher->sent_ns[publisher->sent++ % durable->window] = now_ns;
    return lines_send(&publisher->lines, &publisher->link.wire, count, why);
}

static unsigned streams_of(const struct row *row)
{
    return row->streams ? row->streams : 1;
}

/* Takes the text away from the front, and blanks behind it. */
static bool take_text(struct rill_bytes *at, struct rill_bytes text)
{
    if (!rill_bytes_has_prefix(*at, text))
        return false;
    *at = rill_bytes_from(*at, text.len);
    while (at->len && at->data[0] == ' ')
        *at = rill_bytes_from(*at, 1);
    return true;
}

static uint64_t take_number(struct rill_bytes *at)
{
    uint64_t number = 0;
    for (; at->len && at->data[0] >= '0' && at->data[0] <= '9'; *at = rill_bytes_from(*at, 1))
        number = number * 10 + (uint64_t)(at->data[0] - '0');
    return number;
}

/* {"stream":"BENCH","seq":17} and what else a server may add; BENCH0 and so on when there are several. */
static bool sequence_of(struct rill_bytes payload, uint64_t *ret, unsigned *ret_stream)
{
    struct rill_bytes at = payload;
    if (!take_text(&at, RILL_BYTES("{\"stream\":")) || !take_text(&at, RILL_BYTES("\"BENCH")))
        return false;
    *ret_stream = (unsigned)take_number(&at);
    if (!take_text(&at, RILL_BYTES("\",")) || !take_text(&at, RILL_BYTES("\"seq\":")))
        return false;
    *ret = take_number(&at);
    return *ret > 0 && at.len && (at.data[0] == '}' || at.data[0] == ',');
}

static enum rill_err acked(struct durable *durable, struct publisher *publisher,
                           const struct link_message *ack, int64_t now_ns, struct rill_error_text *why)
{
    uint64_t sequence = 0;
    unsigned stream = 0;
    if (!sequence_of(ack->payload, &sequence, &stream) || stream >= streams_of(durable->row) ||
        sequence <= publisher->last_sequences[stream]) {
        rill_error_text_set(why, "not the next acknowledgement: " RILL_PRI, RILL_ARG(ack->payload));
        return RILL_ERR_INVALID;
    }
    publisher->last_sequences[stream] = sequence;
    const int64_t sent_ns = publisher->sent_ns[publisher->acked++ % durable->window];
    if (durable->us_count < LATENCIES_MAX)
        durable->us[durable->us_count++] = (double)(now_ns - sent_ns) / (double)RILL_NS_PER_US;
    return RILL_OK;
}

/* Replaces acknowledged messages when they are `enough`. */
static enum rill_err refill(struct durable *durable, struct publisher *publisher, uint64_t enough,
                            struct rill_error_text *why)
{
    const uint64_t free = durable->window - (publisher->sent - publisher->acked);
    return free && free >= enough ? publish(durable, publisher, free, why) : RILL_OK;
}

/* Takes in what has come, and replaces it while it is not too late. */
static enum rill_err collect(struct durable *durable, struct publisher *publisher, bool goes_on,
                             struct rill_error_text *why)
{
    enum rill_err err = link_receive(&publisher->link, why);
    const int64_t now_ns = meter_now_ns();
    while (!err) {
        struct link_message ack;
        err = link_take(&publisher->link, &ack, why);
        if (!err)
            err = acked(durable, publisher, &ack, now_ns, why);
        if (!err && goes_on)
            err = refill(durable, publisher, REFILL, why);
    }
    if (err != RILL_ERR_NOT_FOUND)
        return err;
    return goes_on ? refill(durable, publisher, 1, why) : RILL_OK;
}

static uint64_t acked_count(const struct durable *durable)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < durable->count; i++)
        sum += durable->publishers[i].acked;
    return sum;
}

/* One look at all connections; the acknowledged are replaced by new ones while it is not too late. */
static enum rill_err durable_turn(struct durable *durable, bool goes_on, struct rill_error_text *why)
{
    struct pollfd polled[PUBLISHERS_MAX];
    for (unsigned i = 0; i < durable->count; i++)
        polled[i] = (struct pollfd){.fd = durable->publishers[i].link.wire.fd, .events = POLLIN};
    if (durable->count > 1 && poll(polled, durable->count, WIRE_TIMEOUT_S * 1000) <= 0) {
        rill_error_text_set(why, "no acknowledgement for %d s", WIRE_TIMEOUT_S);
        return RILL_ERR_TIMEOUT;
    }
    for (unsigned i = 0; i < durable->count; i++) {
        struct publisher *publisher = &durable->publishers[i];
        if (durable->count > 1 && !polled[i].revents)
            continue;
        const enum rill_err err = collect(durable, publisher, goes_on, why);
        if (err)
            return err;
    }
    return RILL_OK;
}

static enum rill_err durable_phase(struct durable *durable, double seconds, struct rill_error_text *why)
{
    const int64_t until_ns = meter_now_ns() + (int64_t)(seconds * (double)RILL_NS_PER_S);
    enum rill_err err = RILL_OK;
    uint64_t sent = 0;
    for (unsigned i = 0; !err && i < durable->count; i++)
        err = publish(durable, &durable->publishers[i], durable->window, why);
    while (!err && meter_now_ns() < until_ns)
        err = durable_turn(durable, true, why);
    for (unsigned i = 0; i < durable->count; i++)
        sent += durable->publishers[i].sent;
    while (!err && acked_count(durable) < sent) {
        // A publisher with nothing in flight must not be waited for.
        err =
            durable->count == 1 || acked_count(durable) < sent ? durable_turn(durable, false, why) : RILL_OK;
    }
    return err;
}

static enum rill_err durable_measure(struct durable *durable, struct task *task, struct figure *ret,
                                     struct rill_error_text *why)
{
    enum rill_err err = durable_phase(durable, task->options->seconds / 4, why);
    if (err)
        return err;
    const uint64_t before = acked_count(durable);
    durable->us_count = 0;
    const struct meter start = meter_read(task->server.pid);
    err = durable_phase(durable, task->options->seconds, why);
    if (err)
        return err;
    const struct meter spent = meter_between(start, meter_read(task->server.pid));
    const double messages = (double)(acked_count(durable) - before);
    sample_sort(durable->us, durable->us_count);
    *ret = (struct figure){
        .value = task->row->percentile > 0
                     ? sample_percentile(durable->us, durable->us_count, task->row->percentile)
                     : messages * (double)RILL_NS_PER_S / (double)spent.wall_ns,
        .server_cpu_ns_per_message = (double)spent.server_cpu_ns / messages,
        .generator_cpu = (double)spent.own_cpu_ns / (double)spent.wall_ns,
    };
    return RILL_OK;
}

/* One, or many with a subject each. */
static enum rill_err make_streams(struct durable *durable, const char *inbox, struct rill_error_text *why)
{
    struct link *link = &durable->publishers[0].link;
    enum rill_err err = RILL_OK;
    if (!durable->row->streams)
        return link_make_stream(link, inbox, why);
    for (unsigned i = 0; !err && i < durable->row->streams; i++) {
        char subject[64];
        char body[128];
        (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.CREATE.BENCH%u", i);
        (void)snprintf(body, sizeof body,
                       "{\"name\":\"BENCH%u\",\"subjects\":[\"bench.s%u\"],\"storage\":\"file\"}", i, i);
        err = link_request(link, subject, inbox, body, why);
    }
    return err;
}

static enum rill_err durable_open(struct durable *durable, struct task *task, struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    for (; !err && durable->count < (task->row->publishers ? task->row->publishers : 1); durable->count++) {
        struct publisher *publisher = &durable->publishers[durable->count];
        char inbox[32];
        (void)snprintf(inbox, sizeof inbox, "_INBOX.%u", durable->count);
        publisher->sent_ns = rill_alloc_zero(durable->window, sizeof publisher->sent_ns[0]);
        publisher->last_sequences = rill_alloc_zero(streams_of(task->row), sizeof(uint64_t));
        err = lines_init(&publisher->lines, task->row->subjects ? task->row->subjects : 1, inbox,
                         task->row->payload_bytes);
        publisher->link.wire.fd = -1;
        if (!err)
            err = link_open(&publisher->link, task->server.port, inbox, why);
        if (!err && durable->count == 0)
            err = make_streams(durable, inbox, why);
    }
    return err;
}

static void durable_init(struct durable *durable, const struct row *row)
{
    *durable = (struct durable){.row = row, .window = row->window};
    durable->us = rill_alloc_zero(LATENCIES_MAX, sizeof durable->us[0]);
}

static void durable_fini(struct durable *durable)
{
    for (unsigned i = 0; i < durable->count; i++) {
        link_close(&durable->publishers[i].link);
        lines_fini(&durable->publishers[i].lines);
        free(durable->publishers[i].sent_ns);
        free(durable->publishers[i].last_sequences);
    }
    free(durable->us);
}

enum rill_err durable_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    struct durable durable;
    durable_init(&durable, task->row);
    enum rill_err err = durable_open(&durable, task, why);
    if (!err)
        err = durable_measure(&durable, task, ret, why);
    durable_fini(&durable);
    return err;
}

// ---- beside something else ----

enum { LOAD_PHASE_MS = 100 };

/* Until it is killed. One byte says that messages are being acknowledged. */
static void load_process(struct task *task, int said)
{
    struct durable durable;
    struct rill_error_text why;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    durable_init(&durable, task->row);
    enum rill_err err = durable_open(&durable, task, &why);
    if (!err)
        err = durable_phase(&durable, LOAD_PHASE_MS / 1000.0, &why);
    if (!err && write(said, "", 1) != 1)
        err = RILL_ERR_IO;
    while (!err)
        err = durable_phase(&durable, LOAD_PHASE_MS / 1000.0, &why);
    _exit(1);
}

enum rill_err durable_load_begin(struct task *task, pid_t *ret_pid, struct rill_error_text *why)
{
    int ends[2];
    char byte;
    if (pipe(ends)) {
        rill_error_text_set(why, "no pipe");
        return RILL_ERR_LIMIT;
    }
    *ret_pid = fork();
    if (*ret_pid == 0)
        load_process(task, ends[1]);
    (void)close(ends[1]);
    const bool works = *ret_pid > 0 && read(ends[0], &byte, 1) == 1;
    (void)close(ends[0]);
    if (works)
        return RILL_OK;
    if (*ret_pid > 0)
        durable_load_end(*ret_pid);
    rill_error_text_set(why, "the durable load does not begin");
    return RILL_ERR_DISCONNECTED;
}

void durable_load_end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}
