// SPDX-License-Identifier: Apache-2.0
#include "push.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/headers.h"
#include "proto/message.h"
#include "proto/subject.h"
#include "route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

enum { WINDOW_BYTES_MAX = 32 << 20, WINDOW_BYTES_FIRST = WINDOW_BYTES_MAX / 16, SUBJECT_BYTES_MAX = 640 };

// ---- the table ----

static struct push *find_subject(const struct jetstream *js, struct rill_bytes subject)
{
    struct push *push = NULL;
    HASH_FIND(by_subject, js->pushes, subject.data, subject.len, push);
    return push;
}

static void add_to_table(struct jetstream *js, struct push *push)
{
    struct push *first = find_subject(js, rill_bytes_from_cstr(push->subject));
    if (first) {
        push->same_next = first->same_next;
        first->same_next = push;
        return;
    }
    HASH_ADD_KEYPTR(by_subject, js->pushes, push->subject, strlen(push->subject), push);
}

static void remove_from_table(struct jetstream *js, struct push *push)
{
    struct push *first = find_subject(js, rill_bytes_from_cstr(push->subject));
    RILL_ASSERT(first);
    if (first != push) {
        LL_DELETE2(first, push, same_next);
        return;
    }
    struct push *heir = push->same_next;
    HASH_DELETE(by_subject, js->pushes, push);
    if (heir)
        HASH_ADD_KEYPTR(by_subject, js->pushes, heir->subject, strlen(heir->subject), heir);
}

// ---- who listens ----

static bool has_group(const struct match *match, const char *name)
{
    for (uint32_t i = 0; i < match->group_count; i++) {
        const struct interest_group *group = match_group(match, i);
        if (rill_bytes_equal_cstr(rill_bytes_of(group->name, group->name_len), name))
            return true;
    }
    return false;
}

static bool is_bound(const struct push *push)
{
    struct interest *interest = push->durable->stream->js->account->interest;
    struct match *match = interest_match(interest, rill_bytes_from_cstr(push->subject));
    const bool bound =
        push->group[0] ? has_group(match, push->group) : match->sub_count + match->group_count > 0;
    interest_unpin(interest, match);
    return bound;
}

// ---- life ----

void push_start(struct durable *durable)
{
    RILL_ASSERT(!durable->push && durable->settings->is_push);
    Rill__ConsumerRecord *record = consumer_settings_record(durable->settings);
    const Rill__ConsumerConfig *config = record->config;
    struct push *push = rill_alloc_zero(1, sizeof *push);
    push->durable = durable;
    push->subject = rill_alloc_cstr(rill_bytes_from_cstr(config->deliver_subject));
    push->group = rill_alloc_cstr(rill_bytes_from_cstr(config->deliver_group));
    push->heartbeat_ns = config->idle_heartbeat;
    push->window_bytes = config->flow_control ? WINDOW_BYTES_FIRST : 0;
    push->sent_ns = durable->stream->js->core->now.mono_ns;
    rill_message_free(&record->base);
    durable->push = push;
    add_to_table(durable->stream->js, push);
    push->bound = push->is_heard = is_bound(push); // by the same receiver, when the configuration was changed
    if (push->bound)
        durable->active_ns = push->sent_ns;
}

void push_stop(struct durable *durable)
{
    if (!durable->push)
        return;
    struct push *push = durable->push;
    remove_from_table(durable->stream->js, push);
    free(push->subject);
    free(push->group);
    free(push);
    durable->push = NULL;
}

// ---- somebody comes or goes ----

void push_look(struct durable *durable)
{
    struct push *push = durable->push;
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    const bool was_bound = push->bound, was_heard = push->is_heard;
    push->bound = push->is_heard = is_bound(push);
    if (push->bound == was_bound)
        return;
    durable->active_ns = now_ns;
    if (!push->bound)
        return;
    // Who comes anew has nothing on the way to him, and nobody says any more what has reached the one before.
    push->sent_ns = now_ns;
    push_forget_way(push);
    if (durable->settings->acks_by_flow && !was_heard)
        consumer_expire_all(durable->consumer);
}

char *push_receiver(const struct durable *durable)
{
    const struct push *push = durable->push;
    if (!push || !push->is_heard)
        return NULL;
    const size_t subject_len = strlen(push->subject), group_len = strlen(push->group);
    char *receiver = rill_alloc_zero(subject_len + group_len + 2, 1);
    memcpy(receiver, push->subject, subject_len);
    receiver[subject_len] = ' ';
    memcpy(receiver + subject_len + 1, push->group, group_len);
    return receiver;
}

void push_changed(struct durable *durable, const char *receiver_before)
{
    char *receiver = push_receiver(durable);
    const bool is_new = receiver && !(receiver_before && strcmp(receiver, receiver_before) == 0);
    free(receiver);
    if (is_new && durable->settings->acks_by_flow)
        consumer_expire_all(durable->consumer);
}

void push_forget_way(struct push *push)
{
    push->on_way_bytes = push->asked_bytes = push->question = 0;
}

static void look_later(struct push *push)
{
    for (; push; push = push->same_next)
        durable_serve_later(push->durable);
}

void push_interest_changed(void *context, struct rill_bytes subject)
{
    struct jetstream *js = context;
    if (!js->pushes)
        return;
    if (rill_subject_is_literal(subject)) {
        look_later(find_subject(js, subject));
        return;
    }
    for (struct push *push = js->pushes; push; push = push->by_subject.next) {
        if (rill_subject_matches(subject, rill_bytes_from_cstr(push->subject)))
            look_later(push);
    }
}

// ---- flow control ----

bool push_is_open(const struct push *push)
{
    return push->bound && (!push->window_bytes || push->on_way_bytes < push->window_bytes);
}

static struct rill_bytes write_question(const struct push *push, char text[SUBJECT_BYTES_MAX])
{
    const struct durable *durable = push->durable;
    const int len = snprintf(text, SUBJECT_BYTES_MAX, "$JS.FC.%s.%s.%04" PRIx64, durable->stream->name,
                             durable->settings->name, push->question);
    RILL_ASSERT(len > 0 && len < SUBJECT_BYTES_MAX);
    return rill_bytes_of(text, (size_t)len);
}

static void ask(struct push *push)
{
    const struct rill_bytes none = {0};
    struct jetstream *js = push->durable->stream->js;
    char text[SUBJECT_BYTES_MAX];
    push->question = ++push->question_last;
    push->asked_bytes = push->on_way_bytes;
    (void)route_publish(js->core, js->account, rill_bytes_from_cstr(push->subject),
                        write_question(push, text), RILL_BYTES("NATS/1.0 100 FlowControl Request\r\n\r\n"),
                        none);
}

/* Only an answer acknowledges, and nothing more goes out before one does. */
static bool is_full(const struct durable *durable)
{
    uint64_t sequence;
    return durable->settings->acks_by_flow &&
           consumer_want(durable->consumer, durable->stream->last_committed, &sequence) == CONSUMER_IS_FULL;
}

void push_sent(struct push *push, uint64_t bytes)
{
    push->sent_ns = push->durable->stream->js->core->now.mono_ns;
    if (!push->window_bytes)
        return;
    push->on_way_bytes += bytes;
    if (!push->question && (push->on_way_bytes > push->window_bytes / 2 || is_full(push->durable)))
        ask(push);
}

static void answered(struct push *push)
{
    RILL_ASSERT(push->asked_bytes <= push->on_way_bytes);
    push->on_way_bytes -= push->asked_bytes;
    push->asked_bytes = push->question = 0;
    if (push->window_bytes < WINDOW_BYTES_MAX)
        push->window_bytes *= 2;
    durable_serve_later(push->durable);
}

/* The number behind this name in the headers of an answer; 0: there is none. */
static uint64_t number_of(const struct message *answer, const char *name)
{
    struct rill_bytes text;
    uint64_t number = 0;
    if (rill_headers_find(answer->headers, rill_bytes_from_cstr(name), &text) &&
        rill_bytes_to_u64(text, UINT64_MAX, &number))
        return number;
    return 0;
}

/* The answer says up to where everything is in good hands. What it does not say is not acknowledged: a client may answer by
   itself, before anybody has seen the messages. After a crash the receiver may know of more than the consumer does. */
static void acknowledge(struct durable *durable, const struct message *answer)
{
    struct consumer *consumer = durable->consumer;
    const uint64_t sequence = number_of(answer, "Nats-Last-Stream");
    const uint64_t last = consumer->cursor - 1;
    if (!sequence || number_of(answer, "Nats-Last-Consumer") <= consumer_ack_floor(consumer).consumer_seq)
        return;
    if (consumer_ack(consumer, sequence < last ? sequence : last) != CONSUMER_KNOWS)
        return;
    durable->last_acked_wall_ns = durable->stream->js->core->now.wall_ns;
    durable_changed(durable);
}

/* "$JS.FC.<stream>.<consumer>.<question>", or with the domain and the account in front of the stream. */
static struct durable *durable_of(struct jetstream *js, struct rill_bytes subject,
                                  struct rill_bytes *ret_question)
{
    struct rill_bytes tokens[8];
    size_t count = 0;
    while (subject.data && count < sizeof tokens / sizeof tokens[0])
        tokens[count++] = rill_subject_next_token(&subject);
    if (count != 5 && count != 7)
        return NULL;
    struct stream *stream = stream_find(js, tokens[count - 3]);
    *ret_question = tokens[count - 1];
    return stream && stream->state == STREAM_ACTIVE ? durable_find(stream, tokens[count - 2]) : NULL;
}

void push_flow_answer(void *owner, const struct message *message)
{
    char number[24];
    struct rill_bytes question;
    struct durable *durable = durable_of(owner, message->subject, &question);
    struct push *push = durable ? durable->push : NULL;
    if (!push || !push->question)
        return;
    (void)snprintf(number, sizeof number, "%04" PRIx64, push->question);
    if (!rill_bytes_equal_cstr(question, number))
        return;
    answered(push);
    if (durable->settings->acks_by_flow)
        acknowledge(durable, message);
}

// ---- heartbeats ----

int64_t push_next_deadline_ns(const struct push *push)
{
    return push->heartbeat_ns && push->bound ? push->sent_ns + push->heartbeat_ns : RILL_NEVER_NS;
}

void push_serve_due(struct push *push)
{
    char text[SUBJECT_BYTES_MAX];
    const struct rill_bytes none = {0};
    const int64_t now_ns = push->durable->stream->js->core->now.mono_ns;
    if (push_next_deadline_ns(push) > now_ns)
        return;
    push->sent_ns = now_ns;
    durable_send_heartbeat(push->durable, rill_bytes_from_cstr(push->subject),
                           push->question ? write_question(push, text) : none);
    if (!push->question && push->durable->settings->acks_by_flow &&
        consumer_ack_pending(push->durable->consumer))
        ask(push);
}
