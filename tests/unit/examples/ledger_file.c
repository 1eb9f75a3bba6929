// SPDX-License-Identifier: Apache-2.0
#include "ledger_file.h"

#include "order.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = SCRATCH_PATH_MAX + 32, WRITERS = 4, ORDERS = 200 };

static char folder[SCRATCH_PATH_MAX];
static char path[PATH_BYTES];

static void make_folder(void)
{
    cr_assert(scratch_create(folder));
    snprintf(path, sizeof path, "%s/ledger.csv", folder);
}

static void remove_folder(void)
{
    scratch_remove(folder);
}

TestSuite(ledger_file, .init = make_folder, .fini = remove_folder);

static bool enter(struct ledger *ledger, const char *order_id)
{
    return ledger_enter(ledger, &(struct ledger_entry){.order_id = order_id,
                                                       .stream_sequence = 1,
                                                       .worker = "w",
                                                       .deliveries = 1,
                                                       .outcome = "shipped"});
}

static size_t occurrences(const char *what)
{
    size_t len = 0;
    size_t count = 0;
    char *text = file_read(path, &len);
    cr_assert(text != NULL);
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    free(text);
    return count;
}

// The second entry of an order is "again", also when another worker made the first, and after that has
// closed.
Test(ledger_file, an_order_is_done_once_whoever_enters_it)
{
    struct ledger one, two;
    cr_assert(ledger_open(&one, path) && ledger_open(&two, path));
    cr_expect(enter(&one, "A") && enter(&two, "A") && enter(&two, "AA"));
    ledger_close(&one);
    cr_assert(ledger_open(&one, path));
    cr_expect(enter(&one, "AA"));
    ledger_close(&one);
    ledger_close(&two);
    cr_expect(eq(sz, occurrences(",done,"), 2));
    cr_expect(eq(sz, occurrences(",again,"), 2));
}

static void write_all_orders(void)
{
    struct ledger ledger;
    bool entered = ledger_open(&ledger, path);
    for (int i = 0; entered && i < ORDERS; i++) {
        char id[16];
        snprintf(id, sizeof id, "SO-%d", i);
        entered = enter(&ledger, id);
    }
    ledger_close(&ledger);
    _exit(entered ? 0 : 1);
}

// Several processes that enter the same orders at the same time make each of them done once.
Test(ledger_file, processes_at_once_do_each_order_once)
{
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            write_all_orders();
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        cr_assert(wait(&status) > 0);
        cr_expect(eq(int, status, 0));
    }
    cr_expect(eq(sz, occurrences(",done,"), ORDERS));
    cr_expect(eq(sz, occurrences(",again,"), ORDERS * (WRITERS - 1)));
}
