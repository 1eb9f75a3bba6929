// SPDX-License-Identifier: Apache-2.0
//
// ledger: prints the proof that every order came out exactly once, as a table; exits with 1 when it does not
// hold.
//
//     ledger ORDERS.csv RECEIPTS.csv LEDGER.csv
#include "proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NUMBER_MAX = 32 };

/* "1234567" becomes "1,234,567". */
static const char *grouped(size_t value, char text[NUMBER_MAX])
{
    char digits[NUMBER_MAX];
    const int len = snprintf(digits, sizeof digits, "%zu", value);
    char *write = text;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *write++ = ',';
        *write++ = digits[i];
    }
    *write = '\0';
    return text;
}

static void print_row(const char *label, size_t value, const char *remark)
{
    char text[NUMBER_MAX];
    printf("  %-34s %9s   %s\n", label, grouped(value, text), remark);
}

/* A row that has to show a certain number; on a terminal it is green when it does, else red. */
static void print_verdict_row(const char *label, size_t value, size_t wanted)
{
    const bool coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    const char *const colour = value == wanted ? "\033[32m" : "\033[31m";
    char text[NUMBER_MAX];
    printf("  %-34s %s%9s%s   %s\n", label, coloured ? colour : "", grouped(value, text),
           coloured ? "\033[0m" : "", value == wanted ? "" : "<- wrong");
}

static void print_time(const struct proof *proof)
{
    const double seconds = (double)(proof->last_ms - proof->first_ms) / 1000;
    printf("  %-34s %7.2f s   from the first acknowledgement to the last order done\n", "time", seconds);
    if (seconds > 0)
        printf("  %-34s %9.0f\n", "orders per second", (double)proof->out / seconds);
}

static void print_proof(const struct proof *proof)
{
    puts("  -------------------------------------------------------------------------------");
    print_row("orders in the file", proof->orders, "");
    print_verdict_row("acknowledged by the broker", proof->acknowledged, proof->orders);
    print_row("  sent again and recognised", proof->acknowledged_again, "by their Nats-Msg-Id");
    print_verdict_row("came out exactly once", proof->out, proof->orders);
    print_row("  on a second or later delivery", proof->redelivered, "the first one fell to a kill");
    print_row("redelivered and recognised", proof->recognised, "done before, had no second effect");
    print_verdict_row("lost", proof->lost, 0);
    print_verdict_row("done twice", proof->twice, 0);
    print_verdict_row("at a sequence not acknowledged", proof->misplaced, 0);
    print_verdict_row("with an altered sum", proof->altered, 0);
    print_verdict_row("lines that make no sense", proof->odd, 0);
    print_time(proof);
    puts("  -------------------------------------------------------------------------------");
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: ledger ORDERS.csv RECEIPTS.csv LEDGER.csv\n");
        return 2;
    }
    struct order_book book;
    struct proof proof;
    if (!order_book_load(&book, argv[1]))
        return 2;
    const bool made = proof_make(&proof, &book, argv[2], argv[3]);
    order_book_fini(&book);
    if (!made)
        return 2;
    print_proof(&proof);
    const bool holds = proof_holds(&proof);
    puts(holds ? "  proved: every order came out exactly once" : "  NOT proved: see the rows marked wrong");
    return holds ? 0 : 1;
}
