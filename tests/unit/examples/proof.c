// SPDX-License-Identifier: Apache-2.0
#include "proof.h"

#include "scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = SCRATCH_PATH_MAX + 32 };

static char folder[SCRATCH_PATH_MAX];
static struct order_book book;

static void write_file(const char *name, const char *text, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void make_book(void)
{
    char path[PATH_BYTES];
    cr_assert(scratch_create(folder));
    write_file(
        "orders.csv",
        "order_id,placed_at,customer,sku,product,quantity,unit_price_cents,currency,country,note\n"
        "A,t,c,s,p,1,10,EUR,DE,\nB,t,c,s,p,2,10,EUR,DE,\nC,t,d,s,p,1000,10,EUR,DE,\nD,t,d,s,p,0,10,EUR,DE,\n",
        path);
    cr_assert(order_book_load(&book, path));
}

static void remove_book(void)
{
    order_book_fini(&book);
    scratch_remove(folder);
}

TestSuite(proof, .init = make_book, .fini = remove_book);

/* An event of the stream: a letter of its kind, and the order. "PA" is A placed, "DD" is the dead letter of D. */
static void audit_one(struct audit *audit, const char *what, uint64_t sequence)
{
    static const char kinds[] = "PRCSX"; // placed, reserved, charged, shipped, rejected
    const char *kind = strchr(kinds, what[0]);
    const char id[] = {what[1], '\0'};
    const struct order *order = order_book_find(&book, id);
    const struct order stranger = {"Z", "t", "c", "s", "p", 1, 1, "EUR", "DE", "", .hh = {0}};
    Shop__Order in = event_order(order ? order : &stranger);
    Shop__Event event = SHOP__EVENT__INIT;
    event.order = &in;
    event.kind = kind ? (Shop__Kind)(kind - kinds) : SHOP__KIND__PLACED;
    if (kind)
        audit_event(audit, &event, sequence);
    else
        audit_dead(audit, &event);
}

static struct proof proof_of(const char *receipts, const char *events, const char *ledger)
{
    char receipts_path[PATH_BYTES], ledger_path[PATH_BYTES];
    struct audit *audit = audit_create(&book);
    write_file("receipts.csv", receipts, receipts_path);
    write_file("ledger.csv", ledger, ledger_path);
    cr_assert(audit && audit_receipts(audit, receipts_path));
    for (uint64_t sequence = 1; *events; events += 3, sequence++)
        audit_one(audit, events, sequence);
    const Shop__Kind ends[] = {SHOP__KIND__SHIPPED, SHOP__KIND__REJECTED};
    audit_deliveries(audit, ends, 2, 4);
    cr_assert(audit_ledger(audit, ledger_path));
    return audit_close(audit);
}

#define RECEIPTS "A,1,stored,5\nB,2,duplicate,6\nC,3,stored,7\nD,4,stored,7\n"
#define PLACED   "PA PB PC PD "
#define ENDED    "RA RB XC CA CB SA SB DD "
#define A_TOLD   "A,1,w,1,done,shipped,10,8\n"
#define B_TOLD   "B,2,w,2,done,shipped,20,9\n"
#define C_TOLD   "C,3,w,1,done,rejected,10000,12\n"

// A run with redeliveries that were recognised holds, and everything in it is counted.
Test(proof, a_run_in_which_each_order_came_out_once_holds)
{
    const struct proof proof =
        proof_of(RECEIPTS, PLACED ENDED, A_TOLD B_TOLD "A,1,v,2,again,shipped,10,10\n" C_TOLD);
    cr_expect(proof_holds(&proof));
    cr_expect(eq(sz, proof.acknowledged, 4));
    cr_expect(eq(sz, proof.acknowledged_again, 1));
    cr_expect(eq(sz, proof.events, 11));
    cr_expect(eq(sz, proof.shipped, 2));
    cr_expect(eq(sz, proof.rejected, 1));
    cr_expect(eq(sz, proof.dead, 1));
    cr_expect(eq(sz, proof.redelivered, 1));
    cr_expect(eq(sz, proof.recognised, 1));
    cr_expect(eq(i64, proof.last_ms - proof.first_ms, 7));
}

#define TOLD A_TOLD B_TOLD C_TOLD

static const struct {
    const char *receipts, *events, *ledger;
    size_t lost, twice, wrong, misplaced, overtaken, odd;
    const char *why;
} bad_runs[] = {
    {RECEIPTS, PLACED ENDED, A_TOLD B_TOLD, .lost = 1, .why = "a customer was never told"},
    {RECEIPTS, PLACED ENDED, A_TOLD B_TOLD "C,3,w,1,again,rejected,10000,12\n", .lost = 1,
     .why = "told again, but never told"},
    {RECEIPTS, PLACED ENDED, TOLD "B,2,v,3,done,shipped,20,11\n", .twice = 1, .why = "told twice"},
    {RECEIPTS, PLACED ENDED "SA ", TOLD, .twice = 1, .why = "an event is stored twice"},
    {RECEIPTS, PLACED ENDED "DD ", TOLD, .twice = 1, .why = "two dead letters"},
    {RECEIPTS, PLACED "RA RB XC CA CB SA SB ", TOLD, .lost = 1, .why = "no dead letter"},
    {RECEIPTS, PLACED "RA RB XC CA CB SB DD ", TOLD, .lost = 1, .why = "an event is missing"},
    {RECEIPTS, PLACED ENDED "XA ", TOLD, .wrong = 1, .why = "shipped and rejected"},
    {RECEIPTS, PLACED ENDED "RD ", TOLD, .wrong = 1, .why = "a senseless order was worked on"},
    {RECEIPTS, PLACED ENDED "DA ", TOLD, .wrong = 1, .why = "a good order is a dead letter"},
    {RECEIPTS, PLACED ENDED, "A,1,w,1,done,shipped,11,8\n" B_TOLD C_TOLD, .wrong = 1, .why = "another sum"},
    {RECEIPTS, PLACED ENDED, "A,1,w,1,done,rejected,10,8\n" B_TOLD C_TOLD, .wrong = 1,
     .why = "told another end"},
    {"A,1,stored,5\nB,4,stored,6\nC,3,stored,7\nD,2,stored,7\n", PLACED ENDED, TOLD, .misplaced = 2,
     .why = "not where it was acknowledged"},
    {RECEIPTS, PLACED "RB RA XC CB CA SB SA DD ", TOLD, .overtaken = 1,
     .why = "the customer's later order was first"},
    {RECEIPTS, PLACED ENDED "PZ ", TOLD, .odd = 1, .why = "an event of an order that nobody placed"},
    {RECEIPTS, PLACED ENDED, TOLD "X,9,w,1,done,shipped,10,9\n", .odd = 1,
     .why = "an order that nobody placed"},
    {RECEIPTS, PLACED ENDED, TOLD "A,1,w", .odd = 2, .why = "a line was cut off"},
    {RECEIPTS "A,1,stored,5\n", PLACED ENDED, TOLD, .odd = 1, .why = "two receipts for one order"},
    {"", "", "", .lost = 4, .why = "nothing happened at all"},
};

// Whatever went wrong, the proof does not hold, and says what it was.
Test(proof, a_run_in_which_anything_went_wrong_does_not_hold)
{
    for (size_t i = 0; i < sizeof bad_runs / sizeof bad_runs[0]; i++) {
        const struct proof proof = proof_of(bad_runs[i].receipts, bad_runs[i].events, bad_runs[i].ledger);
        cr_expect(not(proof_holds(&proof)), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.lost, bad_runs[i].lost), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.twice, bad_runs[i].twice), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.wrong, bad_runs[i].wrong), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.misplaced, bad_runs[i].misplaced), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.overtaken, bad_runs[i].overtaken), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.odd, bad_runs[i].odd), "%s", bad_runs[i].why);
    }
}
