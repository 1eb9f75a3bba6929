// SPDX-License-Identifier: Apache-2.0
//
// What was measured for one row: every round of both servers, their summaries, and whether the goal is
// reached.
#pragma once

#include "row.h"
#include "sample.h"

enum { SIDE_RILLD, SIDE_NATS_SERVER, SIDES };

struct side {
    struct figure *figures; // of the rounds that did not fail; heap
    unsigned count;
    unsigned failures;
    struct rill_error_text why; // of the last failure
};

struct result {
    const struct row *row;
    struct side sides[SIDES];
};

/* What is said of the rounds of one server; count > 0. The CPU figures are medians. */
struct side_summary {
    struct sample_summary value;
    double server_cpu_ns_per_message;
    double generator_cpu;
};
struct side_summary side_summarise(const struct side *side);

/* rilld's median by nats-server's; 0 when one is missing. */
double result_ratio(const struct result *result);

enum verdict { VERDICT_NONE, VERDICT_MET, VERDICT_MISSED };
/* NONE when the row has no goal or what it needs was not measured. */
enum verdict result_verdict(const struct result *result);
