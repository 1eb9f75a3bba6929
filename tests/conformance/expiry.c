// SPDX-License-Identifier: Apache-2.0
//
// How long messages live, by the age of their stream or by a time of their own, over files and in memory.
#include "stores.h"

#include "store_drive.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(expiry_conformance, .timeout = 60);

#define S RILL_NS_PER_S

static void open_with(struct stores_side *side, struct rill_store_limits limits)
{
    side->options.index = true;
    side->options.index_batch_bytes = 20000;
    side->options.limits = limits;
    stores_reopen(side, NULL);
}

/* `ttl` may be NULL. */
static uint64_t append(struct stores_side *side, const char *subject, int64_t time_ns, const char *ttl)
{
    char headers[64];
    (void)snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-TTL: %s\r\n\r\n", ttl ? ttl : "");
    struct rill_store_message message = {.time_ns = time_ns,
                                         .subject = rill_bytes_from_cstr(subject),
                                         .headers = rill_bytes_from_cstr(ttl ? headers : "")};
    cr_assert(eq(int, rill_store_append(side->store, &message), RILL_OK), "%s", side->name);
    return message.sequence;
}

struct heard {
    char text[256];
};

static void hear(void *context, const struct rill_store_gone *gone)
{
    struct heard *heard = context;
    const size_t used = strlen(heard->text);
    (void)snprintf(heard->text + used, sizeof heard->text - used, "%lu %.*s%s;",
                   (unsigned long)gone->sequence, (int)gone->subject.len, (const char *)gone->subject.data,
                   gone->is_last ? " last" : "");
}

/* What goes at this time, as it was heard; and when the store wants to be asked again. */
static struct heard expire(struct stores_side *side, int64_t now_ns, int64_t *ret_next_ns)
{
    struct rill_store_expired expired;
    struct heard heard = {.text = ""};
    stores_background(side);
    cr_assert(eq(int, drive_expire(side->store, now_ns, hear, &heard, &expired), RILL_OK), "%s", side->name);
    *ret_next_ns = expired.next_ns;
    return heard;
}

static void check_ttl(struct stores_side *side)
{
    int64_t next_ns;
    open_with(side, (struct rill_store_limits){.message_ttl = true});
    (void)append(side, "a", 10 * S, "5");
    (void)append(side, "b", 10 * S, "2s");
    (void)append(side, "a", 11 * S, NULL);
    (void)append(side, "c", 11 * S, "1m");
    (void)append(side, "c", 11 * S, "never");
    stores_commit(side);
    for (int i = 0; i < 2; i++) {
        cr_expect(eq(str, expire(side, 12 * S - 1, &next_ns).text, (char *)""));
        cr_expect(eq(i64, next_ns, 12 * S), "%s: also after an open", side->name);
        stores_reopen(side, NULL);
    }
    cr_expect(eq(str, expire(side, 15 * S, &next_ns).text, (char *)"2 b last;1 a;"));
    cr_expect(eq(i64, next_ns, 71 * S));
    cr_expect(eq(str, expire(side, 15 * S, &next_ns).text, (char *)""), "once is enough");
    stores_commit(side);
    cr_expect(eq(u64, stores_state(side).messages, 3));
    cr_expect(eq(str, expire(side, 1000 * S, &next_ns).text, (char *)"4 c;"));
    cr_expect(eq(i64, next_ns, RILL_NEVER_NS));
    stores_commit(side);
    cr_expect(eq(u64, stores_state(side).messages, 2));
}

// A message goes when the time in its header is over, whoever was appended before it, also after an open.
Test(expiry_conformance, a_message_lives_as_long_as_its_header_says)
{
    stores_each(check_ttl);
}

static void check_age(struct stores_side *side)
{
    int64_t next_ns;
    open_with(side, (struct rill_store_limits){.max_age_ns = 100 * S, .message_ttl = true});
    (void)append(side, "a", 10 * S, NULL);
    (void)append(side, "a", 20 * S, "never");
    (void)append(side, "b", 30 * S, "1000");
    (void)append(side, "b", 40 * S, NULL);
    (void)append(side, "a", 50 * S, "1");
    stores_commit(side);
    cr_expect(eq(str, expire(side, 51 * S, &next_ns).text, (char *)"5 a;"));
    cr_expect(eq(str, expire(side, 130 * S, &next_ns).text, (char *)"1 a;3 b;"));
    cr_expect(eq(i64, next_ns, 140 * S));
    stores_commit(side);
    cr_expect(eq(str, expire(side, 140 * S, &next_ns).text, (char *)"4 b last;"));
    stores_commit(side);
    stores_reopen(side, NULL);
    cr_expect(eq(str, expire(side, 9999 * S, &next_ns).text, (char *)""));
    cr_expect(eq(u64, stores_state(side).first_sequence, 2), "for ever");
}

// Age takes every message that is not to live for ever, and is told as any other end of a message.
Test(expiry_conformance, age_takes_what_is_not_for_ever)
{
    stores_each(check_age);
}

static void check_taken_back(struct stores_side *side)
{
    int64_t next_ns;
    open_with(side, (struct rill_store_limits){.max_age_ns = 10 * S});
    (void)append(side, "a", 1 * S, NULL);
    stores_commit(side);
    cr_expect(eq(str, expire(side, 20 * S, &next_ns).text, (char *)"1 a last;"));
    (void)append(side, "a", 20 * S, NULL);
    stores_reopen(side, NULL);
    cr_expect(eq(str, expire(side, 20 * S, &next_ns).text, (char *)"1 a last;"), "nothing was committed");
    (void)append(side, "a", 20 * S, NULL);
    stores_commit(side);
    cr_expect(eq(u64, stores_state(side).messages, 1));
}

// What was removed and not committed expires again.
Test(expiry_conformance, an_expiry_is_as_durable_as_its_commit)
{
    stores_each(check_taken_back);
}

static void check_many(struct stores_side *side)
{
    struct rill_store_expired expired;
    uint64_t removed = 0;
    open_with(side, (struct rill_store_limits){.message_ttl = true});
    for (int i = 0; i < 3000; i++) {
        (void)append(side, "a", i, i % 3 ? "1" : NULL);
        if (i % 100 == 99)
            stores_commit(side);
    }
    for (int i = 0; removed < 2000; i++) {
        cr_assert(i < 40);
        stores_background(side);
        const enum rill_err err = drive_expire(side->store, 2 * S, NULL, NULL, &expired);
        cr_assert(err == RILL_OK || err == RILL_ERR_AGAIN);
        cr_assert(gt(u64, expired.messages, 0));
        cr_assert(le(u64, expired.messages, 512), "in steps");
        removed += expired.messages;
        stores_commit(side);
    }
    cr_expect(eq(u64, stores_state(side).messages, 1000));
    cr_expect(eq(u64, removed, 2000));
}

// Many that are due at once go in steps, a commit for each.
Test(expiry_conformance, many_go_in_steps)
{
    stores_each(check_many);
}
