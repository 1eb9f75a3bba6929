// SPDX-License-Identifier: Apache-2.0
//
// What a stream and its consumers should do, naively: arrays by sequence, searched from end to end. It knows retention, limits,
// filters with wildcards and what becomes of each message at each consumer; it knows no log, no index and no commits.
// delivery.c holds a broker to it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUBJECTS = 7, FILTERS = 7, CONSUMERS = 3, MESSAGES_MAX = 1500, PER_SUBJECT = 3, MSGS_MAX = 12 };

enum { NUMBERS_MAX = 100 }; // consumers in one life

#define ACK_WAIT_NS   INT64_C(500000000)
#define MAX_AGE_NS    INT64_C(6000000000)
#define BACKOFF_STEPS 2

enum retention_kind { BY_LIMITS, BY_INTEREST, WORK_QUEUE, RETENTION_KINDS };
enum limit { NO_LIMIT, DISCARD_OLD, DISCARD_NEW, LAST_PER_SUBJECT, BY_AGE, LIMITS };
enum acks { ACKS_EXPLICIT, ACKS_ALL, ACKS_NONE, ACKS_BY_FLOW, ACKS_KINDS };
enum start { FROM_ALL, FROM_NEW, FROM_SEQUENCE, FROM_LAST_PER_SUBJECT, STARTS };
enum letter {
    NO_LETTER,
    PERHAPS_A_LETTER,
    A_LETTER
}; // a message that goes while it is given up may have none
enum fate { NEVER, PARKED, WAITS, READY, DONE };

struct naive_config {
    uint32_t filter; // number of
    enum acks acks;
    enum start start;
    uint64_t start_sequence;
    uint32_t deliveries_max; // 0: none
    uint32_t ack_pending_max;
    uint32_t per_subject_max; // order by subject; 0: none
    bool backs_off;
    bool in_memory; // ends with the broker
    bool pushes;    // to a deliver subject
    bool buries;    // puts what it gives up aside, as dead letters
};

struct naive_consumer {
    bool exists;
    struct naive_config config;
    uint64_t cursor; // nothing behind it was delivered
    uint64_t consumer_seq;
    uint64_t listed_to;
    bool listed[MESSAGES_MAX];
    enum fate fate[MESSAGES_MAX];
    bool confirmed[MESSAGES_MAX]; // somebody was answered that it is done
    uint32_t delivered[MESSAGES_MAX];
    int64_t due_ns[MESSAGES_MAX]; // INT64_MAX: never
    bool terminated[MESSAGES_MAX];
    uint64_t number; // in all its life no other one has it
    bool bound;      // somebody listens at its deliver subject
};

struct oracle {
    enum retention_kind retention;
    enum limit limit;
    int64_t now_ns;
    uint64_t last;
    uint8_t subject[MESSAGES_MAX];
    bool there[MESSAGES_MAX];
    bool removed[MESSAGES_MAX]; // by a limit, an age, a delete or a purge: for good
    bool going[MESSAGES_MAX];   // with what is being done now: at the same time it may still come
    int64_t time_ns[MESSAGES_MAX];
    struct naive_consumer consumers[CONSUMERS];
    enum letter letters[NUMBERS_MAX][MESSAGES_MAX]; // by the number of the consumer
    char failure[256];                              // what was broken first; empty: nothing
};

/* The last one is never published. */
extern const char *const oracle_subjects[SUBJECTS];
/* As JSON, and what they take. */
extern const char *const oracle_filters[FILTERS];
bool oracle_takes(uint32_t filter, uint32_t subject);
extern const int64_t oracle_backoff_ns[BACKOFF_STEPS];

void oracle_fail(struct oracle *oracle, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- questions ----

/* In the stream, and for this consumer, now or some day. */
bool oracle_is_for(const struct oracle *oracle, uint32_t consumer, uint64_t sequence);
/* It is for it, and neither done nor passed over. */
bool oracle_owes(const struct oracle *oracle, uint32_t consumer, uint64_t sequence);
uint64_t oracle_count(const struct oracle *oracle);
uint64_t oracle_pending(const struct oracle *oracle, uint32_t consumer);
/* A pull gets something. */
bool oracle_has_delivery(const struct oracle *oracle, uint32_t consumer);
/* May this consumer take that filter on a work queue, beside the others? */
bool oracle_may_share(const struct oracle *oracle, uint32_t consumer, uint32_t filter);
/* The first for it at or behind its cursor; behind the last: none. */
uint64_t oracle_next(const struct oracle *oracle, uint32_t consumer);

// ---- what happens ----

/* False when the stream is to refuse it. */
bool oracle_publish(struct oracle *oracle, uint32_t subject);
void oracle_remove(struct oracle *oracle, uint64_t sequence);
/* Time goes on to there. */
void oracle_advance(struct oracle *oracle, int64_t now_ns);
void oracle_begin_consumer(struct oracle *oracle, uint32_t consumer, const struct naive_config *config);
void oracle_end_consumer(struct oracle *oracle, uint32_t consumer);
void oracle_change_consumer(struct oracle *oracle, uint32_t consumer, const struct naive_config *config);
void oracle_reset_consumer(struct oracle *oracle, uint32_t consumer, uint64_t sequence);
/* It came: was that right? */
void oracle_delivered(struct oracle *oracle, uint32_t consumer, uint64_t sequence);
void oracle_ack(struct oracle *oracle, uint32_t consumer, uint64_t sequence);
void oracle_terminate(struct oracle *oracle, uint32_t consumer, uint64_t sequence);
void oracle_nak(struct oracle *oracle, uint32_t consumer, uint64_t sequence, int64_t delay_ns);
void oracle_progress(struct oracle *oracle, uint32_t consumer, uint64_t sequence);
/* The broker ended in order and began again: what is outstanding waits anew, consumers in memory are gone. */
void oracle_restart(struct oracle *oracle);
/* Consumers in memory end. */
void oracle_forget_memory(struct oracle *oracle);
/* With interest: what nobody needs any more goes. */
void oracle_forget_unneeded(struct oracle *oracle);
/* When it comes again that was delivered so often, as of now. */
int64_t oracle_due_ns(const struct oracle *oracle, uint32_t consumer, uint32_t delivered);
/* The consumer's receiver is another one: with flow control he gets what is outstanding. */
void oracle_bind(struct oracle *oracle, uint32_t consumer);
/* A consumer that acknowledges by flow control has as many out as it may. */
bool oracle_is_full(const struct oracle *oracle, uint32_t consumer);
/* Is there a dead letter of what this consumer got? */
enum letter oracle_letter(const struct oracle *oracle, uint64_t number, uint64_t sequence);
