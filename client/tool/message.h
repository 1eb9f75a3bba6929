// SPDX-License-Identifier: Apache-2.0
//
// Messages as commands print them: one line about each, its headers, an empty line, the payload; or the payload alone;
// or JSON, one object in a line, whose `data` is text, or `data_base64` when the payload is not UTF-8.
#pragma once

#include "show.h"

struct message_view {
    // of the message
    const char *subject;
    const char *reply; // NULL: none
    const void *data;
    size_t data_bytes;
    json_t *headers; // names with lists of values; NULL: none
    // of its stream; time_ns 0: it comes from none
    uint64_t stream_seq, consumer_seq, delivered, pending;
    int64_t time_ns;
    char stream[RILL_NAME_BYTES], consumer[RILL_NAME_BYTES];
};

/* The views live as long as the messages, and are to be finished. */
struct message_view message_view_of(const struct rill_msg *msg);
struct message_view message_view_of_stored(const Rill__StoredMessage *stored, const char *stream);
void message_view_fini(struct message_view *view);

/* `number` counts what the command has shown; 0: do not show it. */
void message_view_print(const struct call *call, const struct message_view *view, uint64_t number, bool raw);
/* The three in one. */
void message_print(const struct call *call, const struct rill_msg *msg, uint64_t number, bool raw);
/* Sets the member to the bytes as text, or key_base64 when they are not UTF-8. */
void message_put_bytes(json_t *object, const char *key, const void *data, size_t bytes);
json_t *message_json(const struct message_view *view);

/* Where messages come from, one after the other; as rill_next_msg. */
typedef enum rill_err message_source(void *from, int64_t timeout_ms, struct rill_msg **ret);
/* The one of a struct rill_sub. */
enum rill_err message_of_sub(void *from, int64_t timeout_ms, struct rill_msg **ret) RILL_MUST_CHECK;

/* The next message, waited for as clock_wait() does. */
enum rill_err message_wait(message_source *source, void *from, int64_t wait_ms,
                           struct rill_msg **ret) RILL_MUST_CHECK;

/* What --header says, as librill wants it; on the heap, freed with message_headers_free. */
struct rill_header *message_headers(const struct call *call, size_t *ret_count);
void message_headers_free(struct rill_header *headers, size_t count);
