// SPDX-License-Identifier: Apache-2.0
//
// A stream that keeps the newest messages of each subject, and power cuts at every operation of the disk.
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(limit_crash, .timeout = 280);

enum { ROUNDS = 40, SUBJECTS = 7, KEPT = 2 };

static struct rill_store_options options_of(struct rill_disk *disk)
{
    return (struct rill_store_options){
        .disk = disk,
        .folder = "store/$G/KV",
        .segment_bytes = 16 << 10,
        .cache_bytes_max = 1,
        .index = true,
        .index_log_bytes = 24 << 10,
        .limits = {.max_messages_per_subject = KEPT},
    };
}

/* One message of each subject, in one commit. */
static enum rill_err append_round(struct rill_store *store)
{
    static const uint8_t payload[200];
    enum rill_err err = RILL_OK;
    for (int i = 0; !err && i < SUBJECTS; i++) {
        char subject[16];
        const int len = snprintf(subject, sizeof subject, "key.%d", i);
        struct rill_store_message message = {.subject = rill_bytes_of(subject, (size_t)len),
                                             .payload = rill_bytes_of(payload, sizeof payload)};
        err = rill_store_append(store, &message);
    }
    err = err ? err : drive_commit(store);
    return err ? err : drive_background(store);
}

/* Lives until the end, or until the power goes; returns the rounds that were committed. */
static int live(struct rill_disk *disk)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
    const struct rill_store_options options = options_of(disk);
    struct rill_store *store = NULL;
    struct rill_error_text why;
    enum rill_err err = rill_store_create(&options, identity, RILL_BYTES(""), &store, &why);
    for (int i = 0; !err && i < ROUNDS; i++)
        err = append_round(store);
    const int rounds = store ? (int)(drive_state(store).last_sequence / SUBJECTS) : 0;
    cr_assert(err == RILL_OK || sim_disk_is_off(disk), "the store failed by itself: %s", rill_err_text(err));
    rill_store_close(store);
    return rounds;
}

static void expect_newest(struct rill_store *store, int subject, uint64_t rounds)
{
    char text[16];
    struct rill_store_subject found = {.count = 0};
    enum rill_err err;
    const struct rill_bytes name =
        rill_bytes_of(text, (size_t)snprintf(text, sizeof text, "key.%d", subject));
    while ((err = rill_store_subject(store, name, &found)) == RILL_ERR_AGAIN)
        cr_assert(eq(int, drive_work(store), RILL_OK));
    cr_assert(eq(int, err, rounds ? RILL_OK : RILL_ERR_NOT_FOUND));
    cr_expect(eq(u64, found.count, rounds < KEPT ? rounds : KEPT));
    cr_expect(eq(u64, found.last_sequence, rounds ? (rounds - 1) * SUBJECTS + (uint64_t)subject + 1 : 0));
}

static void live_on(struct rill_disk *disk, int committed)
{
    const struct rill_store_options options = options_of(disk);
    struct rill_store *store = NULL;
    struct rill_error_text why;
    const enum rill_err err = rill_store_open(&options, NULL, &store, NULL, &why);
    if (err == RILL_ERR_NOT_FOUND && !committed)
        return;
    cr_assert(eq(int, err, RILL_OK), "%s", why.text);
    for (int i = 0; i < 2; i++) {
        const uint64_t rounds = drive_state(store).last_sequence / SUBJECTS;
        cr_expect(ge(u64, rounds, (uint64_t)committed + (uint64_t)i));
        for (int subject = 0; subject < SUBJECTS; subject++)
            expect_newest(store, subject, rounds);
        cr_assert(eq(int, append_round(store), RILL_OK));
    }
    rill_store_close(store);
}

// Whenever the power goes, each subject has its newest messages, as many as the limit says and no more, and so it goes on.
Test(limit_crash, each_subject_keeps_its_newest_over_a_power_cut)
{
    bool ended = false;
    for (uint64_t crash_at = 1; !ended; crash_at++) {
        struct rill_disk *disk = sim_disk_create(crash_at);
        sim_disk_crash_at(disk, crash_at);
        const int rounds = live(disk);
        ended = !sim_disk_is_off(disk);
        cr_assert(crash_at > 200 || !ended, "so few operations crash nothing");
        if (!ended) {
            sim_disk_restart(disk);
            live_on(disk, rounds);
        }
        sim_disk_destroy(disk);
    }
}
