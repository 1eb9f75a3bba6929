// SPDX-License-Identifier: Apache-2.0
#include "kept_messages.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { SUBJECT, REPLY, HEADERS, PAYLOAD, PARTS };

struct kept_message {
    struct kept_message *next;
    size_t len[PARTS];
    uint8_t bytes[]; // the parts, one behind the other
};

static size_t bytes_of(const size_t len[PARTS])
{
    return len[SUBJECT] + len[REPLY] + len[HEADERS] + len[PAYLOAD];
}

static struct kept_message *copy_of(const struct message *message)
{
    const struct rill_bytes parts[PARTS] = {message->subject, message->reply, message->headers,
                                            message->payload};
    const size_t len[PARTS] = {parts[SUBJECT].len, parts[REPLY].len, parts[HEADERS].len, parts[PAYLOAD].len};
    struct kept_message *copy = malloc(sizeof *copy + bytes_of(len));
    if (!copy)
        return NULL;
    copy->next = NULL;
    memcpy(copy->len, len, sizeof len);
    uint8_t *at = copy->bytes;
    for (size_t i = 0; i < PARTS; at += len[i++]) {
        if (len[i])
            memcpy(at, parts[i].data, len[i]);
    }
    return copy;
}

enum rill_err kept_messages_add(struct kept_messages *kept, const struct message *message)
{
    struct kept_message *copy = copy_of(message);
    if (!copy)
        return RILL_ERR_NO_MEMORY;
    if (kept->last)
        kept->last->next = copy;
    else
        kept->first = copy;
    kept->last = copy;
    kept->count++;
    kept->bytes += bytes_of(copy->len);
    return RILL_OK;
}

struct message kept_messages_first(const struct kept_messages *kept, struct account *account)
{
    RILL_ASSERT(kept->first);
    const struct kept_message *first = kept->first;
    const uint8_t *at = first->bytes;
    struct message message = {.account = account};
    message.subject = rill_bytes_of(at, first->len[SUBJECT]);
    message.reply = rill_bytes_of(at += first->len[SUBJECT], first->len[REPLY]);
    message.headers = rill_bytes_of(at += first->len[REPLY], first->len[HEADERS]);
    message.payload = rill_bytes_of(at + first->len[HEADERS], first->len[PAYLOAD]);
    return message;
}

void kept_messages_drop(struct kept_messages *kept)
{
    struct kept_message *first = kept->first;
    RILL_ASSERT(first && kept->count > 0);
    kept->first = first->next;
    if (!kept->first)
        kept->last = NULL;
    kept->count--;
    kept->bytes -= bytes_of(first->len);
    free(first);
}
