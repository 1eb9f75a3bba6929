// SPDX-License-Identifier: Apache-2.0
#include "loop.h"

#include "link.h"

#include <stdlib.h>

static bool loop_submit_jobs(struct loop *loop)
{
    bool any = false;
    struct rill_job *job;
    while (workers_has_room(loop->workers) && (job = rill_core_take_job(loop->core))) {
        workers_submit(loop->workers, job);
        any = true;
    }
    return any;
}

/* What they leave to be done next is handed over at once: the disk works while the turn goes on. */
static void loop_done_ready(struct source *source, uint32_t events)
{
    struct loop *loop = (struct loop *)((char *)source - offsetof(struct loop, done));
    struct rill_job *jobs[WORKERS_JOBS_MAX];
    const size_t count = workers_take_done(loop->workers, jobs);
    for (size_t i = 0; i < count; i++)
        rill_core_job_done(loop->core, jobs[i]);
    (void)loop_submit_jobs(loop);
}

enum rill_err loop_init(struct loop *loop, struct rill_log_sink log, struct rill_error_text *why)
{
    *loop = (struct loop){.log = log, .poller.epoll_fd = -1};
    enum rill_err err = poller_init(&loop->poller);
    if (!err)
        err = workers_create(&loop->workers);
    loop->read_buffer = malloc(LOOP_READ_BYTES_MAX);
    if (!err && !loop->read_buffer)
        err = RILL_ERR_NO_MEMORY;
    if (err) {
        rill_error_text_set(why, "start the loop: %s", rill_err_text(err));
        loop_fini(loop);
        return err;
    }
    loop->done = (struct source){.fd = workers_wake_fd(loop->workers), .ready = loop_done_ready};
    poller_set_interest(&loop->poller, &loop->done, EPOLLIN);
    return RILL_OK;
}

void loop_close_links(struct loop *loop)
{
    loop->stopping = true;
    while (loop->links)
        link_close(loop->links, "Server Shutdown");
}

void loop_fini(struct loop *loop)
{
    loop_close_links(loop);
    if (loop->workers)
        poller_remove(&loop->poller, &loop->done);
    workers_destroy(loop->workers);
    loop->workers = NULL;
    free(loop->read_buffer);
    loop->read_buffer = NULL;
    poller_fini(&loop->poller);
}

/* Jobs first: the disk works while the sockets are written. Closing a connection may touch others and leave
 * jobs. */
void loop_take_effects(struct loop *loop)
{
    bool any = true;
    while (any) {
        any = loop_submit_jobs(loop);
        struct rill_conn *conn;
        while ((conn = rill_core_take_touched(loop->core))) {
            (void)link_flush(rill_conn_link(conn));
            any = true;
        }
    }
}

void loop_turn(struct loop *loop, int64_t deadline_ns)
{
    const int64_t core_ns = rill_core_next_deadline_ns(loop->core);
    loop->poller.job_is_out = workers_have_jobs(loop->workers);
    poller_wait(&loop->poller, core_ns < deadline_ns ? core_ns : deadline_ns);
    rill_core_begin_turn(loop->core, loop->poller.now);
    poller_dispatch(&loop->poller);
    rill_core_end_turn(loop->core);
    loop_take_effects(loop);
}
