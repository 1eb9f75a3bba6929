// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(record);

static const struct rill_store_message order = {
    .sequence = 812,
    .time_ns = 1700000000000000000,
    .subject = RILL_BYTES("orders.new"),
    .headers = RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: 7\r\n\r\n"),
    .payload = RILL_BYTES("{\"item\": 42}"),
};

enum { SEED = 99, ROOM = 256 };

static size_t put_order(uint8_t *at, uint64_t seed)
{
    memset(at, 0xEE, ROOM);
    record_put_message(at, seed, &order);
    return record_message_size(&order);
}

// What is put comes back, field by field, and the record is a multiple of 8 long.
Test(record, a_message_comes_back_as_it_was)
{
    uint8_t bytes[ROOM];
    struct record record;
    const size_t size = put_order(bytes, SEED);
    cr_assert(record_get(bytes, size, SEED, &record));
    cr_expect(eq(sz, record.size, size));
    cr_expect(eq(sz, size % 8, 0));
    cr_expect(eq(u64, record.sequence, 812));
    cr_expect(eq(i64, record.time_ns, order.time_ns));
    cr_expect(rill_bytes_equal(record.subject, order.subject));
    cr_expect(rill_bytes_equal(record.headers, order.headers));
    cr_expect(rill_bytes_equal(record.body, order.payload));
}

// The layout is the one of docs/STORAGE-FORMAT.md, byte for byte.
Test(record, the_layout_is_that_of_the_format)
{
    uint8_t bytes[ROOM];
    const struct rill_store_message message = {.sequence = 0x0102,
                                               .time_ns = 0x0304,
                                               .subject = RILL_BYTES("s"),
                                               .headers = RILL_BYTES("hh"),
                                               .payload = RILL_BYTES("ppp")};
    static const uint8_t expected[] = {
        42, 0, 0, 0, 2, 0, 1, 0, 2,   1,   0,   0,   0,   0,   0, 0, 4, 3, 0, 0,
        0,  0, 0, 0, 2, 0, 0, 0, 's', 'h', 'h', 'p', 'p', 'p', 0, 0, 0, 0, 0, 0,
    };
    record_put_message(bytes, SEED, &message);
    cr_expect(eq(sz, record_message_size(&message), 48));
    cr_expect(eq(int, memcmp(bytes + 8, expected, sizeof expected), 0));
}

// Parts may be empty, all of them.
Test(record, an_empty_message_is_a_message)
{
    uint8_t bytes[ROOM];
    struct record record;
    const struct rill_store_message message = {.sequence = 1};
    record_put_message(bytes, SEED, &message);
    cr_assert(record_get(bytes, 40, SEED, &record));
    cr_expect(eq(sz, record.subject.len + record.headers.len + record.body.len, 0));
}

// V6: any flipped bit, padding included, makes a record invalid.
Test(record, any_flipped_bit_is_seen)
{
    uint8_t bytes[ROOM];
    struct record record;
    const size_t size = put_order(bytes, SEED);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect(not(record_get(bytes, size, SEED, &record)), "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_expect(record_get(bytes, size, SEED, &record));
}

// A record that stands elsewhere than where it was written is not valid there.
Test(record, a_misplaced_record_is_seen)
{
    uint8_t bytes[ROOM];
    struct record record;
    const size_t size = put_order(bytes, SEED);
    cr_expect(not(record_get(bytes, size, SEED + 8, &record)));
}

// V4: a record that does not end within its room is not valid, and nothing behind the room is read.
Test(record, a_record_must_end_within_its_room)
{
    uint8_t bytes[ROOM];
    struct record record;
    const size_t size = put_order(bytes, SEED);
    for (size_t room = 0; room < size; room++) {
        uint8_t *exact = malloc(room ? room : 1); // ASan watches its end
        memcpy(exact, bytes, room);
        cr_expect(not(record_get(exact, room, SEED, &record)), "room %zu", room);
        free(exact);
    }
}

static struct record_commit commit_of(uint64_t number)
{
    return (struct record_commit){.number = number,
                                  .sequence = 811,
                                  .time_ns = 5,
                                  .bytes = 56 + 2 * 64,
                                  .record_count = 2,
                                  .message_count = 1};
}

// V8: a commit follows a smaller number and no larger sequence, and its counts fit into its bytes.
Test(record, a_commit_must_follow_the_one_before)
{
    uint8_t bytes[RECORD_COMMIT_BYTES];
    struct record_commit read, commit = commit_of(10);
    record_put_commit(bytes, SEED, &commit);
    cr_assert(record_get_commit(bytes, sizeof bytes, SEED, 9, 811, &read));
    cr_expect(eq(u64, read.number, 10));
    cr_expect(eq(u32, read.bytes, commit.bytes));
    cr_expect(eq(u32, read.message_count, 1));
    cr_expect(not(record_get_commit(bytes, sizeof bytes, SEED, 10, 811, &read)), "not after itself");
    cr_expect(not(record_get_commit(bytes, sizeof bytes, SEED, 9, 812, &read)),
              "not behind a later sequence");
    cr_expect(not(record_get_commit(bytes, sizeof bytes - 1, SEED, 9, 811, &read)), "not cut off");
    commit.bytes = 56 + 2 * 32 - 8;
    record_put_commit(bytes, SEED, &commit);
    cr_expect(not(record_get_commit(bytes, sizeof bytes, SEED, 9, 811, &read)), "too small for its records");
}

// V8: a merged commit stands for those in front of it as well, and says how far it reaches.
Test(record, a_merged_commit_must_follow_with_its_first)
{
    uint8_t bytes[RECORD_MERGED_BYTES];
    struct record_commit read, commit = commit_of(10);
    commit.head_bytes = RECORD_MERGED_BYTES;
    commit.merged = 3;
    commit.last = 900;
    commit.message_count = 40; // packed ones among them
    record_put_commit(bytes, SEED, &commit);
    cr_assert(record_get_commit(bytes, sizeof bytes, SEED, 6, 811, &read));
    cr_expect(record_commit_is_merged(&read));
    cr_expect(eq(u64, record_commit_first(&read), 7));
    cr_expect(eq(u64, read.last, 900));
    cr_expect(not(record_get_commit(bytes, sizeof bytes, SEED, 7, 811, &read)), "7 is in it");
    cr_expect(not(record_get_commit(bytes, sizeof bytes - 8, SEED, 6, 811, &read)), "not cut off");
    commit.last = 850;
    record_put_commit(bytes, SEED, &commit);
    cr_expect(not(record_get_commit(bytes, sizeof bytes, SEED, 6, 811, &read)), "40 messages do not fit");
}

// An erased record takes the place of a message: as many bytes, the same sequence, and nothing else of it.
Test(record, an_erased_record_keeps_only_the_place)
{
    uint8_t bytes[ROOM];
    struct record record;
    const size_t size = put_order(bytes, SEED);
    record_put_erased(bytes, SEED, order.sequence, size);
    cr_assert(record_get(bytes, size, SEED, &record));
    cr_expect(eq(int, record.type, RECORD_ERASED));
    cr_expect(record_is_numbered(record.type));
    cr_expect(eq(u64, record.sequence, order.sequence));
    cr_expect(eq(sz, record.size, size));
    for (size_t i = 24; i < size; i++)
        cr_expect(eq(u8, bytes[i], 0), "byte %zu", i);
}

// An erase says which message, and where it is; and it removes as a delete does.
Test(record, an_erase_comes_back_as_it_was)
{
    uint8_t bytes[RECORD_ERASE_BYTES];
    struct record record;
    const struct record_erase erase = {.sequence = 4, .bytes = 96, .segment = 7, .offset = 8888};
    record_put_erase(bytes, SEED, 20, 30, &erase);
    cr_assert(record_get(bytes, sizeof bytes, SEED, &record));
    const struct record_erase read = record_erase_of(&record);
    cr_expect(eq(u64, read.segment, 7));
    cr_expect(eq(u64, read.offset, 8888));
    cr_expect(eq(u64, record_delete_of(&record).sequence, 4));
    cr_expect(eq(u32, record_delete_of(&record).bytes, 96));
}

// Events and checkpoints carry their bytes as they are.
Test(record, an_event_keeps_its_bytes)
{
    uint8_t bytes[ROOM];
    struct record record;
    record_put_body(bytes, SEED, RILL_STORE_EVENT_CONSUMER_STATE, 7, 8, RILL_BYTES("acked 5"));
    cr_assert(record_get(bytes, record_body_size(7), SEED, &record));
    cr_expect(eq(int, record.type, RILL_STORE_EVENT_CONSUMER_STATE));
    cr_expect(rill_bytes_equal_cstr(record.body, "acked 5"));
}
