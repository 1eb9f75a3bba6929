// SPDX-License-Identifier: Apache-2.0
#include "config/signal.h"

#include "arena.h"
#include "file.h"

#include <dirent.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum {
    PID_FILE_BYTES_MAX = 64,
    PROCESS_NAME_MAX = 15, // what the kernel keeps of a process' name
};

static const struct {
    const char *command;
    int signal;
} commands[] = {
    {"stop", SIGKILL},   {"quit", SIGINT}, {"term", SIGTERM},
    {"reopen", SIGUSR1}, {"ldm", SIGUSR2}, {"reload", SIGHUP},
};

static enum rill_err read_command(struct rill_bytes name, struct rill_signal_request *request,
                                  struct rill_error_text *why)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (rill_bytes_equal_cstr(name, commands[i].command)) {
            request->command = commands[i].command;
            request->signal = commands[i].signal;
            return RILL_OK;
        }
    }
    rill_error_text_set(why, "unknown signal \"%.*s\": use stop, quit, term, reopen, ldm or reload",
                        (int)(name.len > 40 ? 40 : name.len), (const char *)name.data);
    return RILL_ERR_INVALID;
}

static bool to_pid(struct rill_bytes text, pid_t *ret_pid)
{
    uint64_t pid = 0;
    if (!rill_bytes_to_u64(text, INT32_MAX, &pid) || pid == 0)
        return false;
    *ret_pid = (pid_t)pid;
    return true;
}

static enum rill_err add_pid(struct rill_signal_request *request, pid_t pid, struct rill_error_text *why)
{
    if (request->pid_count == RILL_SIGNAL_PIDS_MAX) {
        rill_error_text_set(why, "more than %d processes", RILL_SIGNAL_PIDS_MAX);
        return RILL_ERR_LIMIT;
    }
    request->pids[request->pid_count++] = pid;
    return RILL_OK;
}

static enum rill_err read_pid_file(const char *path, struct rill_signal_request *request,
                                   struct rill_error_text *why)
{
    struct config_arena *arena = config_arena_create();
    struct rill_bytes text;
    enum rill_err err = config_file_read(path, PID_FILE_BYTES_MAX, arena, &text, why);
    pid_t pid = 0;
    if (!err) {
        while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
            text.len--;
        if (to_pid(text, &pid)) {
            err = add_pid(request, pid, why);
        } else {
            rill_error_text_set(why, "%s: it does not hold a process id", path);
            err = RILL_ERR_INVALID;
        }
    }
    config_arena_destroy(arena);
    return err;
}

static enum rill_err read_pid_files(const char *pattern, struct rill_signal_request *request,
                                    struct rill_error_text *why)
{
    glob_t found = {0};
    enum rill_err err = RILL_OK;
    if (glob(pattern, 0, NULL, &found) != 0) {
        rill_error_text_set(why, "%s: neither a process id nor a file that holds one", pattern);
        err = RILL_ERR_NOT_FOUND;
    }
    for (size_t i = 0; !err && i < found.gl_pathc; i++)
        err = read_pid_file(found.gl_pathv[i], request, why);
    globfree(&found);
    return err;
}

/* Is the process with this number called `name`? */
static bool process_has_name(const char *number, const char *name)
{
    char path[64];
    char line[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%.20s/comm", number);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    const bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return read && strncmp(line, name, PROCESS_NAME_MAX) == 0 && strlen(line) <= PROCESS_NAME_MAX;
}

static enum rill_err find_processes(const char *name, struct rill_signal_request *request,
                                    struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; !err && folder && (entry = readdir(folder)) != NULL;) {
        pid_t pid = 0;
        if (to_pid(rill_bytes_from_cstr(entry->d_name), &pid) && pid != getpid() &&
            process_has_name(entry->d_name, name))
            err = add_pid(request, pid, why);
    }
    if (folder)
        (void)closedir(folder);
    return err;
}

static enum rill_err find_one_process(const char *name, struct rill_signal_request *request,
                                      struct rill_error_text *why)
{
    const enum rill_err err = find_processes(name, request, why);
    if (err)
        return err;
    if (request->pid_count == 0) {
        rill_error_text_set(why, "no %s is running", name);
        return RILL_ERR_NOT_FOUND;
    }
    if (request->pid_count > 1) {
        rill_error_text_set(why, "several %s are running (%d, %d, ...): say which, as in %s=%d", name,
                            (int)request->pids[0], (int)request->pids[1], request->command,
                            (int)request->pids[0]);
        return RILL_ERR_INVALID;
    }
    return RILL_OK;
}

enum rill_err rill_signal_resolve(const char *text, const char *process_name,
                                  struct rill_signal_request *ret_request, struct rill_error_text *why)
{
    struct rill_signal_request request = {0};
    const char *equals = strchr(text, '=');
    const size_t name_len = equals ? (size_t)(equals - text) : strlen(text);
    enum rill_err err = read_command(rill_bytes_of(text, name_len), &request, why);
    if (err)
        return err;
    const char *target = equals ? equals + 1 : "";
    pid_t pid = 0;
    if (!*target)
        err = find_one_process(process_name, &request, why);
    else if (to_pid(rill_bytes_from_cstr(target), &pid))
        err = add_pid(&request, pid, why);
    else
        err = read_pid_files(target, &request, why);
    if (!err)
        *ret_request = request;
    return err;
}
