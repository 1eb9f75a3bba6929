// SPDX-License-Identifier: Apache-2.0
#include "proof.h"

#include "csv.h"
#include "ledger_file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECEIPT_ORDER,
    RECEIPT_SEQUENCE,
    RECEIPT_KIND,
    RECEIPT_AT_MS,
    RECEIPT_COLUMNS,
};

enum {
    LEDGER_ORDER,
    LEDGER_SEQUENCE,
    LEDGER_WORKER,
    LEDGER_DELIVERIES,
    LEDGER_VERDICT,
    LEDGER_OUTCOME,
    LEDGER_TOTAL_CENTS,
    LEDGER_AT_MS,
};
static_assert(LEDGER_AT_MS + 1 == LEDGER_COLUMNS, "the ledger's columns are those that its header names");

/* What is known of one order. */
struct tally {
    int64_t sequence; // that was acknowledged; 0 when none was
    size_t events[EVENT_KINDS];
    size_t told; // lines "done" in the ledger
    size_t dead;
    bool wrong;
    bool misplaced;
};

/* What is known of one customer. */
struct customer {
    size_t shipped_to; // behind the last order that was shipped, by its place in the book
    UT_hash_handle hh;
};

struct audit {
    const struct order_book *book;
    struct customer *customers; // uthash by name
    struct tally *tallies;      // one per order of the book
    size_t by_kind[EVENT_KINDS];
    struct proof proof;
};

// ---- how an order has to end ----

static bool is_senseless(const struct order *order, int64_t *ret_cents)
{
    const char *why;
    return !order_total_cents(order, ret_cents, &why);
}

/* How often each event of the order has to be there. */
static void expect_events(const struct order *order, size_t ret_counts[EVENT_KINDS])
{
    int64_t cents = 0;
    const bool sensible = !is_senseless(order, &cents);
    const bool reserved = sensible && order_is_in_stock(order);
    const bool paid = reserved && order_is_covered(cents);
    ret_counts[SHOP__KIND__PLACED] = 1;
    ret_counts[SHOP__KIND__RESERVED] = reserved;
    ret_counts[SHOP__KIND__PAID] = paid;
    ret_counts[SHOP__KIND__SHIPPED] = paid;
    ret_counts[SHOP__KIND__REJECTED] = sensible && !paid;
}

// ---- life ----

struct audit *audit_create(const struct order_book *book)
{
    struct audit *audit = calloc(1, sizeof *audit);
    if (!audit)
        return NULL;
    *audit = (struct audit){.book = book, .tallies = calloc(book->count + 1, sizeof *audit->tallies)};
    audit->proof.orders = book->count;
    if (audit->tallies)
        return audit;
    free(audit);
    return NULL;
}

static struct tally *tally_of(const struct audit *audit, const struct order *order)
{
    return &audit->tallies[order - audit->book->orders];
}

// ---- the files ----

static bool number(const char *text, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return !errno && end != text && !*end;
}

/* False when the line is odd. */
static bool audit_receipt(struct audit *audit, char **fields, size_t count)
{
    const struct order *order = count == RECEIPT_COLUMNS ? order_book_find(audit->book, fields[0]) : NULL;
    int64_t sequence = 0;
    int64_t at_ms = 0;
    if (!order || tally_of(audit, order)->sequence)
        return false;
    if (!number(fields[RECEIPT_SEQUENCE], &sequence) || !number(fields[RECEIPT_AT_MS], &at_ms) ||
        sequence < 1)
        return false;
    tally_of(audit, order)->sequence = sequence;
    audit->proof.acknowledged++;
    audit->proof.acknowledged_again += strcmp(fields[RECEIPT_KIND], "duplicate") == 0;
    if (!audit->proof.first_ms || at_ms < audit->proof.first_ms)
        audit->proof.first_ms = at_ms;
    return true;
}

static void audit_told(struct audit *audit, const struct order *order, char **fields, int64_t at_ms)
{
    struct tally *tally = tally_of(audit, order);
    size_t expected[EVENT_KINDS];
    int64_t due_cents = 0;
    int64_t entered_cents = -1;
    expect_events(order, expected);
    const Shop__Kind outcome = expected[SHOP__KIND__SHIPPED] ? SHOP__KIND__SHIPPED : SHOP__KIND__REJECTED;
    tally->wrong = tally->wrong || is_senseless(order, &due_cents) ||
                   !number(fields[LEDGER_TOTAL_CENTS], &entered_cents) || due_cents != entered_cents ||
                   strcmp(fields[LEDGER_OUTCOME], event_kind_name(outcome)) != 0;
    tally->told++;
    if (at_ms > audit->proof.last_ms)
        audit->proof.last_ms = at_ms;
}

/* False when the line is odd. */
static bool audit_ledger_line(struct audit *audit, char **fields, size_t count)
{
    const struct order *order = count == LEDGER_COLUMNS ? order_book_find(audit->book, fields[0]) : NULL;
    int64_t at_ms = 0;
    if (!order || !number(fields[LEDGER_AT_MS], &at_ms))
        return false;
    if (strcmp(fields[LEDGER_VERDICT], LEDGER_DONE) == 0)
        audit_told(audit, order, fields, at_ms);
    else if (strcmp(fields[LEDGER_VERDICT], LEDGER_AGAIN) == 0)
        audit->proof.recognised++;
    else
        return false;
    return true;
}

typedef bool (*audit_line)(struct audit *audit, char **fields, size_t count);

static bool audit_file(struct audit *audit, const char *path, audit_line line)
{
    size_t len = 0;
    char *text = file_read(path, &len);
    if (!text)
        return false;
    const bool cut_off = len && text[len - 1] != '\n';
    audit->proof.odd += cut_off;
    struct csv_reader reader;
    csv_reader_init(&reader, text, len);
    char *fields[LEDGER_COLUMNS];
    size_t count = 0;
    enum csv_result result;
    while ((result = csv_next(&reader, fields, LEDGER_COLUMNS, &count)) == CSV_RECORD)
        audit->proof.odd += !line(audit, fields, count);
    audit->proof.odd += result == CSV_BROKEN;
    free(text);
    return true;
}

bool audit_receipts(struct audit *audit, const char *path)
{
    return audit_file(audit, path, audit_receipt);
}

bool audit_ledger(struct audit *audit, const char *path)
{
    return audit_file(audit, path, audit_ledger_line);
}

// ---- the streams ----

static struct customer *customer_of(struct audit *audit, const struct order *order)
{
    struct customer *customer = NULL;
    HASH_FIND_STR(audit->customers, order->customer, customer);
    if (customer || !(customer = calloc(1, sizeof *customer)))
        return customer;
    HASH_ADD_KEYPTR(hh, audit->customers, order->customer, strlen(order->customer), customer);
    return customer;
}

static void audit_shipped(struct audit *audit, const struct order *order)
{
    struct customer *customer = customer_of(audit, order);
    const size_t place = (size_t)(order - audit->book->orders);
    if (!customer || place < customer->shipped_to)
        audit->proof.overtaken++;
    else
        customer->shipped_to = place + 1;
}

/* The order of the book; NULL, and counted as odd, when this is none of it. */
static const struct order *order_of(struct audit *audit, const Shop__Event *event)
{
    const struct order *order = event ? order_book_find(audit->book, event->order->id) : NULL;
    audit->proof.odd += !order;
    return order;
}

void audit_event(struct audit *audit, const Shop__Event *event, uint64_t sequence)
{
    const struct order *order = order_of(audit, event);
    audit->proof.events++;
    if (!order)
        return;
    struct tally *tally = tally_of(audit, order);
    tally->events[event->kind]++;
    audit->by_kind[event->kind]++;
    if (event->kind == SHOP__KIND__PLACED)
        tally->misplaced = tally->misplaced || tally->sequence != (int64_t)sequence;
    else if (event->kind == SHOP__KIND__SHIPPED && tally->events[SHOP__KIND__SHIPPED] == 1)
        audit_shipped(audit, order);
}

void audit_dead(struct audit *audit, const Shop__Event *event)
{
    const struct order *order = order_of(audit, event);
    if (order)
        tally_of(audit, order)->dead++;
}

void audit_deliveries(struct audit *audit, const Shop__Kind *kinds, size_t kind_count, uint64_t deliveries)
{
    uint64_t events = 0;
    for (size_t i = 0; i < kind_count; i++)
        events += audit->by_kind[kinds[i]];
    // A broker that is killed may forget the last deliveries, and counts them again.
    audit->proof.redelivered += deliveries > events ? (size_t)(deliveries - events) : 0;
}

// ---- the end ----

static void close_order(struct proof *proof, const struct order *order, const struct tally *tally)
{
    size_t expected[EVENT_KINDS];
    expect_events(order, expected);
    const bool dead = !expected[SHOP__KIND__SHIPPED] && !expected[SHOP__KIND__REJECTED];
    bool lost = (dead ? tally->dead : tally->told) == 0;
    bool twice = tally->dead > 1 || tally->told > 1;
    bool wrong = tally->wrong || (dead ? tally->told : tally->dead) > 0;
    for (size_t kind = 0; kind < EVENT_KINDS; kind++) {
        lost = lost || tally->events[kind] < expected[kind];
        twice = twice || tally->events[kind] > 1;
        wrong = wrong || (tally->events[kind] && !expected[kind]);
    }
    proof->lost += lost;
    proof->twice += twice;
    proof->wrong += wrong;
    proof->misplaced += tally->misplaced;
    if (lost || twice || wrong)
        return;
    proof->dead += dead;
    proof->shipped += expected[SHOP__KIND__SHIPPED];
    proof->rejected += expected[SHOP__KIND__REJECTED];
}

struct proof audit_close(struct audit *audit)
{
    struct customer *customer, *next;
    for (size_t i = 0; i < audit->book->count; i++)
        close_order(&audit->proof, &audit->book->orders[i], &audit->tallies[i]);
    const struct proof proof = audit->proof;
    HASH_ITER (hh, audit->customers, customer, next) {
        HASH_DEL(audit->customers, customer);
        free(customer);
    }
    free(audit->tallies);
    free(audit);
    return proof;
}

bool proof_holds(const struct proof *proof)
{
    return proof->orders > 0 && proof->acknowledged == proof->orders &&
           proof->shipped + proof->rejected + proof->dead == proof->orders &&
           proof->lost + proof->twice + proof->wrong + proof->misplaced + proof->overtaken + proof->odd == 0;
}
