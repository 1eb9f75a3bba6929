// SPDX-License-Identifier: Apache-2.0
#include "proof.h"

#include "scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

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
    write_file("orders.csv",
               "order_id,placed_at,customer,sku,product,quantity,unit_price_cents,currency,country,note\n"
               "A,t,c,s,p,1,10,EUR,DE,\nB,t,c,s,p,2,10,EUR,DE,\nC,t,c,s,p,3,10,EUR,DE,\n",
               path);
    cr_assert(order_book_load(&book, path));
}

static void remove_book(void)
{
    order_book_fini(&book);
    scratch_remove(folder);
}

TestSuite(proof, .init = make_book, .fini = remove_book);

static struct proof proof_of(const char *receipts, const char *ledger)
{
    char receipts_path[PATH_BYTES], ledger_path[PATH_BYTES];
    write_file("receipts.csv", receipts, receipts_path);
    write_file("ledger.csv", ledger, ledger_path);
    struct proof proof;
    cr_assert(proof_make(&proof, &book, receipts_path, ledger_path));
    return proof;
}

#define RECEIPTS "A,1,stored,5\nB,2,duplicate,6\nC,3,stored,7\n"
#define A_DONE   "A,1,w,1,done,10,8\n"
#define B_DONE   "B,2,w,2,done,20,9\n"
#define C_DONE   "C,3,w,1,done,30,12\n"

// A run with redeliveries that were recognised holds, and everything in it is counted.
Test(proof, a_run_in_which_each_order_took_effect_once_holds)
{
    const struct proof proof = proof_of(RECEIPTS, A_DONE B_DONE "A,1,v,2,again,10,10\n" C_DONE);
    cr_expect(proof_holds(&proof));
    cr_expect(eq(sz, proof.acknowledged, 3));
    cr_expect(eq(sz, proof.acknowledged_again, 1));
    cr_expect(eq(sz, proof.out, 3));
    cr_expect(eq(sz, proof.redelivered, 1));
    cr_expect(eq(sz, proof.recognised, 1));
    cr_expect(eq(i64, proof.last_ms - proof.first_ms, 7));
}

static const struct {
    const char *receipts;
    const char *ledger;
    size_t lost, twice, misplaced, altered, odd;
    const char *why;
} bad_runs[] = {
    {RECEIPTS, A_DONE B_DONE, .lost = 1, .why = "an order never came out"},
    {RECEIPTS, A_DONE B_DONE "C,3,w,1,again,30,12\n", .lost = 1, .why = "seen again, but never done"},
    {RECEIPTS, A_DONE B_DONE C_DONE "B,2,v,3,done,20,11\n", .twice = 1, .why = "done twice"},
    {RECEIPTS, A_DONE B_DONE C_DONE "B,4,v,1,again,20,11\n", .misplaced = 1,
     .why = "stored twice by the broker"},
    {RECEIPTS, A_DONE "B,4,w,1,done,20,9\n" C_DONE, .misplaced = 1, .why = "not where it was acknowledged"},
    {"A,1,stored,5\nB,2,stored,6\nC,2,stored,7\n", A_DONE B_DONE "C,2,w,1,done,30,12\n", .misplaced = 1,
     .why = "two orders at one sequence"},
    {RECEIPTS, "A,1,w,1,done,11,8\n" B_DONE C_DONE, .altered = 1, .why = "another sum"},
    {RECEIPTS, A_DONE B_DONE C_DONE "X,9,w,1,done,10,9\n", .odd = 1, .why = "an order that nobody placed"},
    {RECEIPTS, A_DONE B_DONE C_DONE "A,1,w,1,refused,0,9\n", .odd = 1, .why = "a good order was refused"},
    {RECEIPTS, A_DONE B_DONE C_DONE "A,1,w", .odd = 2, .why = "a line was cut off"},
    {"A,1,stored,5\nC,3,stored,7\n", A_DONE B_DONE C_DONE, .misplaced = 1,
     .why = "came out, never acknowledged"},
    {RECEIPTS "A,1,stored,5\n", A_DONE B_DONE C_DONE, .odd = 1, .why = "two receipts for one order"},
    {"", "", .lost = 3, .why = "nothing happened at all"},
};

// Whatever went wrong, the proof does not hold, and says what it was.
Test(proof, a_run_in_which_anything_went_wrong_does_not_hold)
{
    for (size_t i = 0; i < sizeof bad_runs / sizeof bad_runs[0]; i++) {
        const struct proof proof = proof_of(bad_runs[i].receipts, bad_runs[i].ledger);
        cr_expect(not(proof_holds(&proof)), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.lost, bad_runs[i].lost), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.twice, bad_runs[i].twice), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.misplaced, bad_runs[i].misplaced), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.altered, bad_runs[i].altered), "%s", bad_runs[i].why);
        cr_expect(eq(sz, proof.odd, bad_runs[i].odd), "%s", bad_runs[i].why);
    }
}
