// SPDX-License-Identifier: Apache-2.0
//
// librill: a client of Rill and of every other broker that speaks the NATS protocol.
//
//     struct rill_conn *conn;
//     if (rill_connect(&conn, "nats://127.0.0.1:4222", NULL))
//         return 1;
//     (void)rill_publish(conn, "orders.new", "hello", 5);
//     rill_destroy(conn);
//
// The things. A connection (struct rill_conn) holds one link to one of its servers and looks for another when
// it breaks. A subscription (struct rill_sub) collects the messages of a pattern: they are taken one by one
// with rill_next_msg, or given to a callback. A message (struct rill_msg) is immutable and shared by count.
//
// Threads. Every function may be called from any thread at any time, also from callbacks, except where its
// comment says otherwise; the one rule is that nobody uses a thing while another destroys it. Callbacks run
// on a thread of the connection's, one at a time, in the order in which their messages came, so a callback
// that takes long keeps the other callbacks of its connection waiting (not the reading from the socket, nor
// rill_next_msg, nor requests). A subscription may ask for a thread of its own.
//
// Waiting. Nothing here waits forever. A call that waits has a `timeout_ms`: 0 does not wait at all,
// RILL_TIMEOUT_DEFAULT (any negative number) is the connection's own time-out. It returns RILL_ERR_TIMEOUT
// when time is up, RILL_ERR_CLOSED when the connection was closed meanwhile.
//
// Errors. Every function that can fail returns enum rill_err; RILL_OK is 0. Results go out through `ret_`
// arguments, which are untouched on failure. Where there is more to say than a code, the last argument is a
// struct rill_error, which may be NULL. What goes wrong behind the scenes comes to the event callback.
//
// A broken link. While the connection looks for a server, subscriptions stay, published messages are kept up
// to a limit and sent when it has found one, and calls that need an answer wait for their time-out. What had
// been given to the kernel when the link broke may be lost: that is "at most once", the bargain of core
// publish/subscribe. Who needs more publishes into a stream, with an id, and waits for the acknowledgement: see
// "publishing into a stream".
//
// Texts are UTF-8 and end with NUL; payloads are any bytes. Strings that are passed in are copied. No
// function here prints, exits, changes a signal's handling, or keeps global state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RILL_API        __attribute__((visibility("default")))
#define RILL_API_RESULT __attribute__((visibility("default"), warn_unused_result))

/* Any negative time-out: the one of the connection. */
#define RILL_TIMEOUT_DEFAULT (-1)

// ---- errors ----

// The library's own sources have the same enum from elsewhere; a test holds the two equal.
#ifndef RILL_ERR_TABLE
enum rill_err {
    RILL_ERR_OK,
    RILL_ERR_NO_MEMORY,     // the machine has none left
    RILL_ERR_INVALID,       // an argument, an URL, a subject or a server's answer is not what it should be
    RILL_ERR_LIMIT,         // too large, or a queue is full
    RILL_ERR_NOT_FOUND,     // no such stream, consumer, message, key or object
    RILL_ERR_EXISTS,        // there is one of that name, or of another revision, already
    RILL_ERR_AGAIN,         // not now; try later
    RILL_ERR_UNSUPPORTED,   // the server cannot do that, or librill cannot
    RILL_ERR_DENIED,        // wrong credentials or no permission
    RILL_ERR_LOCKED,        // (not used by librill)
    RILL_ERR_NO_SPACE,      // a full disk
    RILL_ERR_IO,            // a file, or the network, failed
    RILL_ERR_DAMAGED,       // bytes came that cannot be what was sent
    RILL_ERR_READ_ONLY,     // (not used by librill)
    RILL_ERR_CLOSED,        // the connection or the subscription has ended
    RILL_ERR_TIMEOUT,       // it did not happen in time
    RILL_ERR_DISCONNECTED,  // no server now, or the link broke meanwhile
    RILL_ERR_NO_RESPONDERS, // nobody listens on the subject of a request
    RILL_ERR_REFUSED,       // the server's JetStream said no: struct rill_error has its code and words
};
#define RILL_OK RILL_ERR_OK
#endif

/* What went wrong, in full. */
struct rill_error {
    enum rill_err err;
    uint32_t code;     // as HTTP has them, when a stream's API refused; else 0
    uint32_t err_code; // the exact reason, NATS' number (10059: stream not found); else 0
    char text[256];    // for people: "connect nats://a:4222: connection refused"
};

/* The text of a code; static, never NULL. */
RILL_API const char *rill_error_string(enum rill_err err);

/* "0.1.0"; static. */
RILL_API const char *rill_version(void);

// ---- connections ----

struct rill_conn;
struct rill_sub;
struct rill_msg;

/* What can happen to a connection. */
enum rill_event_kind {
    RILL_EVENT_CONNECTED,    // the first time
    RILL_EVENT_DISCONNECTED, // the link broke; `error` says why
    RILL_EVENT_RECONNECTED,  // another link stands, subscriptions have been renewed
    RILL_EVENT_CLOSED,       // for good; the last event there is. `error` says why, OK when it was asked for
    RILL_EVENT_ERROR,     // the server complained and the link stands: a permission, for one; or the consumer
                          // of a pull with a callback is gone (`sub` is the pull's)
    RILL_EVENT_SLOW,      // messages are being dropped: `sub` is at its limit
    RILL_EVENT_LAME_DUCK, // the server wants to be left; it will close the link soon
    RILL_EVENT_SERVERS,   // the server has told of others
};

struct rill_event {
    enum rill_event_kind kind;
    const char *server;      // the URL without secrets; lives during the callback
    struct rill_sub *sub;    // SLOW, and of a pull that ended; else NULL
    struct rill_error error; // DISCONNECTED, CLOSED, ERROR
};

typedef void rill_event_callback(struct rill_conn *conn, const struct rill_event *event, void *context);

/* Zero everywhere is a good choice: RILL_OPTIONS gives that. Strings are copied by rill_connect. */
struct rill_options {
    size_t struct_bytes; // sizeof(struct rill_options), so that it can grow

    // Who we are.
    const char *name;     // shown by the server's monitoring; NULL: none
    const char *user;     // these three also come from an URL, which goes before them
    const char *password; //
    const char *token;    //
    bool no_echo;         // do not get what this connection publishes
    bool no_headers;      // neither headers nor the immediate answer that nobody listens

    // Which server.
    bool keep_order;        // try the servers in the order given; else it is shuffled
    bool ignore_discovered; // do not learn further servers from servers

    // Time; 0 means what stands behind the dash.
    int64_t timeout_ms;            // of calls without another one, and of a connection attempt - 5000
    int64_t reconnect_wait_ms;     // after all servers were tried in vain; doubled each time - 100
    int64_t reconnect_wait_max_ms; // up to here - 8000
    int64_t reconnect_jitter_ms;   // up to so much is added by chance, also before the first try - 100
    int64_t ping_interval_ms;      // a PING after so long - 120000
    int32_t pings_out_max;         // so many unanswered break the link - 2
    int32_t reconnect_rounds_max;  // rounds over all servers before giving up; negative: at once - never
    bool retry_first;              // rill_connect returns at once and connects behind the scenes

    // Limits; 0 means what stands behind the dash.
    size_t reconnect_buffer_bytes_max; // published while there is no server - 8 MiB
    size_t output_bytes_max;           // not yet taken by the kernel; publishing waits at this - 8 MiB

    rill_event_callback *on_event;
    void *event_context;
};

#define RILL_OPTIONS                                                                                         \
    {                                                                                                        \
        .struct_bytes = sizeof(struct rill_options)                                                          \
    }

/* Connects. `servers` is one URL or several with commas between:
 *
 *     nats://[user:password@ or token@]host[:4222]     tcp:// is the same
 *     ws://host:port[/path]                            WebSocket
 *     ipc:///path/to/socket                            a UNIX socket
 *     abstract://name                                  a UNIX socket without a file
 *
 * `options` may be NULL. Waits until a server has let us in, at most timeout_ms per server (unless
 * retry_first). *ret is the caller's, to be destroyed. INVALID for a bad URL; DENIED; TIMEOUT; DISCONNECTED
 * when no server could be reached; UNSUPPORTED when the server insists on TLS. To be told why, see
 * rill_connect_why. */
RILL_API_RESULT enum rill_err rill_connect(struct rill_conn **ret, const char *servers,
                                           const struct rill_options *options);

/* The same, and says what failed. */
RILL_API_RESULT enum rill_err rill_connect_why(struct rill_conn **ret, const char *servers,
                                               const struct rill_options *options, struct rill_error *error);

/* Ends the connection: waits up to a second until the kernel has the output, then breaks the link. Whoever
 * waits in a call gets CLOSED, and so does every later call; what subscriptions have collected can still be
 * taken. A second call does nothing. */
RILL_API void rill_close(struct rill_conn *conn);

/* Closes, waits for the callback that is running, and frees the connection with all of its subscriptions;
 * messages stay. NULL is harmless. Not from a callback. */
RILL_API void rill_destroy(struct rill_conn *conn);

/* Ends in order: takes back all subscriptions, waits until callbacks have had what had come (and
 * rill_next_msg has taken it), until everything published has reached the server, then closes. TIMEOUT: it
 * is closed all the same. Not from a callback. */
RILL_API_RESULT enum rill_err rill_drain(struct rill_conn *conn, int64_t timeout_ms);

/* Waits until the server has read all that was published before. DISCONNECTED when the link broke
 * meanwhile: then nobody knows. */
RILL_API_RESULT enum rill_err rill_flush(struct rill_conn *conn, int64_t timeout_ms);

/* How long a PING took, in ns. As rill_flush. */
RILL_API_RESULT enum rill_err rill_rtt(struct rill_conn *conn, int64_t timeout_ms, int64_t *ret_ns);

enum rill_state {
    RILL_STATE_CONNECTING, // for the first time
    RILL_STATE_CONNECTED,
    RILL_STATE_RECONNECTING,
    RILL_STATE_CLOSED,
};

/* What it is doing now; may be another thing when this is back. */
RILL_API enum rill_state rill_conn_state(struct rill_conn *conn);

struct rill_stats {
    uint64_t in_msgs, in_bytes;   // received; bytes of headers and payloads
    uint64_t out_msgs, out_bytes; // published, also when only buffered
    uint64_t dropped_msgs;        // at subscriptions' limits
    uint64_t unsent_msgs; // published, and known not to have been sent when a link broke and its buffer
                          // was full or the connection closed
    uint64_t reconnects;
    uint64_t output_bytes; // now waiting for the kernel
};

/* Fills *ret with the counts since rill_connect. */
RILL_API void rill_conn_stats(struct rill_conn *conn, struct rill_stats *ret);

/* The server that we are or were linked to. Texts are cut to fit and end with NUL. */
struct rill_server_info {
    char url[256]; // without secrets
    char id[128];
    char name[128];
    char version[32];
    uint64_t client_id;
    int64_t max_payload_bytes;
    bool headers;
    bool jetstream;
};

/* AGAIN before the first link. */
RILL_API_RESULT enum rill_err rill_conn_server(struct rill_conn *conn, struct rill_server_info *ret);

// ---- publishing ----

struct rill_header {
    const char *name; // neither empty nor with a colon
    const char *value;
};

/* A message to be sent. All belongs to the caller and is needed only during the call. */
struct rill_publish {
    const char *subject; // without wildcards
    const char *reply;   // NULL: no answer is wanted
    const struct rill_header *headers;
    size_t headers_count;
    const void *data;
    size_t data_bytes;
};

/* Publishes: copies the message into the output, which goes out at once in the background. Waits only while
 * output_bytes_max is reached, at most timeout_ms of the connection (TIMEOUT). INVALID for a subject that is
 * none; LIMIT when the message is above the server's max_payload, or there is no server now and the
 * buffer is full; CLOSED. */
RILL_API_RESULT enum rill_err rill_publish(struct rill_conn *conn, const char *subject, const void *data,
                                           size_t data_bytes);

/* The same with everything that a message can have. UNSUPPORTED for headers that the server does not take. */
RILL_API_RESULT enum rill_err rill_publish_msg(struct rill_conn *conn, const struct rill_publish *publish);

/* Answers a request. INVALID when the message asks for no answer. */
RILL_API_RESULT enum rill_err rill_respond(struct rill_conn *conn, const struct rill_msg *request,
                                           const void *data, size_t data_bytes);

// ---- messages ----
// What the pointers below point to lives as long as the message.

/* A part of a message; `text` does not end with NUL. */
struct rill_text {
    const char *text;
    size_t bytes;
};

/* One more owner, who has to unref it too. Returns the message. */
RILL_API struct rill_msg *rill_msg_ref(struct rill_msg *msg);
/* Gives up a share; the last one frees. NULL is harmless. */
RILL_API void rill_msg_unref(struct rill_msg *msg);

/* The subject that it was published to; ends with NUL. */
RILL_API const char *rill_msg_subject(const struct rill_msg *msg);
/* Where an answer is wanted; ends with NUL; NULL when none is. */
RILL_API const char *rill_msg_reply(const struct rill_msg *msg);
/* The payload; a NUL stands behind it, which is not counted. Never NULL. */
RILL_API const void *rill_msg_data(const struct rill_msg *msg);
/* Of the payload, without the NUL behind it. */
RILL_API size_t rill_msg_data_bytes(const struct rill_msg *msg);

/* The first header of that name, without blanks around it; names are case-sensitive. False: there is none. */
RILL_API bool rill_msg_header(const struct rill_msg *msg, const char *name, struct rill_text *ret_value);
/* Visits all headers: start with *cursor = 0; false at the end. */
RILL_API bool rill_msg_header_next(const struct rill_msg *msg, size_t *cursor, struct rill_text *ret_name,
                                   struct rill_text *ret_value);
/* The status that a server puts into headers (503, 404 ...); 0 when there is none. */
RILL_API uint32_t rill_msg_status(const struct rill_msg *msg);

// ---- subscribing ----

/* Gets a message. It lives until the callback returns; to keep it, take a share with rill_msg_ref. */
typedef void rill_msg_callback(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg,
                               void *context);

struct rill_subscribe {
    const char *subject;         // may have the wildcards * and >
    const char *queue;           // of all with the same name one gets each message; NULL: none
    rill_msg_callback *callback; // NULL: messages are taken with rill_next_msg
    void *context;
    bool own_thread;          // callbacks run on a thread of this subscription's own
    uint64_t max_msgs;        // ends by itself after so many; 0: never
    size_t pending_msgs_max;  // received and not yet taken; 0: 524,288
    size_t pending_bytes_max; // 0: 64 MiB. At either limit a new message is dropped and counted
};

/* Subscribes. *ret belongs to the connection until rill_unsubscribe. INVALID, CLOSED. A subscription that
 * the server does not permit is told by a RILL_EVENT_ERROR. */
RILL_API_RESULT enum rill_err rill_subscribe_with(struct rill_conn *conn, const struct rill_subscribe *want,
                                                  struct rill_sub **ret);

/* With rill_next_msg. */
RILL_API_RESULT enum rill_err rill_subscribe(struct rill_conn *conn, const char *subject,
                                             struct rill_sub **ret);
/* With a callback. */
RILL_API_RESULT enum rill_err rill_subscribe_callback(struct rill_conn *conn, const char *subject,
                                                      rill_msg_callback *callback, void *context,
                                                      struct rill_sub **ret);
/* In a queue group; `callback` may be NULL. */
RILL_API_RESULT enum rill_err rill_queue_subscribe(struct rill_conn *conn, const char *subject,
                                                   const char *queue, rill_msg_callback *callback,
                                                   void *context, struct rill_sub **ret);

/* The next message in order, the caller's to unref. TIMEOUT; CLOSED when the subscription has ended and all
 * was taken; INVALID when it has a callback. */
RILL_API_RESULT enum rill_err rill_next_msg(struct rill_sub *sub, int64_t timeout_ms, struct rill_msg **ret);

/* Ends by itself after `max_msgs` in all, those that came already counted. CLOSED. */
RILL_API_RESULT enum rill_err rill_unsubscribe_after(struct rill_sub *sub, uint64_t max_msgs);

/* Ends the subscription and frees it; what was not taken is dropped. A callback of its that runs is waited
 * for, except when this is called from it. NULL is harmless. */
RILL_API void rill_unsubscribe(struct rill_sub *sub);

/* Takes the subscription back, and waits until what the server had sent is taken or was given to the
 * callback. The subscription remains to be freed. Not from its callback. TIMEOUT, DISCONNECTED, CLOSED. */
RILL_API_RESULT enum rill_err rill_sub_drain(struct rill_sub *sub, int64_t timeout_ms);

struct rill_sub_stats {
    uint64_t received_msgs; // all, those dropped included
    uint64_t dropped_msgs;
    size_t pending_msgs, pending_bytes; // now
    size_t pending_msgs_peak, pending_bytes_peak;
};

/* Fills *ret with the counts since it subscribed. */
RILL_API void rill_sub_stats(struct rill_sub *sub, struct rill_sub_stats *ret);
/* The pattern; lives as long as the subscription. */
RILL_API const char *rill_sub_subject(const struct rill_sub *sub);

// ---- requests ----

/* Asks and waits for one answer, which is the caller's to unref. NO_RESPONDERS at once when nobody listens;
 * TIMEOUT; else as rill_publish. */
RILL_API_RESULT enum rill_err rill_request(struct rill_conn *conn, const char *subject, const void *data,
                                           size_t data_bytes, int64_t timeout_ms, struct rill_msg **ret);
/* The same with headers; `reply` must be NULL. */
RILL_API_RESULT enum rill_err rill_request_msg(struct rill_conn *conn, const struct rill_publish *request,
                                               int64_t timeout_ms, struct rill_msg **ret);

/* Gets the answer, or NULL and the reason (TIMEOUT, NO_RESPONDERS, CLOSED). Called exactly once. The message
 * lives until the callback returns. */
typedef void rill_reply_callback(struct rill_conn *conn, enum rill_err err, struct rill_msg *reply,
                                 void *context);

/* Asks and returns. When this fails the callback is not called. */
RILL_API_RESULT enum rill_err rill_request_async(struct rill_conn *conn, const struct rill_publish *request,
                                                 int64_t timeout_ms, rill_reply_callback *callback,
                                                 void *context);

/* When to stop waiting for more answers to one request. */
struct rill_many {
    int64_t timeout_ms;   // in all
    int64_t gap_ms;       // after the last answer; 0: only timeout_ms counts
    uint64_t replies_max; // 0: no limit
};

/* Gets each answer; false ends the collecting. The message lives until it returns. */
typedef bool rill_many_callback(struct rill_msg *reply, void *context);

/* Asks everybody who listens and waits for their answers, which go to the callback on this thread. An answer
 * without payload and without headers ends it too. *ret_count, which may be NULL, is how many came. OK also
 * when time was up; NO_RESPONDERS; CLOSED. */
RILL_API_RESULT enum rill_err rill_request_many(struct rill_conn *conn, const struct rill_publish *request,
                                                const struct rill_many *until, rill_many_callback *callback,
                                                void *context, uint64_t *ret_count);

enum { RILL_INBOX_BYTES = 32 }; // with the NUL

/* A subject that nobody else has, to be subscribed to for answers. */
RILL_API void rill_inbox(struct rill_conn *conn, char ret_subject[RILL_INBOX_BYTES]);

// ---- streams: the context ----
//
// A stream keeps the messages of its subjects; a consumer reads a stream from a position of its own and knows
// what was acknowledged. Their configurations and states are messages of the data model, generated from
// jetstream.proto, with NATS' field names; an `optional` field has a has_ beside it. Times and durations in
// them are ns. A configuration begins with its INIT macro; strings are borrowed for the call:
//
//     Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
//     config.name = "ORDERS";
//     config.subjects = (char *[]){"orders.>"}; config.n_subjects = 1;
//     rill_stream_create(js, &config, NULL, &error);
//
// What these functions give back is freed with rill_model_free(&info->base).
// Everything below that asks the server can fail with these, which are not told each time:
// REFUSED: the server said no, and `error` has its code and words. NOT_FOUND and EXISTS are refusals too, which
// programs often handle. NO_RESPONDERS: streams are not enabled on that server. AGAIN: it is starting. INVALID
// and LIMIT: a name that is none, or too long. TIMEOUT: no answer in the time of the rill_js. CLOSED. DAMAGED: what came is
// not what was asked for.

#include "proto/jetstream.pb-c.h" // in the installed header the file itself stands here

struct rill_js;

struct rill_js_options {
    size_t struct_bytes;            // sizeof(struct rill_js_options)
    const char *domain;             // of the server's streams; NULL: none
    int64_t timeout_ms;             // of each request; 0: the connection's
    uint32_t publishes_pending_max; // published and not yet acknowledged; 0: 4096
};

#define RILL_JS_OPTIONS                                                                                      \
    {                                                                                                        \
        .struct_bytes = sizeof(struct rill_js_options)                                                       \
    }

/* A view of the connection that knows streams; costs little, no round trip. `options` may be NULL. *ret is the
   caller's, to be destroyed before the connection. INVALID. */
RILL_API_RESULT enum rill_err rill_js_open(struct rill_conn *conn, const struct rill_js_options *options,
                                           struct rill_js **ret);
/* Waits until every asynchronous publish has ended, which its time-out sees to. NULL is harmless.
   Not from a callback. */
RILL_API void rill_js_destroy(struct rill_js *js);

/* Frees what a function below has given; NULL is harmless. */
RILL_API void rill_model_free(ProtobufCMessage *message);

/* What the account may use of streams and uses. *ret is the caller's, freed with rill_model_free. NO_RESPONDERS. */
RILL_API_RESULT enum rill_err rill_js_account(struct rill_js *js, Rill__AccountInfo **ret,
                                              struct rill_error *error);

// ---- streams: management ----
// `ret_info` may be NULL.

/* Makes a stream; one that is there already with the same configuration is no error. EXISTS with another one, or when another
   stream has one of the subjects. */
RILL_API_RESULT enum rill_err rill_stream_create(struct rill_js *js, const Rill__StreamConfig *config,
                                                 Rill__StreamInfo **ret_info, struct rill_error *error);
/* Changes the configuration to this one. NOT_FOUND; REFUSED for what cannot be changed. */
RILL_API_RESULT enum rill_err rill_stream_update(struct rill_js *js, const Rill__StreamConfig *config,
                                                 Rill__StreamInfo **ret_info, struct rill_error *error);
/* Configuration and state. `request` may be NULL, else it asks for subjects or for what was deleted. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_stream_info(struct rill_js *js, const char *stream,
                                               const Rill__StreamInfoRequest *request,
                                               Rill__StreamInfo **ret_info, struct rill_error *error);
/* With all its messages and consumers. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_stream_delete(struct rill_js *js, const char *stream,
                                                 struct rill_error *error);
/* Removes messages. `request` may be NULL: everything. *ret_purged, which may be NULL, is how many. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_stream_purge(struct rill_js *js, const char *stream,
                                                const Rill__StreamPurgeRequest *request, uint64_t *ret_purged,
                                                struct rill_error *error);

/* Visits streams; the info lives until it returns. False ends the visit. */
typedef bool rill_stream_visitor(const Rill__StreamInfo *info, void *context);
/* All streams, or those with a subject that matches `subject` when that is not NULL; page by page. */
RILL_API_RESULT enum rill_err rill_stream_each(struct rill_js *js, const char *subject,
                                               rill_stream_visitor *visitor, void *context,
                                               struct rill_error *error);

enum { RILL_NAME_BYTES = 256 }; // of a stream or a consumer, with the NUL

/* The stream that keeps what is published to the subject. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_stream_find(struct rill_js *js, const char *subject,
                                               char ret_name[RILL_NAME_BYTES], struct rill_error *error);

/* A message by its sequence, or the last or next one of a subject. *ret is the caller's, freed with rill_model_free.
   NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_stream_get_msg(struct rill_js *js, const char *stream,
                                                  const Rill__MsgGetRequest *request,
                                                  Rill__StoredMessage **ret, struct rill_error *error);
/* `erase`: also from the disk, where the server does that. NOT_FOUND: no such stream; REFUSED: no such message. */
RILL_API_RESULT enum rill_err rill_stream_delete_msg(struct rill_js *js, const char *stream, uint64_t seq,
                                                     bool erase, struct rill_error *error);

// ---- consumers: management ----

/* `action` says whether there may, must or must not be one already. A consumer without a name gets one from
   the server. */
RILL_API_RESULT enum rill_err rill_consumer_create(struct rill_js *js, const char *stream,
                                                   const Rill__ConsumerConfig *config,
                                                   Rill__ConsumerAction action, Rill__ConsumerInfo **ret_info,
                                                   struct rill_error *error);
/* Configuration and state. *ret_info is the caller's, freed with rill_model_free. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_consumer_info(struct rill_js *js, const char *stream, const char *consumer,
                                                 Rill__ConsumerInfo **ret_info, struct rill_error *error);
/* With its position; its messages stay in the stream. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_consumer_delete(struct rill_js *js, const char *stream,
                                                   const char *consumer, struct rill_error *error);
/* Delivers nothing until that time (ns since 1970-01-01 UTC); with 0, or a time that has passed, delivery goes on. The
   server that does not know it (before 2.11) gives NO_RESPONDERS or TIMEOUT, as with the next two. */
RILL_API_RESULT enum rill_err rill_consumer_pause(struct rill_js *js, const char *stream,
                                                  const char *consumer, int64_t until_ns,
                                                  struct rill_error *error);
/* Takes the pin of a priority group from the client that has it; another one may get it. */
RILL_API_RESULT enum rill_err rill_consumer_unpin(struct rill_js *js, const char *stream,
                                                  const char *consumer, const char *group,
                                                  struct rill_error *error);
/* Lets the consumer go on from that sequence of the stream, or from behind its ack floor with 0; what is outstanding is
   forgotten, to be delivered again where it is not before that. Consumer sequences begin with 1 again. */
RILL_API_RESULT enum rill_err rill_consumer_reset(struct rill_js *js, const char *stream,
                                                  const char *consumer, uint64_t seq,
                                                  Rill__ConsumerInfo **ret_info, struct rill_error *error);
/* Visits consumers; the info lives until it returns. False ends the visit. */
typedef bool rill_consumer_visitor(const Rill__ConsumerInfo *info, void *context);
/* All consumers of the stream, page by page. NOT_FOUND: no such stream. */
RILL_API_RESULT enum rill_err rill_consumer_each(struct rill_js *js, const char *stream,
                                                 rill_consumer_visitor *visitor, void *context,
                                                 struct rill_error *error);

// ---- publishing into a stream ----

/* What must hold for the message to be stored; zero: nothing. */
struct rill_expect {
    const char *msg_id;          // a second message with this id is not stored again
    const char *stream;          // the stream must be this one
    const char *last_msg_id;     // the last message stored must have had this id
    bool check_last_seq;         // the stream's last sequence must be
    uint64_t last_seq;           // this one
    bool check_last_subject_seq; // the subject's last sequence must be
    uint64_t last_subject_seq;   // this one; 0: there must be none
    int64_t ttl_ms;              // the message goes after so long, at least a second; 0: it stays
};

/* Where it was stored. */
struct rill_stored {
    char stream[RILL_NAME_BYTES];
    uint64_t seq;
    bool duplicate; // it was there already, under that sequence
};

// When the link breaks before the answer, nobody knows whether the message was stored. One with a msg_id, and without
// expectations about what was stored before it, is sent again over the next link: the id sees to it that it is stored
// once, as long as the stream's duplicate_window is longer than the break. Nor does it end when the server of the next link
// says that nobody listens, in its first 5 seconds: it may be reading its streams still, and is asked again. The order of
// such publishes stays, but for those that come while it begins to listen. Any other one ends at once, with DISCONNECTED. What had not been given to the
// kernel is neither: it goes out when there is a link. For the second try a copy is kept, publishes_pending_max of them at
// the most.

/* Publishes and waits until the stream has it. `expect`, `ret` and `error` may be NULL. EXISTS when an expectation
   about sequences did not hold; NO_RESPONDERS when no stream keeps that subject; DISCONNECTED and TIMEOUT: nobody
   knows. */
RILL_API_RESULT enum rill_err rill_js_publish(struct rill_js *js, const struct rill_publish *publish,
                                              const struct rill_expect *expect, struct rill_stored *ret,
                                              struct rill_error *error);

/* How a publish ended: err OK and `stored`, or the error: as rill_js_publish, or CLOSED. Called exactly once, on the
   connection's callback thread. */
typedef void rill_stored_callback(struct rill_js *js, const struct rill_stored *stored,
                                  const struct rill_error *error, void *context);

/* Publishes without waiting for the answer; only when publishes_pending_max are unanswered it waits, until a quarter of
   them has ended (TIMEOUT). `callback` may be NULL: then rill_js_wait counts the failures. When this fails the callback is
   not called. */
RILL_API_RESULT enum rill_err rill_js_publish_async(struct rill_js *js, const struct rill_publish *publish,
                                                    const struct rill_expect *expect,
                                                    rill_stored_callback *callback, void *context);
/* Waits until all have ended and their callbacks have returned. *ret_failed, which may be NULL, is how many
   failed since the last call. TIMEOUT. Not from a callback. */
RILL_API_RESULT enum rill_err rill_js_wait(struct rill_js *js, int64_t timeout_ms, uint64_t *ret_failed);

// ---- messages of a consumer ----

struct rill_msg_meta {
    struct rill_text stream, consumer; // live as long as the message
    uint64_t stream_seq, consumer_seq;
    uint64_t delivered; // how many times, this one included
    uint64_t pending;   // that match and are still to come
    int64_t time_ns;    // when it was stored, since 1970-01-01 UTC
};

/* INVALID for a message that no consumer delivered. */
RILL_API_RESULT enum rill_err rill_msg_meta(const struct rill_msg *msg, struct rill_msg_meta *ret);

/* Acknowledgements go out in the background. A message can be acknowledged once: a second time is EXISTS, except
   after rill_in_progress, which does not count. INVALID for a message that wants no acknowledgement. */
RILL_API_RESULT enum rill_err rill_ack(struct rill_conn *conn, struct rill_msg *msg);
/* The same, and waits until the server has noted it. */
RILL_API_RESULT enum rill_err rill_ack_sync(struct rill_conn *conn, struct rill_msg *msg, int64_t timeout_ms);
/* Again, please: after so long, 0 at once. */
RILL_API_RESULT enum rill_err rill_nak(struct rill_conn *conn, struct rill_msg *msg, int64_t delay_ms);
/* The time to acknowledge begins anew. */
RILL_API_RESULT enum rill_err rill_in_progress(struct rill_conn *conn, struct rill_msg *msg);
/* Never again; `reason` may be NULL. */
RILL_API_RESULT enum rill_err rill_term(struct rill_conn *conn, struct rill_msg *msg, const char *reason);

// ---- pulling ----

struct rill_fetch {
    size_t msgs_max;
    size_t bytes_max;   // 0: no limit
    int64_t expires_ms; // waits so long for msgs_max of them; 0: takes only what is there
};

/* Takes up to msgs_max messages, which are the caller's to unref, into ret_msgs. OK with *ret_count 0 when there
   were none. NOT_FOUND when the server says that there is no such consumer (old ones say nothing); DISCONNECTED when the link broke before there was any. */
RILL_API_RESULT enum rill_err rill_fetch(struct rill_js *js, const char *stream, const char *consumer,
                                         const struct rill_fetch *fetch, struct rill_msg **ret_msgs,
                                         size_t *ret_count, struct rill_error *error);

/* A loop that always has the next messages at hand: it asks for more before they are used up, watches the
   server's heartbeats, and begins anew when those stay away or the link was broken. */
struct rill_pull;

struct rill_pull_options {
    size_t struct_bytes;    // sizeof(struct rill_pull_options)
    uint32_t prefetch_msgs; // asked for ahead; 0: 500
    int64_t expires_ms;     // of one request; 0: 30,000
    int64_t heartbeat_ms;   // the server shows so often that it is there; twice without is too long. 0: 2500
    rill_msg_callback *callback; // NULL: messages are taken with rill_pull_next
    void *context;
    bool own_thread; // callbacks run on a thread of this loop's own
};

#define RILL_PULL_OPTIONS                                                                                    \
    {                                                                                                        \
        .struct_bytes = sizeof(struct rill_pull_options)                                                     \
    }

/* Begins. `options` may be NULL. *ret is the caller's, to be closed before `js` is destroyed. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_pull_open(struct rill_js *js, const char *stream, const char *consumer,
                                             const struct rill_pull_options *options, struct rill_pull **ret,
                                             struct rill_error *error);
/* The next message, the caller's to unref. TIMEOUT; NOT_FOUND when the consumer was deleted; CLOSED. */
RILL_API_RESULT enum rill_err rill_pull_next(struct rill_pull *pull, int64_t timeout_ms,
                                             struct rill_msg **ret);
/* Ends; what was not taken will be delivered again by the server. A callback that runs is waited for, except
   when this is called from it. NULL is harmless. */
RILL_API void rill_pull_close(struct rill_pull *pull);

// ---- push and ordered consumers ----

/* Subscribes to the messages of a push consumer that exists; its flow control and heartbeats are answered and
   not shown. `callback` may be NULL. Ends with rill_unsubscribe. UNSUPPORTED for a pull consumer. */
RILL_API_RESULT enum rill_err rill_push_subscribe(struct rill_js *js, const char *stream,
                                                  const char *consumer, rill_msg_callback *callback,
                                                  void *context, struct rill_sub **ret,
                                                  struct rill_error *error);

/* Reads a stream in order without a gap, for one reader, without acknowledgements: behind it is a consumer that is
   made anew, from the right place, whenever something was missed. */
struct rill_ordered;

/* Of the configuration the filters, the deliver policy with its start, headers_only and replay_policy count; NULL:
   everything from the beginning. *ret is the caller's, to be closed before `js` is destroyed. One thread at a
   time may use it. */
RILL_API_RESULT enum rill_err rill_ordered_open(struct rill_js *js, const char *stream,
                                                const Rill__ConsumerConfig *config, struct rill_ordered **ret,
                                                struct rill_error *error);
/* The next message, the caller's to unref. TIMEOUT; NOT_FOUND when the stream is gone. */
RILL_API_RESULT enum rill_err rill_ordered_next(struct rill_ordered *ordered, int64_t timeout_ms,
                                                struct rill_msg **ret);
/* How many messages were to come when it was opened. */
RILL_API uint64_t rill_ordered_pending(const struct rill_ordered *ordered);
/* Ends. NULL is harmless. */
RILL_API void rill_ordered_close(struct rill_ordered *ordered);

// ---- key and value ----
//
// A bucket keeps the last values of keys, in a stream named KV_<bucket>, as every NATS client does it. Keys
// are made of letters, digits and - / _ = . ; each change has a revision, which only grows.

struct rill_kv;

struct rill_kv_config {
    size_t struct_bytes; // sizeof(struct rill_kv_config)
    const char *bucket;  // letters, digits, - and _
    const char *description;
    uint8_t history;         // values kept of each key, 1 to 64; 0: 1
    int64_t ttl_ms;          // values go after so long; 0: they stay
    int64_t bytes_max;       // of all together; 0: no limit
    int32_t value_bytes_max; // 0: no limit
    Rill__Storage storage;
};

/* Makes a bucket. *ret is the caller's, to be closed before `js` is destroyed. EXISTS when there is one with another
   configuration. */
RILL_API_RESULT enum rill_err rill_kv_create_bucket(struct rill_js *js, const struct rill_kv_config *config,
                                                    struct rill_kv **ret, struct rill_error *error);
/* A bucket that exists. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_kv_open(struct rill_js *js, const char *bucket, struct rill_kv **ret,
                                           struct rill_error *error);
/* The bucket stays. NULL is harmless. */
RILL_API void rill_kv_close(struct rill_kv *kv);
/* With all its values. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_kv_delete_bucket(struct rill_js *js, const char *bucket,
                                                    struct rill_error *error);

enum rill_kv_operation {
    RILL_KV_PUT,
    RILL_KV_DELETE, // the values before it are still in the history
    RILL_KV_PURGE,  // they are gone
};

/* A change of a key; one piece of memory. */
struct rill_kv_entry {
    const char *key;
    const void *value; // a NUL stands behind it
    size_t value_bytes;
    uint64_t revision;
    int64_t created_ns; // since 1970-01-01 UTC
    uint64_t behind;    // changes that are still to come, of a watch or a history
    enum rill_kv_operation operation;
};

/* NULL is harmless. */
RILL_API void rill_kv_entry_free(struct rill_kv_entry *entry);

/* The value of a key; the caller's to free. NOT_FOUND also when it was deleted. */
RILL_API_RESULT enum rill_err rill_kv_get(struct rill_kv *kv, const char *key, struct rill_kv_entry **ret,
                                          struct rill_error *error);
/* What the key was at that revision. NOT_FOUND when that is none of this key, or was a deletion. */
RILL_API_RESULT enum rill_err rill_kv_get_revision(struct rill_kv *kv, const char *key, uint64_t revision,
                                                   struct rill_kv_entry **ret, struct rill_error *error);

/* Gives the key a value, whatever it had. *ret_revision, which may be NULL here and below, is the new one. INVALID: no good
   key; LIMIT: the value is above the server's max_payload; else as rill_js_publish. */
RILL_API_RESULT enum rill_err rill_kv_put(struct rill_kv *kv, const char *key, const void *value,
                                          size_t value_bytes, uint64_t *ret_revision,
                                          struct rill_error *error);
/* Only when there is no value; with ttl_ms it goes after so long (servers from 2.11 on, and buckets that
   allow it); 0: it stays. EXISTS. */
RILL_API_RESULT enum rill_err rill_kv_create(struct rill_kv *kv, const char *key, const void *value,
                                             size_t value_bytes, int64_t ttl_ms, uint64_t *ret_revision,
                                             struct rill_error *error);
/* Only when the key's last revision is that one. EXISTS. */
RILL_API_RESULT enum rill_err rill_kv_update(struct rill_kv *kv, const char *key, const void *value,
                                             size_t value_bytes, uint64_t revision, uint64_t *ret_revision,
                                             struct rill_error *error);
/* From now on there is no value; those before it stay in the history. OK also when there was none. */
RILL_API_RESULT enum rill_err rill_kv_delete(struct rill_kv *kv, const char *key, struct rill_error *error);
/* The same, and those before it go. */
RILL_API_RESULT enum rill_err rill_kv_purge(struct rill_kv *kv, const char *key, struct rill_error *error);
/* Takes the deletions away that are older than that, with what is kept before them; of younger ones the deletion itself
   stays, so that those who watch see it. Negative: all go. *ret_purged, which may be NULL, is how many keys were deleted
   ones. */
RILL_API_RESULT enum rill_err rill_kv_purge_deletes(struct rill_kv *kv, int64_t older_than_ms,
                                                    uint64_t *ret_purged, struct rill_error *error);

struct rill_kv_watch;

enum rill_kv_watch_flags {
    RILL_KV_WATCH_HISTORY = 1,        // begin with all that is kept, not with the last value of each key
    RILL_KV_WATCH_UPDATES_ONLY = 2,   // do not begin with what is there
    RILL_KV_WATCH_IGNORE_DELETES = 4, // puts only
    RILL_KV_WATCH_KEYS_ONLY = 8,      // without values
};

/* Follows the keys that match `pattern`, which may have wildcards; ">" is all. *ret is the caller's, to be closed
   before `kv`. One thread at a time may use it. */
RILL_API_RESULT enum rill_err rill_kv_watch_open(struct rill_kv *kv, const char *pattern, unsigned flags,
                                                 struct rill_kv_watch **ret, struct rill_error *error);
/* The next change, the caller's to free. Once, when all that was there at the beginning has been shown, it gives
   NULL. TIMEOUT; NOT_FOUND when the bucket is gone. */
RILL_API_RESULT enum rill_err rill_kv_watch_next(struct rill_kv_watch *watch, int64_t timeout_ms,
                                                 struct rill_kv_entry **ret);
/* Ends. NULL is harmless. */
RILL_API void rill_kv_watch_close(struct rill_kv_watch *watch);

/* Gets a change, which lives until it returns; false ends the visit. */
typedef bool rill_kv_visitor(const struct rill_kv_entry *entry, void *context);
/* All changes of the key that are kept, from the oldest on; none for a key that never was. */
RILL_API_RESULT enum rill_err rill_kv_history(struct rill_kv *kv, const char *key, rill_kv_visitor *visitor,
                                              void *context, struct rill_error *error);
/* All keys that have a value; the entries have none. */
RILL_API_RESULT enum rill_err rill_kv_keys(struct rill_kv *kv, rill_kv_visitor *visitor, void *context,
                                           struct rill_error *error);

// ---- objects ----
//
// A bucket of objects, which may be of any size: each is cut into chunks in a stream named OBJ_<bucket>, with what is known
// of it beside them, as every NATS client does it. What is got is checked against its SHA-256.

struct rill_objects;

struct rill_objects_config {
    size_t struct_bytes; // sizeof(struct rill_objects_config)
    const char *bucket;  // letters, digits, - and _
    const char *description;
    int64_t ttl_ms;    // objects go after so long; 0: they stay
    int64_t bytes_max; // of all together; 0: no limit
    Rill__Storage storage;
};

/* Makes a bucket. *ret is the caller's, to be closed before `js` is destroyed. EXISTS when there is one with another
   configuration. */
RILL_API_RESULT enum rill_err rill_objects_create_bucket(struct rill_js *js,
                                                         const struct rill_objects_config *config,
                                                         struct rill_objects **ret, struct rill_error *error);
/* A bucket that exists. *ret is the caller's, to be closed before `js` is destroyed. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_objects_open(struct rill_js *js, const char *bucket,
                                                struct rill_objects **ret, struct rill_error *error);
/* The bucket stays. NULL is harmless. */
RILL_API void rill_objects_close(struct rill_objects *objects);
/* With all its objects. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_objects_delete_bucket(struct rill_js *js, const char *bucket,
                                                         struct rill_error *error);

/* Gives the next bytes of an object: at most bytes_max into `buffer`; *ret_bytes 0 is its end. An error ends the
   putting and is its result. */
typedef enum rill_err rill_object_reader(void *context, void *buffer, size_t bytes_max, size_t *ret_bytes);

struct rill_object_put {
    const char *name; // any text
    const char *description;
    uint32_t chunk_bytes; // 0: 128 KiB
};

/* Puts an object, in place of the one of that name. A reader sees the old one or the new one, never a part. *ret_info,
   which may be NULL, is the caller's, freed with rill_model_free. It publishes asynchronously and waits as rill_js_wait
   does: who does that too, meanwhile, takes another rill_js. What the reader, or open and read of the file, say; else as
   rill_js_publish, DISCONNECTED when the link broke. */
RILL_API_RESULT enum rill_err rill_object_put(struct rill_objects *objects, const struct rill_object_put *put,
                                              rill_object_reader *reader, void *context,
                                              Rill__ObjectInfo **ret_info, struct rill_error *error);
/* The same from memory; `data` is needed only during the call. */
RILL_API_RESULT enum rill_err rill_object_put_bytes(struct rill_objects *objects,
                                                    const struct rill_object_put *put, const void *data,
                                                    size_t data_bytes, Rill__ObjectInfo **ret_info,
                                                    struct rill_error *error);
/* The same from a file. NOT_FOUND, DENIED or IO: the file. */
RILL_API_RESULT enum rill_err rill_object_put_file(struct rill_objects *objects,
                                                   const struct rill_object_put *put, const char *path,
                                                   Rill__ObjectInfo **ret_info, struct rill_error *error);

/* Takes bytes of an object, in order. An error ends the getting and is its result. */
typedef enum rill_err rill_object_writer(void *context, const void *bytes, size_t count);

/* NOT_FOUND; DAMAGED when the digest is another one, which is known only when the writer has had everything; TIMEOUT when
   a chunk stays away; UNSUPPORTED for a link to a whole bucket. What a link leads to is got, and *ret_info is of that. */
RILL_API_RESULT enum rill_err rill_object_get(struct rill_objects *objects, const char *name,
                                              rill_object_writer *writer, void *context,
                                              Rill__ObjectInfo **ret_info, struct rill_error *error);
/* *ret_data is the caller's, freed with free(); a NUL stands behind it. */
RILL_API_RESULT enum rill_err rill_object_get_bytes(struct rill_objects *objects, const char *name,
                                                    void **ret_data, size_t *ret_bytes,
                                                    struct rill_error *error);
/* Into a file, which is there whole or not at all: it is written beside it and renamed. */
RILL_API_RESULT enum rill_err rill_object_get_file(struct rill_objects *objects, const char *name,
                                                   const char *path, struct rill_error *error);

/* NOT_FOUND also when it was deleted. */
RILL_API_RESULT enum rill_err rill_object_info(struct rill_objects *objects, const char *name,
                                               Rill__ObjectInfo **ret_info, struct rill_error *error);
/* The object and its content; a link, not what it leads to. NOT_FOUND. */
RILL_API_RESULT enum rill_err rill_object_delete(struct rill_objects *objects, const char *name,
                                                 struct rill_error *error);

/* Makes `name` a link to an object of this or another bucket; who gets `name` gets what that object is then.
   EXISTS when `name` is an object of its own; NOT_FOUND when there is no target; INVALID when that is a link itself. */
RILL_API_RESULT enum rill_err rill_object_link(struct rill_objects *objects, const char *name,
                                               struct rill_objects *target, const char *target_name,
                                               struct rill_error *error);

/* The info lives until it returns; false ends the visit. */
typedef bool rill_object_visitor(const Rill__ObjectInfo *info, void *context);
/* All objects that are there. */
RILL_API_RESULT enum rill_err rill_object_each(struct rill_objects *objects, rill_object_visitor *visitor,
                                               void *context, struct rill_error *error);

struct rill_object_watch;

/* Follows all objects: first what is there, unless updates_only, then what changes; `deleted` says that one went. */
RILL_API_RESULT enum rill_err rill_object_watch_open(struct rill_objects *objects, bool updates_only,
                                                     struct rill_object_watch **ret,
                                                     struct rill_error *error);
/* As rill_kv_watch_next; freed with rill_model_free. */
RILL_API_RESULT enum rill_err rill_object_watch_next(struct rill_object_watch *watch, int64_t timeout_ms,
                                                     Rill__ObjectInfo **ret);
/* Ends. NULL is harmless. */
RILL_API void rill_object_watch_close(struct rill_object_watch *watch);

#ifdef __cplusplus
}
#endif
