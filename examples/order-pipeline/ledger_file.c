// SPDX-License-Identifier: Apache-2.0
#include "ledger_file.h"

#include "wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <uthash.h>

enum { LINE_MAX_BYTES = 256, READ_BYTES = 4096 };

struct ledger_done {
    UT_hash_handle hh;
    char order_id[];
};

bool ledger_open(struct ledger *ledger, const char *path)
{
    *ledger = (struct ledger){.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
    if (ledger->fd < 0)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return ledger->fd >= 0;
}

void ledger_close(struct ledger *ledger)
{
    struct ledger_done *done, *next;
    HASH_ITER (hh, ledger->done, done, next) {
        HASH_DEL(ledger->done, done);
        free(done);
    }
    if (ledger->fd >= 0)
        close(ledger->fd);
}

static bool is_done(const struct ledger *ledger, const char *order_id)
{
    struct ledger_done *done = NULL;
    HASH_FIND(hh, ledger->done, order_id, strlen(order_id), done);
    return done != NULL;
}

static bool remember_done(struct ledger *ledger, const char *order_id, size_t len)
{
    struct ledger_done *done = calloc(1, sizeof *done + len + 1);
    if (!done)
        return false;
    memcpy(done->order_id, order_id, len);
    HASH_ADD(hh, ledger->done, order_id, len, done);
    return true;
}

static bool remember_line(struct ledger *ledger, const char *line)
{
    const char *const id_end = strchr(line, ',');
    if (!id_end)
        return false;
    return !strstr(id_end, "," LEDGER_DONE ",") || remember_done(ledger, line, (size_t)(id_end - line));
}

/* Takes the whole lines out of a piece of the file, and says how many bytes they had. */
static bool remember_lines(struct ledger *ledger, char *text, size_t *ret_used)
{
    char *line = text;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (!remember_line(ledger, line))
            return false;
    }
    *ret_used = (size_t)(line - text);
    return true;
}

/* Reads what others have written since the last time. Called with the file locked, so the last line is whole.
 */
static bool catch_up(struct ledger *ledger)
{
    for (;;) {
        char text[READ_BYTES + 1];
        const ssize_t got = pread(ledger->fd, text, READ_BYTES, ledger->read_to_bytes);
        if (got <= 0)
            return got == 0;
        text[got] = '\0';
        size_t used = 0;
        if (!remember_lines(ledger, text, &used) || used == 0)
            return false;
        ledger->read_to_bytes += (off_t)used;
    }
}

static bool append(const struct ledger *ledger, const struct ledger_entry *entry)
{
    const char *verdict = is_done(ledger, entry->order_id) ? LEDGER_AGAIN : LEDGER_DONE;
    char line[LINE_MAX_BYTES];
    const int len = snprintf(line, sizeof line, "%s,%llu,%s,%llu,%s,%s,%lld,%lld\n", entry->order_id,
                             (unsigned long long)entry->stream_sequence, entry->worker,
                             (unsigned long long)entry->deliveries, verdict, entry->outcome,
                             (long long)entry->total_cents, (long long)wall_clock_ms());
    return len < (int)sizeof line && write(ledger->fd, line, (size_t)len) == len;
}

bool ledger_enter(struct ledger *ledger, const struct ledger_entry *entry)
{
    if (flock(ledger->fd, LOCK_EX) != 0)
        return false;
    const bool entered = catch_up(ledger) && append(ledger, entry);
    flock(ledger->fd, LOCK_UN);
    return entered;
}
