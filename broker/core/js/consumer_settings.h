// SPDX-License-Identifier: Apache-2.0
//
// What a consumer was asked to be, for as long as it is at work: its record (proto/stream_log.proto) twice.
//
//      packed      whole, for whoever asks: about a hundred bytes, where protobuf-c takes more than 600 when it unpacks them
//      fields      what a delivery, an acknowledgement, a pull or a deadline looks at, ready to be read
//
// Another configuration is another object: nothing here changes, but for the list, which goes. Pure. Owned by its durable;
// one thread.
#pragma once

#include "consumer.h"
#include "proto/stream_log.pb-c.h"
#include "pulls.h"

struct consumer_settings {
    uint64_t number; // in its stream
    int64_t created_wall_ns;
    int64_t inactive_threshold_ns; // 0 or less: it stays
    int64_t pause_until_wall_ns;   // 0: it is not paused

    // which messages
    struct rill_bytes *filters; // owned, with the text that they view; NULL: all of the stream
    uint32_t filter_count;
    uint32_t listed_bytes; // at the end of the packed record
    uint64_t listed_to;    // up to here only what is listed (start.h); 0: there is no list

    // deliveries and acknowledgements
    struct consumer_limits limits; // backoff_ns is owned here
    uint64_t rate_limit_bps;       // 0: none
    char *dead_letter_subject;     // owned; NULL: none
    uint8_t sampled_percent;       // of the acknowledgements
    bool acks_by_flow;             // by answers to flow control, and not otherwise
    bool headers_only;
    bool replays_original;
    bool is_push;

    // pulls; where a limit is 0 or less there is none
    enum pulls_policy pulls_policy;
    uint32_t waiting_max;
    int64_t batch_max;
    int64_t expires_ns_max;
    int64_t bytes_max;
    char *group; // owned; NULL: there are no priority groups
    int64_t pin_timeout_ns;

    uint8_t *packed; // owned
    uint32_t packed_bytes;
    uint32_t unlisted_bytes; // in front of the list
    char name[];
};

struct consumer_settings *consumer_settings_create(const Rill__ConsumerRecord *record);
/* NULL is fine. */
void consumer_settings_destroy(struct consumer_settings *settings);

/* The record as it was, without a list that was forgotten. The caller frees it with rill_message_free. */
Rill__ConsumerRecord *consumer_settings_record(const struct consumer_settings *settings)
    __attribute__((returns_nonnull));
/* The same, packed: a view that ends when the list is forgotten. */
struct rill_bytes consumer_settings_packed(const struct consumer_settings *settings);
/* The list, as start_pack wrote it: a view like that one. */
struct rill_bytes consumer_settings_listed(const struct consumer_settings *settings);
/* Nobody needs the list any more. */
void consumer_settings_forget_list(struct consumer_settings *settings);
