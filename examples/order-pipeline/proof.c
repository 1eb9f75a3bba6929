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
    LEDGER_TOTAL_CENTS,
    LEDGER_AT_MS,
};
static_assert(LEDGER_AT_MS + 1 == LEDGER_COLUMNS, "the ledger's columns are those that its header names");

/* What is known of one order. */
struct tally {
    int64_t sequence; // that was acknowledged; 0 when none was
    size_t done;
};

struct audit {
    const struct order_book *book;
    struct tally *tallies; // one per order of the book
    struct proof proof;
};

static bool number(const char *text, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return !errno && end != text && !*end;
}

static struct tally *tally_of(const struct audit *audit, const struct order *order)
{
    return &audit->tallies[order - audit->book->orders];
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

static void audit_done(struct audit *audit, const struct order *order, char **fields, int64_t deliveries,
                       int64_t at_ms)
{
    int64_t due_cents = 0;
    int64_t entered_cents = 0;
    const bool sums =
        order_total_cents(order, &due_cents) && number(fields[LEDGER_TOTAL_CENTS], &entered_cents);
    audit->proof.altered += !sums || due_cents != entered_cents;
    audit->proof.redelivered += deliveries > 1;
    tally_of(audit, order)->done++;
    if (at_ms > audit->proof.last_ms)
        audit->proof.last_ms = at_ms;
}

/* False when the line is odd. */
static bool audit_ledger_line(struct audit *audit, char **fields, size_t count)
{
    const struct order *order = count == LEDGER_COLUMNS ? order_book_find(audit->book, fields[0]) : NULL;
    int64_t sequence = 0;
    int64_t deliveries = 0;
    int64_t at_ms = 0;
    if (!order || !number(fields[LEDGER_SEQUENCE], &sequence) ||
        !number(fields[LEDGER_DELIVERIES], &deliveries) || !number(fields[LEDGER_AT_MS], &at_ms))
        return false;
    audit->proof.misplaced += sequence != tally_of(audit, order)->sequence;
    if (strcmp(fields[LEDGER_VERDICT], LEDGER_DONE) == 0)
        audit_done(audit, order, fields, deliveries, at_ms);
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

static int compare_sequences(const void *a, const void *b)
{
    const int64_t left = ((const struct tally *)a)->sequence;
    const int64_t right = ((const struct tally *)b)->sequence;
    return (left > right) - (left < right);
}

/* Sums up; the tallies are sorted by sequence, so orders that share one stand side by side. */
static void audit_close(struct audit *audit)
{
    qsort(audit->tallies, audit->book->count, sizeof *audit->tallies, compare_sequences);
    for (size_t i = 0; i < audit->book->count; i++) {
        const struct tally *tally = &audit->tallies[i];
        audit->proof.out += tally->done == 1;
        audit->proof.lost += tally->done == 0;
        audit->proof.twice += tally->done > 1;
        audit->proof.misplaced += i > 0 && tally->sequence && tally->sequence == tally[-1].sequence;
    }
}

bool proof_make(struct proof *ret, const struct order_book *book, const char *receipts_path,
                const char *ledger_path)
{
    struct audit audit = {.book = book, .tallies = calloc(book->count + 1, sizeof *audit.tallies)};
    audit.proof.orders = book->count;
    const bool read = audit.tallies && audit_file(&audit, receipts_path, audit_receipt) &&
                      audit_file(&audit, ledger_path, audit_ledger_line);
    if (read) {
        audit_close(&audit);
        *ret = audit.proof;
    }
    free(audit.tallies);
    return read;
}

bool proof_holds(const struct proof *proof)
{
    return proof->orders > 0 && proof->acknowledged == proof->orders && proof->out == proof->orders &&
           proof->lost + proof->twice + proof->misplaced + proof->altered + proof->odd == 0;
}
