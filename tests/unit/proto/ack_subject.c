// SPDX-License-Identifier: Apache-2.0
#include "proto/ack_subject.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>

TestSuite(ack_subject);

// What is written is the first form, and it reads back with every number at its largest.
Test(ack_subject, the_first_form_survives)
{
    const struct rill_ack_subject ack = {
        .stream = RILL_BYTES("ORDERS"),
        .consumer = RILL_BYTES("worker"),
        .delivered = 1,
        .stream_seq = UINT64_MAX,
        .consumer_seq = 0,
        .timestamp_ns = INT64_MAX,
        .pending = 12,
    };
    struct rill_buf buf;
    rill_buf_init(&buf, 256);
    cr_assert(eq(int, rill_ack_subject_append(&ack, &buf), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&buf),
                                    "$JS.ACK.ORDERS.worker.1.18446744073709551615.0.9223372036854775807.12"));
    struct rill_ack_subject back;
    cr_assert(rill_ack_subject_parse(rill_buf_bytes(&buf), &back));
    cr_expect(rill_bytes_equal(back.stream, ack.stream) && rill_bytes_equal(back.consumer, ack.consumer));
    cr_expect(back.stream_seq == UINT64_MAX && back.timestamp_ns == INT64_MAX && back.pending == 12);
    rill_buf_fini(&buf);
}

static bool writes_what_is_appended(struct rill_ack_subject_writer *writer,
                                    const struct rill_ack_subject *ack)
{
    struct rill_ack_subject back;
    const struct rill_bytes text = rill_ack_subject_write(writer, ack);
    return rill_ack_subject_parse(text, &back) && rill_bytes_equal(back.stream, ack->stream) &&
           rill_bytes_equal(back.consumer, ack->consumer) && back.delivered == ack->delivered &&
           back.stream_seq == ack->stream_seq && back.consumer_seq == ack->consumer_seq &&
           back.timestamp_ns == ack->timestamp_ns && back.pending == ack->pending;
}

// Whatever a writer wrote before, and wherever numbers get longer or shorter, it writes each delivery as if it were the first.
Test(ack_subject, a_writer_says_each_delivery_anew)
{
    static const uint64_t starts[] = {0, 7, 95, 994, 1099, 99999995, 9999999999999999990u, UINT64_MAX - 20};
    const struct rill_bytes stream = RILL_BYTES("ORDERS"), consumer = RILL_BYTES("worker");
    struct rill_ack_subject_writer writer;
    rill_ack_subject_begin(&writer, stream, consumer);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        for (uint64_t step = 0; step < 20; step++) {
            const struct rill_ack_subject ack = {
                .stream = stream,
                .consumer = consumer,
                .delivered = step / 3,
                .stream_seq = starts[i] + step,
                .consumer_seq = starts[i] / 3 + 2 * step,
                .timestamp_ns = (int64_t)(starts[i] / 4 + step / 5 * 1234567),
                .pending = starts[i] + 20 - step,
            };
            cr_expect(writes_what_is_appended(&writer, &ack), "%" PRIu64 " + %" PRIu64, starts[i], step);
        }
    }
}

// The second form has the domain and the account in front, and may have more behind.
Test(ack_subject, the_second_form_is_understood)
{
    struct rill_ack_subject ack;
    cr_assert(rill_ack_subject_parse(RILL_BYTES("$JS.ACK.hub.AB12.S.C.1.2.3.4.5.token"), &ack));
    cr_expect(rill_bytes_equal_cstr(ack.domain, "hub") && rill_bytes_equal_cstr(ack.account_hash, "AB12"));
    cr_expect(rill_bytes_equal_cstr(ack.stream, "S") && ack.delivered == 1 && ack.pending == 5);
    cr_assert(rill_ack_subject_parse(RILL_BYTES("$JS.ACK._.AB12.S.C.1.2.3.4.5"), &ack));
    cr_expect(ack.domain.len == 0 && ack.stream_seq == 2 && ack.consumer_seq == 3);
}

// Anything else is no ack subject.
Test(ack_subject, other_subjects_are_refused)
{
    static const char *const wrong[] = {
        "",
        "$JS.ACK.",
        "$JS.ACK.S.C.1.2.3.4",
        "$JS.ACK.S.C.1.2.3.4.5.6",
        "$JS.ACK.S.C.1.2.3.4.x",
        "$JS.ACK.S.C.1.2.3.-4.5",
        "$JS.ACK..C.1.2.3.4.5",
        "$JS.ACK.S..1.2.3.4.5",
        "$JS.ACK.S.C.1..3.4.5",
        "$JS.FC.S.C.1.2.3.4.5",
        "$JS.ACK.S.C.1.18446744073709551616.3.4.5",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct rill_ack_subject ack = {.pending = 42};
        cr_expect(not(rill_ack_subject_parse(rill_bytes_from_cstr(wrong[i]), &ack)), "%s", wrong[i]);
        cr_expect(eq(u64, ack.pending, 42), "%s", wrong[i]);
    }
}
