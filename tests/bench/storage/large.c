// SPDX-License-Identifier: Apache-2.0
#include "large.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void killed_after(void (*live)(struct storage_bench *bench, const struct storage_row *row,
                               double *ret_number),
                  struct storage_bench *bench, const struct storage_row *row, double *ret_number)
{
    int pipe_fds[2], status = 0;
    double number = 0;
    if (pipe(pipe_fds) != 0)
        bench_check("pipe", RILL_ERR_IO);
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child < 0)
        bench_check("fork", RILL_ERR_NO_MEMORY);
    if (child == 0) {
        live(bench, row, &number);
        if (write(pipe_fds[1], &number, sizeof number) == sizeof number)
            (void)kill(getpid(), SIGKILL);
        _exit(1);
    }
    (void)close(pipe_fds[1]);
    const bool has_number = read(pipe_fds[0], ret_number, sizeof *ret_number) == sizeof *ret_number;
    (void)close(pipe_fds[0]);
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || !has_number)
        bench_check("the writer that is to be killed", RILL_ERR_IO);
}

static void write_large(struct storage_bench *bench, const struct storage_row *row, double *ret_number)
{
    struct writer writer = {0};
    writer_open(&writer, bench->large, row);
    writer_append(&writer, row, bench->messages);
    writer_settle(&writer);
    *ret_number = (double)writer.sequence;
}

void large_make(struct storage_bench *bench, const struct storage_row *row)
{
    double written = 0;
    if (bench->has_large)
        return;
    killed_after(write_large, bench, row, &written);
    bench->has_large = true;
}

void large_remove(struct storage_bench *bench)
{
    struct rill_error_text why;
    if (bench->has_large)
        bench_check("delete", rill_store_delete(rill_disk_real(), bench->large, &why));
    bench->has_large = false;
}
