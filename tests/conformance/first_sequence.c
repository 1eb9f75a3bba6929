// SPDX-License-Identifier: Apache-2.0
//
// A stream that begins with a sequence of the caller's choice.
#include "stores.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(first_sequence_conformance);

enum { FIRST = 1000 };

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "another";

/* The empty store makes room for one that begins later. */
static void begin_anew(struct stores_side *side, bool index)
{
    rill_store_close(side->store);
    cr_assert(eq(int, rill_store_delete(side->options.disk, side->options.folder, &side->why), RILL_OK));
    side->options.first_sequence = FIRST;
    side->options.index = index;
    cr_assert(
        eq(int, rill_store_create(&side->options, identity, RILL_BYTES("at first"), &side->store, &side->why),
           RILL_OK),
        "%s: %s", side->name, side->why.text);
}

static void expect_state(struct stores_side *side, uint64_t first, uint64_t last, uint64_t messages)
{
    const struct rill_store_state state = stores_state(side);
    cr_expect(eq(u64, state.first_sequence, first));
    cr_expect(eq(u64, state.last_sequence, last));
    cr_expect(eq(u64, state.messages, messages));
    cr_expect(eq(u64, state.deleted, 0));
    cr_expect(eq(u64, state.lost_messages, 0));
}

static enum rill_err on_gap(void *context, uint64_t first, uint64_t last)
{
    cr_expect(gt(u64, first, last), "lost: %llu to %llu", (unsigned long long)first,
              (unsigned long long)last);
    return RILL_OK;
}

static void check(struct stores_side *side, bool index)
{
    const struct rill_store_visitor visitor = {.lost = on_gap};
    struct rill_store_message read;
    begin_anew(side, index);
    expect_state(side, FIRST, FIRST - 1, 0);
    stores_reopen(side, &visitor);
    expect_state(side, FIRST, FIRST - 1, 0);
    cr_expect(eq(u64, stores_append(side, "a", 10), FIRST));
    stores_append_many(side, "b", 5000, 100); // several segments
    stores_commit(side);
    cr_expect(eq(int, stores_read(side, FIRST, &read), RILL_OK));
    cr_expect(eq(int, stores_read(side, FIRST - 1, &read), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, stores_read(side, 1, &read), RILL_ERR_NOT_FOUND));
    expect_state(side, FIRST, FIRST + 5000, 5001);
    stores_reopen(side, &visitor);
    expect_state(side, FIRST, FIRST + 5000, 5001);
    cr_expect(eq(u64, stores_purge(side, 2000), 1000));
    stores_commit(side);
    stores_background(side);
    stores_reopen(side, &visitor);
    expect_state(side, 2000, FIRST + 5000, 4001);
}

static void check_without_index(struct stores_side *side)
{
    check(side, false);
}

static void check_with_index(struct stores_side *side)
{
    check(side, true);
}

// The first message gets the sequence that was asked for; what is in front of it is neither lost nor deleted.
Test(first_sequence_conformance, a_stream_begins_where_it_is_told_to)
{
    stores_each(check_without_index);
}

// The same with an index beside it.
Test(first_sequence_conformance, with_an_index_too)
{
    stores_each(check_with_index);
}
