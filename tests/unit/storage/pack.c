// SPDX-License-Identifier: Apache-2.0
#include "pack.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

TestSuite(pack);

enum { SEED = 99, MESSAGES = 100, RUN_BYTES = MESSAGES * 128 };

static uint8_t run[RUN_BYTES];
static uint8_t packed[RUN_BYTES * 2];
static struct record_packed counts;

/* Messages with every second sequence from 11 on, and 0 for their checksums. */
static size_t make_run(void)
{
    size_t len = 0;
    counts = (struct record_packed){.sequence = 10};
    for (uint64_t i = 0; i < MESSAGES; i++) {
        const struct rill_store_message message = {.sequence = 11 + 2 * i,
                                                   .time_ns = 5,
                                                   .subject = RILL_BYTES("orders.new"),
                                                   .payload = RILL_BYTES("{\"item\": 42}")};
        record_put_message(run + len, SEED, &message);
        memset(run + len, 0, 8);
        len += record_message_size(&message);
        counts.record_count++;
        counts.message_count++;
        counts.last = message.sequence;
    }
    return len;
}

static struct record_packed put(size_t len, size_t *ret_size)
{
    struct record record;
    cr_assert(eq(int, pack_put(packed, SEED, &counts, rill_bytes_of(run, len), ret_size), RILL_OK));
    const size_t size = *ret_size;
    cr_assert(size > 0 && size < len / 4, "%zu of %zu bytes", size, len);
    cr_assert(record_get(packed, size, SEED, &record));
    cr_assert(eq(int, record.type, RECORD_PACKED));
    return record_packed_of(&record);
}

static enum rill_err open_it(const struct record_packed *read)
{
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    const enum rill_err err = pack_open_into(read, &bytes, &capacity);
    if (!err)
        cr_expect(eq(int, memcmp(bytes, run, read->bytes), 0));
    free(bytes);
    return err;
}

// What is packed comes back byte for byte, and takes less.
Test(pack, a_run_comes_back_as_it_was)
{
    size_t size;
    const size_t len = make_run();
    const struct record_packed read = put(len, &size);
    cr_expect(eq(u32, read.bytes, (uint32_t)len));
    cr_expect(eq(u64, read.sequence, 10));
    cr_expect(eq(u64, read.last, 11 + 2 * (MESSAGES - 1)));
    cr_expect(eq(int, open_it(&read), RILL_OK));
}

// V10: a packed record that says something else than what is in it is damage; one of an unknown codec is not for us.
Test(pack, what_does_not_hold_what_it_says_is_damage)
{
    size_t size;
    const struct record_packed good = put(make_run(), &size);
    struct record_packed bad = good;
    bad.record_count--;
    cr_expect(eq(int, open_it(&bad), RILL_ERR_DAMAGED), "records");
    bad = good;
    bad.message_count++;
    cr_expect(eq(int, open_it(&bad), RILL_ERR_DAMAGED), "messages");
    bad = good;
    bad.last++;
    cr_expect(eq(int, open_it(&bad), RILL_ERR_DAMAGED), "last");
    bad = good;
    bad.sequence = 11;
    cr_expect(eq(int, open_it(&bad), RILL_ERR_DAMAGED), "first");
    bad = good;
    bad.bytes += 8;
    cr_expect(eq(int, open_it(&bad), RILL_ERR_DAMAGED), "bytes");
    bad = good;
    bad.run.len--;
    cr_expect(eq(int, open_it(&bad), RILL_ERR_DAMAGED), "cut off");
    bad = good;
    bad.codec = 2;
    cr_expect(eq(int, open_it(&bad), RILL_ERR_UNSUPPORTED), "codec");
}

// V10: a message too far behind the one before it would make the reader's tables large.
Test(pack, sequences_far_apart_do_not_share_a_record)
{
    size_t size;
    const size_t len = make_run(), last = len - record_view(run).size;
    uint64_t far = 11 + 2 * (MESSAGES - 2) + PACK_GAP_MAX;
    memcpy(run + last + 16, &far, sizeof far);
    counts.last = far;
    const struct record_packed near = put(len, &size);
    cr_expect(eq(int, open_it(&near), RILL_OK));
    far++;
    memcpy(run + last + 16, &far, sizeof far);
    counts.last = far;
    const struct record_packed read = put(len, &size);
    cr_expect(eq(int, open_it(&read), RILL_ERR_DAMAGED));
}

// What does not become smaller is not packed.
Test(pack, random_bytes_stay_as_they_are)
{
    size_t size = 1;
    uint64_t state = 1;
    const size_t len = make_run();
    for (size_t i = 0; i < len; i++)
        run[i] = (uint8_t)((state = state * 6364136223846793005U + 1442695040888963407U) >> 56);
    cr_assert(eq(int, pack_put(packed, SEED, &counts, rill_bytes_of(run, len), &size), RILL_OK));
    cr_expect(eq(sz, size, 0));
}
