// SPDX-License-Identifier: Apache-2.0
#include "broker.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool broker_start(struct broker *broker, const char *log_path)
{
    char store[BROKER_PATH_MAX];
    char port[16];
    snprintf(store, sizeof store, "%s/store", broker->folder);
    snprintf(port, sizeof port, "%d", broker->port ? broker->port : -1);
    const char *const argv[] = {
        broker->program,    "-js",          "-sd", store, "-a", "127.0.0.1", "-p", port,
        "--ports_file_dir", broker->folder, NULL};
    broker->process.name = "broker";
    return process_start(&broker->process, (char *const *)argv, log_path);
}

/* The file is called PROGRAM_PID.ports; what the program calls itself is its own affair. */
static bool ports_file_find(const struct broker *broker, char path[BROKER_PATH_MAX])
{
    char ending[32];
    const int ending_len = snprintf(ending, sizeof ending, "_%d.ports", (int)broker->process.pid);
    DIR *folder = opendir(broker->folder);
    bool found = false;
    for (const struct dirent *entry; folder && !found && (entry = readdir(folder)) != NULL;) {
        const size_t len = strlen(entry->d_name);
        found = len > (size_t)ending_len && strcmp(entry->d_name + len - (size_t)ending_len, ending) == 0;
        if (found)
            found = snprintf(path, BROKER_PATH_MAX, "%s/%s", broker->folder, entry->d_name) < BROKER_PATH_MAX;
    }
    if (folder)
        closedir(folder);
    return found;
}

/* {"nats":["nats://127.0.0.1:4222"]} */
static int ports_file_port(const char *path)
{
    static const char prefix[] = "\"nats://127.0.0.1:";
    char text[512] = "";
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    const size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    const char *url = strstr(text, prefix);
    return url ? (int)strtol(url + sizeof prefix - 1, NULL, 10) : 0;
}

bool broker_is_listening(struct broker *broker)
{
    char path[BROKER_PATH_MAX];
    const int port = ports_file_find(broker, path) ? ports_file_port(path) : 0;
    if (port <= 0)
        return false;
    broker->port = port;
    snprintf(broker->url, sizeof broker->url, "nats://127.0.0.1:%d", port);
    return true;
}
