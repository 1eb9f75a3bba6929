// SPDX-License-Identifier: Apache-2.0
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill_set(sigset_t *set)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
    (void)sigemptyset(set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)sigaddset(set, numbers[i]);
}

void signals_block(void)
{
    sigset_t set;
    fill_set(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void signals_ready(struct source *source, uint32_t events)
{
    struct signals *signals = (struct signals *)source;
    struct signalfd_siginfo info;
    while (read(source->fd, &info, sizeof info) == (ssize_t)sizeof info)
        signals->caught(signals->context, (int)info.ssi_signo);
}

enum rill_err signals_start(struct signals *signals, struct poller *poller, void (*caught)(void *, int),
                            void *context)
{
    sigset_t set;
    fill_set(&set);
    const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return rill_err_from_errno(errno);
    *signals = (struct signals){
        .source = {.fd = fd, .ready = signals_ready},
        .poller = poller,
        .caught = caught,
        .context = context,
    };
    poller_set_interest(poller, &signals->source, EPOLLIN);
    return RILL_OK;
}

void signals_stop(struct signals *signals)
{
    if (!signals->poller)
        return;
    poller_remove(signals->poller, &signals->source);
    (void)close(signals->source.fd);
    *signals = (struct signals){0};
}
