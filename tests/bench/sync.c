// SPDX-License-Identifier: Apache-2.0
//
// The disk alone, in the folder where the servers keep theirs: so many writes of a commit's size, each synced, it takes in a
// second, one after the other. No server that acknowledges what is durable can have more commits than that.
#include "bare_append.h"
#include "row.h"

#include <stdio.h>

enum rill_err sync_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    char path[sizeof task->guard->folder + sizeof "/bare"];
    struct bare_appended appended;
    (void)snprintf(path, sizeof path, "%s/bare", task->guard->folder);
    const struct bare_append append = {
        .path = path, .bytes = task->row->payload_bytes, .seconds = task->options->seconds};
    const enum rill_err err = bare_append(&append, &appended);
    if (err) {
        rill_error_text_set(why, "write and sync %s", path);
        return err;
    }
    *ret = (struct figure){.value = appended.per_s};
    return RILL_OK;
}
