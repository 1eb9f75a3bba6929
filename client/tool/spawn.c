// SPDX-License-Identifier: Apache-2.0
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int in;  // to write to it; -1 when it has all
    int out; // to read from it; -1 at its end
    struct rill_bytes input;
};

/* In the child: between fork and exec only what is safe there. */
static _Noreturn void become(const char *command, int in, int out)
{
    if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static void close_all(const int ends[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (ends[i] >= 0)
            (void)close(ends[i]);
    }
}

static enum rill_err start(struct child *child, const char *command, const char *subject)
{
    int ends[4] = {-1, -1, -1, -1};
    if (setenv("RILL_SUBJECT", subject, 1) != 0)
        return RILL_ERR_NO_MEMORY;
    if (pipe2(ends, O_CLOEXEC) != 0 || pipe2(ends + 2, O_CLOEXEC) != 0 || (child->pid = fork()) < 0) {
        const enum rill_err err = rill_err_from_errno(errno);
        close_all(ends);
        return err;
    }
    if (child->pid == 0)
        become(command, ends[0], ends[3]);
    (void)close(ends[0]);
    (void)close(ends[3]);
    child->in = ends[1];
    child->out = ends[2];
    return fcntl(child->in, F_SETFL, O_NONBLOCK) == 0 ? RILL_OK : rill_err_from_errno(errno);
}

static void close_input(struct child *child)
{
    (void)close(child->in);
    child->in = -1;
}

/* A command need not read what it is given. */
static void feed(struct child *child)
{
    const ssize_t n = child->input.len ? write(child->in, child->input.data, child->input.len) : 0;
    if (n > 0)
        child->input = rill_bytes_from(child->input, (size_t)n);
    if (child->input.len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_input(child);
}

static enum rill_err drink(struct child *child, struct rill_buf *out)
{
    const enum rill_err err = rill_buf_reserve(out, 4096);
    if (err)
        return err;
    const ssize_t n = read(child->out, out->data + out->len, out->capacity - out->len);
    if (n < 0)
        return errno == EINTR ? RILL_OK : rill_err_from_errno(errno);
    out->len += (size_t)n;
    if (n == 0) {
        (void)close(child->out);
        child->out = -1;
    }
    return RILL_OK;
}

static enum rill_err exchange(struct child *child, struct rill_buf *out)
{
    enum rill_err err = RILL_OK;
    while (!err && child->out >= 0) {
        struct pollfd polled[2] = {{.fd = child->out, .events = POLLIN},
                                   {.fd = child->in, .events = POLLOUT}};
        if (poll(polled, 2, -1) < 0) {
            err = errno == EINTR ? RILL_OK : rill_err_from_errno(errno);
            continue;
        }
        if (polled[1].revents)
            feed(child);
        if (polled[0].revents)
            err = drink(child, out);
    }
    return err;
}

static int wait_for(struct child *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

enum rill_err spawn_shell(const char *command, const char *subject, struct rill_bytes input,
                          struct rill_buf *out, int *ret_status)
{
    struct child child = {.pid = -1, .in = -1, .out = -1, .input = input};
    // Writing to a command that has ended is an error, not the end of us.
    (void)signal(SIGPIPE, SIG_IGN);
    enum rill_err err = start(&child, command, subject);
    if (child.pid <= 0)
        return err;
    err = err ? err : exchange(&child, out);
    if (err)
        (void)kill(child.pid, SIGKILL);
    if (child.in >= 0)
        close_input(&child);
    if (child.out >= 0)
        (void)close(child.out);
    *ret_status = wait_for(&child);
    return err;
}
