// SPDX-License-Identifier: Apache-2.0
//
// Whether who waits for work looks for it a moment before he sleeps. To be woken takes tens of microseconds, on a
// virtual machine most of a round trip or of a small commit; looking takes a processor meanwhile. So it pays while work
// comes close behind work, and only then:
//
//     a sleep was short ── debt left? ── yes: one less
//                              └── no: look from now on ──► found: go on looking
//                                                      └──► in vain: stop; the debt is twice the last one, up to
//                                                           LOOK_BACKOFF_MAX
//
// Who has nothing to do sleeps, and where work comes a little too late for looking there is hardly any. On a single
// processor nobody looks. No thread of its own and no lock: it is guarded by what guards its owner.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LOOK_BACKOFF_MAX = 64 };

struct look {
    int64_t ns;       // for so long at most; immutable
    bool is_possible; // there is another processor for those who are looked for; immutable
    bool is_on;
    uint32_t backoff; // short sleeps to let pass after a look in vain; doubles with each of them
    uint32_t debt;    // of these, still to come
};

void look_init(struct look *look, int64_t ns);

/* On the clock that never goes back. */
int64_t look_now_ns(void);
/* After each look that found nothing: lets others run who want to. False: it is `end_ns`. */
bool look_goes_on(int64_t end_ns);
/* How looking ended. */
void look_found(struct look *look);
void look_in_vain(struct look *look);
/* Somebody slept and was woken by work. A short sleep was mostly the waking: looking would have been quicker. */
void look_slept(struct look *look, int64_t slept_ns);
