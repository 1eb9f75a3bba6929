// SPDX-License-Identifier: Apache-2.0
//
// Work that would block: made by the core, run by any thread, finished by the core. Embedded as the first
// member of a larger struct that carries what the work needs; while the job is out, nobody else touches that.
#pragma once

#include "core/core.h"

struct rill_job {
    void (*run)(struct rill_job *job);                            // any thread
    void (*finish)(struct rill_core *core, struct rill_job *job); // loop thread; frees the job
    enum rill_job_lane lane;
    struct rill_job *next; // in the core's queue
};

/* Queues the job for the shell. */
void core_submit(struct rill_core *core, struct rill_job *job);
