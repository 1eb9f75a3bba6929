// SPDX-License-Identifier: Apache-2.0
//
// The broker without its operating system: connections, interest, streams and consumers as one state machine
// that takes events and leaves effects. It makes no system call, reads no clock, starts no thread and has no
// global variable, so a test drives it with a virtual clock, in-memory links and a simulated disk, and a seed
// replays everything.
//
// One thread owns a core and calls everything here, except rill_job_run, which any thread may call.
//
//      events                                             effects, taken by the shell
//      rill_core_conn_open / bytes / written / closed     rill_core_take_touched: connections to write or
//      close rill_core_begin_turn (time)                        rill_core_take_job: what would block
//      rill_core_job_done                                 rill_core_next_deadline_ns
//      rill_core_reload / lame_duck
//
// One turn is: begin_turn, the events that the kernel has, end_turn, then take the effects until there are
// none.
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/auth_config.h"

#include <sys/uio.h>

struct rill_core;
struct rill_conn;
struct rill_job;
struct rill_disk;

/* The NATS release whose behaviour Rill implements, sent in INFO: clients switch features by it. */
#define RILL_NATS_LEVEL "2.11.0"
/* The level of the JetStream API, which came with nats-server 2.11. */
#define RILL_API_LEVEL  1
/* Rill's own version. */
#define RILL_VERSION    "0.1.0"

/* Limits; each at least 1. A reload may change all of them. */
struct rill_limits {
    size_t payload_bytes_max;      // headers and payload of one message
    size_t control_line_bytes_max; // arguments of one command
    size_t
        pending_bytes_max; // output waiting for one connection; beyond it the connection is a slow consumer
    uint32_t connections_max;
    uint32_t subscriptions_max; // of one connection; 0 is unlimited
    uint32_t sub_tokens_max;    // tokens in a subscription's subject; 0 is unlimited
    int64_t ping_interval_ns;
    uint32_t ping_max;         // unanswered pings before a connection is stale
    int64_t write_deadline_ns; // output that makes no progress for so long closes the connection
};

/* What streams and consumers may take; 0 is no limit. */
struct rill_jetstream_limits {
    int64_t memory_bytes_max;  // of all streams in memory together
    int64_t storage_bytes_max; // of all streams in files together
    int64_t streams_max;
    int64_t consumers_max;            // of one stream
    int64_t ack_pending_max;          // of one consumer
    int64_t request_batch_max;        // of one pull request
    int64_t memory_stream_bytes_max;  // of one stream
    int64_t storage_stream_bytes_max; // of one stream
    int64_t duplicate_window_ns_max;
    int64_t buffered_messages_max; // of one stream, waiting to be durable
    int64_t buffered_bytes_max;    // the same; never more than a commit can take
    int64_t requests_max;          // waiting until the streams are known
    bool max_bytes_required;       // every stream says how large it gets
};

struct rill_jetstream_config {
    bool enabled;
    bool lenient; // fields of requests that nobody knows are passed over
    /* 0: a message is acknowledged when it is durable. Else before, in all streams, and what was written is made durable so
       long after it at the latest. */
    int64_t sync_interval_ns;
    struct rill_jetstream_limits limits;
    /* Clients reach this broker at $JS.<domain>.API.> too: a token of at most 255 bytes; NULL: none. */
    const char *domain;
    int64_t free_bytes;       // of the store's disk, for a limit when none is configured; 0: no such limit
    const char *store_dir;    // borrowed for the core's life
    struct rill_disk *disk;   // borrowed for the core's life
    uint64_t segment_bytes;   // of the log; 0 is the store's default
    uint64_t cache_bytes_max; // of one stream; 0 is the store's default
    uint64_t index_log_bytes; // the same
};

/* What a core is born with. Strings are copied, `auth` is borrowed until a reload brings another or the core
 * ends. */
struct rill_core_config {
    const char *server_id;   // 56 characters, unique
    const char *server_name; // what clients see; the server_id when not configured
    const char *host;        // advertised in INFO
    uint16_t port;
    struct rill_limits limits;
    const struct rill_auth_config *auth;
    bool headers_disabled;     // no_header_support
    bool match_cache_disabled; // disable_sublist_cache
    uint32_t closed_conns_max; // remembered for monitoring
    size_t traced_bytes_max;   // of a payload, at the trace level; 0: all of it
    bool system_traced;        // the system account's connections are traced too
    const char *const *tags;   // server_tags, shown in monitoring; borrowed as `auth`
    size_t tag_count;
    bool producer_stall_disabled; // no_fast_producer_stall
    struct rill_jetstream_config jetstream;
    struct rill_log_sink log;
    uint64_t seed; // of the generator that picks queue members and names
};

/* Where a connection comes from; copied. */
enum rill_conn_kind {
    RILL_CONN_TCP,
    RILL_CONN_UNIX,
    RILL_CONN_WEBSOCKET,
};

struct rill_conn_origin {
    enum rill_conn_kind kind;
    const char *address; // "127.0.0.1", "::1", "unix"
    uint16_t port;
    void *link; // the shell's own object, handed back by rill_conn_link
};

// ---- life ----

/* Never NULL. With JetStream enabled the first effects are the jobs that recover the streams. */
struct rill_core *rill_core_create(const struct rill_core_config *config, struct rill_now now);
/* All jobs must have come back and all connections be closed. NULL is fine. */
void rill_core_destroy(struct rill_core *core);

/* Takes new limits and users; connections whose user is gone or changed are closed as nats-server does. */
void rill_core_reload(struct rill_core *core, const struct rill_core_config *config);

/* Tells the clients that the server goes away, then closes them one by one, spread over duration_ns. */
void rill_core_lame_duck(struct rill_core *core, int64_t grace_ns, int64_t duration_ns);

/* Says goodbye to every connection. The last commits become jobs; the shell runs turns until
 * rill_core_is_idle. */
void rill_core_stop(struct rill_core *core);

/* No connection, no job out and nothing left to commit. */
bool rill_core_is_idle(const struct rill_core *core);

/* How far the streams of the store have been read back. */
enum rill_core_recovery {
    RILL_CORE_RECOVERING,
    RILL_CORE_RECOVERED,  // each is ready, or offline with a reason in the log
    RILL_CORE_STORE_LOST, // the store is another's or cannot be read; the log says why
};
/* RECOVERED without JetStream. */
enum rill_core_recovery rill_core_recovery(const struct rill_core *core);

// ---- one turn ----

/* Sets the time, fires what is due and goes on with connections that were left with work. */
void rill_core_begin_turn(struct rill_core *core, struct rill_now now);
/* Hands what the turn appended to the streams over as commit jobs. */
void rill_core_end_turn(struct rill_core *core);

/* The next connection that has output to write, wants closing, or may be read again; NULL when there is none.
   A connection is given once per turn however much happened to it. */
struct rill_conn *rill_core_take_touched(struct rill_core *core);

/* The next job that may be run now, NULL when there is none. Run it on any thread, then bring it back with rill_core_job_done.
   Jobs of one stream come one after the other; jobs that are out at the same time touch nothing in common. */
struct rill_job *rill_core_take_job(struct rill_core *core);
void rill_job_run(struct rill_job *job);

/* Long jobs must not stand in the way of commits and reads, nor streams that are read back at the start in the way of
   both: each kind has its lane. Of a lane but the first only so many jobs are given out at a time. */
enum rill_job_lane {
    RILL_LANE_DISK,     // a few milliseconds at most: commits, reads
    RILL_LANE_LONG,     // making and removing files, hashing a password
    RILL_LANE_RECOVERY, // reading back a whole stream
    RILL_LANE_COUNT,
};
enum rill_job_lane rill_job_lane(const struct rill_job *job);
/* Inside a turn. Takes the job back and frees it. */
void rill_core_job_done(struct rill_core *core, struct rill_job *job);

/* When the core wants its next turn (monotonic): at once (0) while work is left over, RILL_NEVER_NS if nothing waits.
   Jobs that the shell has yet to take, because its workers are busy, are no work of the core's. */
int64_t rill_core_next_deadline_ns(const struct rill_core *core);

// ---- connections ----

/* Inside a turn. The connection lives until rill_core_conn_closed. It may be born closing (too many
   connections): then its output says why. */
struct rill_conn *rill_core_conn_open(struct rill_core *core, const struct rill_conn_origin *origin);

/* Inside a turn. Takes all of the bytes: what cannot be worked on now (a stalled publisher, work for more
   than one turn, an incomplete command) is copied and kept. */
void rill_core_conn_bytes(struct rill_core *core, struct rill_conn *conn, struct rill_bytes bytes);

/* The link is gone, whoever closed it. The pointer is dead afterwards. */
void rill_core_conn_closed(struct rill_core *core, struct rill_conn *conn, const char *reason);

/* Output in order, as at most `iov_max` pieces that stay valid until the next call into the core about this
   connection. Returns the number of pieces; 0 when there is nothing to write. */
size_t rill_conn_output(const struct rill_conn *conn, struct iovec *ret_iov, size_t iov_max);
/* The link took the first `bytes` of the output. */
void rill_core_conn_written(struct rill_core *core, struct rill_conn *conn, size_t bytes);

/* False while the connection's input is paused: it has work left over, or a receiver of it is far behind. */
bool rill_conn_wants_input(const struct rill_conn *conn);
/* Close the link as soon as its output is written; give it no more input. */
bool rill_conn_is_closing(const struct rill_conn *conn);
void *rill_conn_link(const struct rill_conn *conn);
uint64_t rill_conn_id(const struct rill_conn *conn);
