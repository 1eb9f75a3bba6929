// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(scan);

enum { SEED = 7, RECORDS = 50 };

static uint8_t bytes[RECORDS * 128];
static size_t places[RECORDS + 1];

static void fill(void)
{
    size_t at = 0;
    for (uint64_t i = 0; i < RECORDS; i++) {
        const struct rill_store_message message = {
            .sequence = i + 1,
            .subject = RILL_BYTES("orders"),
            .payload = rill_bytes_of("0123456789012345678901234567890", i % 30)};
        places[i] = at;
        record_put_message(bytes + at, SEED + at, &message);
        at += record_message_size(&message);
    }
    places[RECORDS] = at;
}

// Without damage, every record comes, in order.
Test(scan, all_records_come_in_order)
{
    fill();
    struct record_scan scan = record_scan_of(bytes, places[RECORDS], SEED);
    struct record_found found;
    for (uint64_t i = 0; i < RECORDS; i++) {
        cr_assert(record_scan_next(&scan, &found));
        cr_expect(eq(u64, found.record.sequence, i + 1));
        cr_expect(eq(sz, found.at, places[i]));
        cr_expect(not(found.damaged));
    }
    cr_expect(not(record_scan_next(&scan, &found)));
    cr_expect(not(found.damaged));
}

// A damaged record, whatever its length says now, is passed over, and all others come.
Test(scan, what_follows_a_damaged_record_is_found)
{
    for (uint64_t bad = 0; bad < RECORDS; bad++) {
        fill();
        memset(bytes + places[bad], (int)(bad * 5), 16); // checksum, length, type
        struct record_scan scan = record_scan_of(bytes, places[RECORDS], SEED);
        struct record_found found;
        uint64_t count = 0;
        while (record_scan_next(&scan, &found)) {
            cr_expect(found.record.sequence != bad + 1);
            cr_expect(eq(int, found.damaged, found.record.sequence == bad + 2));
            count++;
        }
        cr_expect(eq(u64, count, RECORDS - 1), "record %lu", (unsigned long)bad);
        cr_expect(eq(int, found.damaged, bad == RECORDS - 1));
    }
}

// Bytes that all claim to be long records end the search when its budget is used up, and are never taken for
// records.
Test(scan, a_search_has_a_budget)
{
    static uint8_t hostile[1 << 20];
    for (size_t at = 0; at < sizeof hostile; at += 8) {
        const uint32_t len = (uint32_t)(sizeof hostile - at) & ~7U;
        memcpy(hostile + at, &len, sizeof len); // the length of the record that begins 8 bytes earlier
        hostile[at + 4] = RECORD_MESSAGE;
    }
    struct record_scan scan = record_scan_of(hostile, sizeof hostile, SEED);
    struct record_found found;
    cr_expect(not(record_scan_next(&scan, &found)));
    cr_expect(found.damaged);
    cr_expect(eq(sz, scan.at, sizeof hostile));
    cr_expect(scan.budget < sizeof hostile);
}
