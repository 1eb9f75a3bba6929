// SPDX-License-Identifier: Apache-2.0
#include "sizes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGES = 100 };

/* Calls for each line of a file of this process. */
static double sum_lines(const char *path, double (*of_line)(const char *line, const char *name),
                        const char *name)
{
    char line[1024];
    double sum = 0;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        sum += of_line(line, name);
    if (file)
        (void)fclose(file);
    return sum;
}

/* "7f12a000-7f12c000 r-xp ... /usr/lib/libx.so.1" */
static double mapped_bytes(const char *line, const char *name)
{
    char *dash;
    const char *slash = strrchr(line, '/');
    if (!slash || strncmp(slash + 1, name, strlen(name)) != 0)
        return 0;
    const unsigned long long from = strtoull(line, &dash, 16);
    return (double)(strtoull(dash + 1, NULL, 16) - from);
}

/* "VmRSS:	    1234 kB" */
static double kib_of(const char *line, const char *name)
{
    return strncmp(line, name, strlen(name)) == 0 ? strtod(line + strlen(name), NULL) : 0;
}

static double resident_kib(void)
{
    return sum_lines("/proc/self/status", kib_of, "VmRSS:");
}

/* In the child. */
static bool measure(const struct side *side, struct work *work, struct sizes *ret)
{
    const double before_kib = resident_kib();
    struct client *client = side->open(work);
    bool holds = client && side->listen(client);
    for (int i = 0; i < MESSAGES && holds; i++)
        holds = side->publish(client) && side->take(client);
    ret->library_kib = sum_lines("/proc/self/maps", mapped_bytes, side->name) / 1024;
    ret->resident_kib = resident_kib() - before_kib;
    side->close(client);
    return holds;
}

bool sizes_measure(const struct side *side, struct work *work, struct sizes *ret)
{
    int ends[2];
    int status = 1;
    struct sizes sizes = {0};
    if (pipe(ends) != 0)
        return side_failed(side->name, "sizes", "no pipe");
    const pid_t child = fork();
    if (child == 0)
        _exit(measure(side, work, &sizes) && write(ends[1], &sizes, sizeof sizes) == sizeof sizes ? 0 : 1);
    (void)close(ends[1]);
    const bool read_all = child > 0 && read(ends[0], &sizes, sizeof sizes) == sizeof sizes;
    (void)close(ends[0]);
    if (child > 0)
        (void)waitpid(child, &status, 0);
    if (!read_all || status != 0)
        return side_failed(side->name, "sizes", "could not be measured");
    *ret = sizes;
    return true;
}
