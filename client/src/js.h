// SPDX-License-Identifier: Apache-2.0
//
// Streams, seen from a client: requests to $JS.API with JSON bodies, which the codec of proto/ makes from the
// messages of the data model. js.c has the one function through which all of them go.
#pragma once

#include "conn.h"

#include "proto/jetstream.pb-c.h"

enum { JS_PREFIX_BYTES = 128, JS_SUBJECT_BYTES = 1024, JS_BODY_BYTES_MAX = 4 * 1024 * 1024 };

struct rill_js {
    // immutable
    struct rill_conn *conn;
    char prefix[JS_PREFIX_BYTES]; // "$JS.API" or "$JS.<domain>.API"
    int64_t timeout_ms;
    uint32_t publishes_pending_max;

    // guarded by lock
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t pending;          // publishes without an answer
    uint32_t finishing;        // answered, the callback has not returned
    uint64_t failed;           // since the last wait
    struct rill_error failure; // the first of them
};

/* A subject of the API in a buffer of the caller's. LIMIT when it is too long, INVALID when a name has a dot, a
   blank or a wildcard. */
enum rill_err js_subject(const struct rill_js *js, char ret[JS_SUBJECT_BYTES], const char *call,
                         const char *stream, const char *consumer) RILL_MUST_CHECK;

/* Makes of a subject the one to publish to: a domain's streams are reached behind its prefix. LIMIT. */
enum rill_err js_publish_subject(const struct rill_js *js, char subject[JS_SUBJECT_BYTES]) RILL_MUST_CHECK;

/* Asks and decodes the answer. `request` may be NULL for an empty body. *ret belongs to the caller; with an error
   in it, that is told instead. */
enum rill_err js_ask(struct rill_js *js, const char *subject, const ProtobufCMessage *request,
                     const ProtobufCMessageDescriptor *answer, ProtobufCMessage **ret,
                     struct rill_error *error) RILL_MUST_CHECK;
/* The same, with the pieces of the subject; the answer is dropped. */
enum rill_err js_order(struct rill_js *js, const char *call, const char *stream, const char *consumer,
                       const ProtobufCMessage *request, const ProtobufCMessageDescriptor *answer,
                       struct rill_error *error) RILL_MUST_CHECK;
/* Makes our error of the API's. */
enum rill_err js_refused(const Rill__ApiError *api, struct rill_error *error);

/* The description of a consumer name that is free: a random one. */
void js_random_name(struct rill_js *js, char ret[RILL_INBOX_BYTES]);

/* As rill_js_wait; *ret_failure, when some have failed, is how the first of them did. */
enum rill_err js_wait(struct rill_js *js, int64_t deadline_ns, uint64_t *ret_failed,
                      struct rill_error *ret_failure) RILL_MUST_CHECK;

/* How a publish into a stream ended, read from the answer. */
enum rill_err js_read_stored(const struct rill_msg *reply, struct rill_stored *ret,
                             struct rill_error *error) RILL_MUST_CHECK;

/* What pull requests are asked with: appends the JSON. */
enum rill_err js_append_json(const ProtobufCMessage *message, struct rill_buf *buf) RILL_MUST_CHECK;
