// SPDX-License-Identifier: Apache-2.0
//
// The workers: threads that run the core's jobs, which may block. The one place of the shell where
// threads meet; one mutex guards both directions, and an eventfd wakes the loop.
//
//     loop ── workers_submit ──► waiting ── worker: rill_job_run ──► done ── eventfd ──► workers_take_done ──
//     loop
//
// Each of the core's lanes has threads of its own, so that a job that takes long (hashing a password, reading
// back a whole stream) never makes a commit wait. Threads are started when there is work for them and none is
// idle, so a broker that has nothing to do with a disk has none. At most WORKERS_JOBS_MAX jobs are out:
// workers_has_room says whether the loop may take another one from the core.
//
// While jobs come close behind each other one thread of a lane looks for the next one before it sleeps (look.h).
//
// The loop's thread calls everything here.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct workers;
struct rill_job;

enum { WORKERS_JOBS_MAX = 256 };

/* Of the disk so many that syncs of different files overlap: docs/RATIONALE.md has what that brings. */
enum { WORKERS_DISK_THREADS = 16, WORKERS_LONG_THREADS = 2, WORKERS_RECOVERY_THREADS = 2 };

/* IO or LIMIT when there is no descriptor left. */
enum rill_err workers_create(struct workers **ret_workers) RILL_MUST_CHECK;
/* Ends the threads; every job must have been taken back. NULL is fine. */
void workers_destroy(struct workers *workers);

/* Readable while workers_take_done has something. */
int workers_wake_fd(const struct workers *workers);

/* Some of the disk's are submitted and not taken back. */
bool workers_have_jobs(const struct workers *workers);
bool workers_has_room(const struct workers *workers);
/* Needs room. The job is the workers' until it is taken back. */
void workers_submit(struct workers *workers, struct rill_job *job);
/* The finished jobs, at most WORKERS_JOBS_MAX of them, in the order in which they finished. Returns how many.
 */
size_t workers_take_done(struct workers *workers, struct rill_job *ret_jobs[WORKERS_JOBS_MAX]);
