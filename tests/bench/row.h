// SPDX-License-Identifier: Apache-2.0
//
// A row of the benchmark's table: what is measured, how, and what is to be reached. The table itself is in
// rows.c; a new measurement is a line there and a run function.
#pragma once

#include "options.h"
#include "server.h"

/* One measurement: of this row, on a server that was started for it alone. */
struct task {
    const struct row *row;
    const struct options *options;
    const struct server_program *program;
    struct guard *guard;
    struct server server; // running, unless the row starts it itself
};

struct figure {
    double value;                     // in the row's unit
    double server_cpu_ns_per_message; // 0 where there are no messages
    double generator_cpu;             // of one core: 1.0 is a whole one
};

/* A ratio is rilld's median by nats-server's; a value is rilld's median. */
enum goal_kind { GOAL_NONE, GOAL_RATIO_MIN, GOAL_RATIO_MAX, GOAL_VALUE_MAX };

struct row {
    const char *name;
    const char *unit;
    enum rill_err (*run)(struct task *task, struct figure *ret, struct rill_error_text *why);
    struct {
        enum goal_kind kind;
        double limit;
    } goal;
    // What run functions that serve several rows go by.
    unsigned subscribers;
    unsigned payload_bytes;
    double percentile;
    unsigned publishers; // of durable messages; 0: one
    unsigned subjects;   // that they go to in turn; 0: one
    unsigned streams;    // one for each subject; 0: one for all
    unsigned window;     // messages in flight of each publisher; of a pull, its batch
    unsigned pace;       // messages a second
    bool acknowledged;   // each consumed message
    bool pushed;         // to a consumer with a deliver subject; else it pulls
    bool last_of_each;   // a consumer begins with the last message of each subject
    bool first_only;     // the time from making the consumer to its first message, in ms
    bool filtered;       // a consumer takes the first of the subjects only
    unsigned consumers;  // of the same stream at once; 0: one
    unsigned fill_times; // the stream has so many times the messages that the options say; 0: once
    bool starts_server_itself;
    bool durable; // the server is started with streams
};

extern const struct row rows[];
extern const size_t rows_count;

/* Throughput from one publisher to `subscribers`: deliveries a second, or messages a second when there are
 * none. */
enum rill_err flow_run(struct task *task, struct figure *ret, struct rill_error_text *why) RILL_MUST_CHECK;
/* The time from a request to its reply, one at a time: the row's percentile, in us. */
enum rill_err roundtrip_run(struct task *task, struct figure *ret,
                            struct rill_error_text *why) RILL_MUST_CHECK;
/* How much longer it takes, at the row's percentile, while a durable load goes on beside it: 1 is not at all. */
enum rill_err roundtrip_beside_run(struct task *task, struct figure *ret,
                                   struct rill_error_text *why) RILL_MUST_CHECK;
/* Resident memory of a server that nobody has used, in MiB. */
enum rill_err idle_memory_run(struct task *task, struct figure *ret,
                              struct rill_error_text *why) RILL_MUST_CHECK;
/* What resident memory grows by per connection that has introduced itself and is silent, in KiB. */
enum rill_err idle_connections_run(struct task *task, struct figure *ret,
                                   struct rill_error_text *why) RILL_MUST_CHECK;
/* What resident memory grows by per consumer that was made and that nobody uses, in KiB. */
enum rill_err idle_consumers_run(struct task *task, struct figure *ret,
                                 struct rill_error_text *why) RILL_MUST_CHECK;
/* From fork to the first INFO line, in ms; the median of several starts. */
enum rill_err start_run(struct task *task, struct figure *ret, struct rill_error_text *why) RILL_MUST_CHECK;
/* Writes of the row's payload a second, each synced, without a server. */
enum rill_err sync_run(struct task *task, struct figure *ret, struct rill_error_text *why) RILL_MUST_CHECK;
/* Durable publishes: messages acknowledged a second, or, with a percentile, the time from a publish to its
   acknowledgement in us. */
enum rill_err durable_run(struct task *task, struct figure *ret, struct rill_error_text *why) RILL_MUST_CHECK;
/* The time from a durable publish to its delivery, at the row's pace: the row's percentile, in us. */
enum rill_err paced_run(struct task *task, struct figure *ret, struct rill_error_text *why) RILL_MUST_CHECK;
/* Redeliveries a second when as many messages as the row's window expire at once. */
enum rill_err storm_run(struct task *task, struct figure *ret, struct rill_error_text *why) RILL_MUST_CHECK;
/* Messages a second that consumers get from a stream that is full, all together; or the time to the first one. */
enum rill_err pull_run(struct task *task, struct figure *ret, struct rill_error_text *why) RILL_MUST_CHECK;
