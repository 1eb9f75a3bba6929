// SPDX-License-Identifier: Apache-2.0
//
// The signals of an operator, as events of the loop: INT, TERM, HUP, USR1, USR2. Blocked before the first
// thread is started, so that no other thread gets them. Loop thread only.
#pragma once

#include "poller.h"

struct signals {
    struct source source; // first
    struct poller *poller;
    void (*caught)(void *context, int signal_number);
    void *context;
};

/* Blocks them, and ignores PIPE. */
void signals_block(void);
enum rill_err signals_start(struct signals *signals, struct poller *poller, void (*caught)(void *, int),
                            void *context) RILL_MUST_CHECK;
/* Harmless on an all-zero struct. */
void signals_stop(struct signals *signals);
