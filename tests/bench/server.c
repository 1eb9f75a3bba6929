// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include "base/assert.h"
#include "meter.h"
#include "ports_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_MS_MAX = 10000,
    STOP_MS_MAX = 5000,
    SETTLE_MS = 100,
    SETTLED_READINGS = 4,
    SETTLE_READINGS_MAX = 50
};

static void pause_ms(int ms)
{
    (void)usleep((useconds_t)ms * 1000);
}

/* In the child: its own process group, so that a Ctrl-C at the terminal reaches the guard alone. */
static _Noreturn void child_run(const struct server *server, char *const argv[], pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = chdir(server->folder) == 0 ? open("log", O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (log < 0 || getppid() != parent || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    (void)execv(server->program->path, argv);
    _exit(127);
}

enum rill_err server_spawn(struct server *server, const struct server_program *program, struct guard *guard,
                           uint16_t port, bool durable, struct rill_error_text *why)
{
    RILL_ASSERT(program->path && atomic_load(&guard->server_pid) == 0);
    *server = (struct server){.program = program, .guard = guard, .durable = durable, .port = port};
    (void)snprintf(server->folder, sizeof server->folder, "%s/server", guard->folder);
    char port_text[8];
    (void)snprintf(port_text, sizeof port_text, "%d", port ? port : -1);
    char *const argv[] = {
        (char *)program->path,  "-a",  "127.0.0.1",    "-p", port_text, "--ports_file_dir", server->folder,
        durable ? "-js" : NULL, "-sd", server->folder, NULL};
    const pid_t parent = getpid();
    (void)pthread_mutex_lock(&guard->changing);
    const pid_t pid = mkdir(server->folder, 0700) == 0 ? fork() : -1;
    if (pid == 0)
        child_run(server, argv, parent);
    atomic_store(&guard->server_pid, pid > 0 ? pid : 0);
    (void)pthread_mutex_unlock(&guard->changing);
    if (pid < 0) {
        rill_error_text_set(why, "start %s: %m", program->path);
        return rill_err_from_errno(errno);
    }
    server->pid = pid;
    return RILL_OK;
}

static bool file_read(const char *path, char *text, size_t size, size_t *ret_len)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    *ret_len = fread(text, 1, size - 1, file);
    text[*ret_len] = '\0';
    (void)fclose(file);
    return true;
}

static bool server_said_port(struct server *server)
{
    const char *slash = strrchr(server->program->path, '/');
    const char *base = slash ? slash + 1 : server->program->path;
    char path[256], text[4096];
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/%s_%d.ports", server->folder, base, (int)server->pid);
    return file_read(path, text, sizeof text, &len) &&
           ports_file_parse(rill_bytes_of(text, len), &server->port);
}

/* Has it ended within so many milliseconds? Then it is reaped and unknown to the guard. */
static bool server_ended(struct server *server, int ms)
{
    for (;; pause_ms(1)) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            atomic_store(&server->guard->server_pid, 0);
            server->pid = 0;
            return true;
        }
        if (ms-- <= 0)
            return false;
    }
}

static void why_from_log(const struct server *server, const char *what, struct rill_error_text *why)
{
    char path[256], text[160] = "";
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/log", server->folder);
    (void)file_read(path, text, sizeof text, &len);
    rill_error_text_set(why, "start %s: %s; its log begins: %s", server->program->path, what, text);
}

enum rill_err server_start(struct server *server, const struct server_program *program, struct guard *guard,
                           bool durable, struct rill_error_text *why)
{
    const enum rill_err err = server_spawn(server, program, guard, 0, durable, why);
    if (err)
        return err;
    for (int ms = 0; ms < START_MS_MAX; ms++) {
        if (server_said_port(server))
            return RILL_OK;
        if (server_ended(server, 1))
            break;
    }
    why_from_log(server, server->pid ? "no ports file in time" : "it ended", why);
    server_stop(server);
    return RILL_ERR_TIMEOUT;
}

void server_stop(struct server *server)
{
    if (server->pid > 0) {
        (void)kill(server->pid, SIGINT);
        if (!server_ended(server, STOP_MS_MAX)) {
            (void)kill(server->pid, SIGKILL);
            (void)server_ended(server, STOP_MS_MAX);
        }
    }
    if (!server->guard)
        return;
    (void)pthread_mutex_lock(&server->guard->changing);
    guard_remove_folder(server->folder);
    (void)pthread_mutex_unlock(&server->guard->changing);
}

static uint64_t server_memory_bytes(const struct server *server)
{
    char path[64], text[4096];
    size_t len = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)server->pid);
    const char *line = file_read(path, text, sizeof text, &len) ? strstr(text, "\nRss:") : NULL;
    return line ? strtoull(line + 5, NULL, 10) * 1024 : 0;
}

uint64_t server_settled_memory_bytes(const struct server *server)
{
    uint64_t bytes = server_memory_bytes(server);
    int same = 0;
    for (int i = 0; i < SETTLE_READINGS_MAX && same < SETTLED_READINGS; i++) {
        pause_ms(SETTLE_MS);
        const uint64_t again = server_memory_bytes(server);
        same = again == bytes ? same + 1 : 0;
        bytes = again;
    }
    return bytes;
}
