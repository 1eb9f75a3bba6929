// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_CANNOT_RUN = 127 };

static void child_redirect(const char *log_path)
{
    const int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0)
        _exit(EXIT_CANNOT_RUN);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void child_run(char *const *argv, const char *log_path, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) // it died before the line above
        _exit(EXIT_CANNOT_RUN);
    if (log_path)
        child_redirect(log_path);
    execvp(argv[0], argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(EXIT_CANNOT_RUN);
}

bool process_start(struct process *process, char *const *argv, const char *log_path)
{
    fflush(NULL);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0)
        child_run(argv, log_path, parent);
    process->pid = pid > 0 ? pid : 0;
    process->status = 0;
    return pid > 0;
}

bool process_is_running(struct process *process)
{
    if (!process->pid)
        return false;
    if (waitpid(process->pid, &process->status, WNOHANG) == 0)
        return true;
    process->pid = 0;
    return false;
}

bool process_exited(const struct process *process)
{
    return !process->pid && WIFEXITED(process->status);
}

bool process_succeeded(const struct process *process)
{
    return process_exited(process) && WEXITSTATUS(process->status) == 0;
}

void process_ask_to_stop(const struct process *process)
{
    if (process->pid)
        kill(process->pid, SIGTERM);
}

void process_kill(struct process *process)
{
    if (!process->pid)
        return;
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, &process->status, 0) < 0 && errno == EINTR)
        ;
    process->pid = 0;
}
