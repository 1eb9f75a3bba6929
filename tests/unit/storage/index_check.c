// SPDX-License-Identifier: Apache-2.0
//
// `rilld store verify` on a stream with an index: right, wrong and damaged ones; and `reindex`, which makes it again.
#include "index.h"
#include "proto/message.h"
#include "proto/stream_log.pb-c.h"
#include "store_drive.h"
#include "tool.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MESSAGES = 3000, DELETED = 7, PURGED_BELOW = 100, WITH_ID = 2000 };

static const int64_t window_ns = 1000000000;

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "index check";
static char root[64], folder[96], path[128];
static struct rill_error_text why;

static void subject_of(uint64_t sequence, char text[32])
{
    (void)snprintf(text, 32, "orders.%u", (unsigned)(sequence % 37));
}

/* Says that ids are remembered for the window. */
static void put_checkpoint(struct rill_buf *out)
{
    Rill__StreamCheckpoint checkpoint = RILL__STREAM_CHECKPOINT__INIT;
    Rill__StreamRecord record = RILL__STREAM_RECORD__INIT;
    Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
    config.has_duplicate_window = true;
    config.duplicate_window = window_ns;
    record.config = &config;
    checkpoint.stream = &record;
    rill_buf_init(out, 4096);
    cr_assert(eq(int, rill_message_pack(&checkpoint.base, out), RILL_OK));
}

static void make_stream(void)
{
    const struct rill_store_options options = {.disk = rill_disk_real(), .folder = folder};
    struct rill_store_purged purged;
    struct rill_store *store;
    struct rill_buf checkpoint;
    put_checkpoint(&checkpoint);
    cr_assert(
        eq(int, rill_store_create(&options, identity, rill_buf_bytes(&checkpoint), &store, &why), RILL_OK));
    rill_buf_fini(&checkpoint);
    for (uint64_t i = 1; i <= MESSAGES; i++) {
        char text[32];
        subject_of(i, text);
        struct rill_store_message message = {.subject = rill_bytes_from_cstr(text),
                                             .payload = RILL_BYTES("an order")};
        if (i == WITH_ID)
            message.headers = RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: one\r\n\r\n");
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    }
    cr_assert(eq(int, rill_store_append_delete(store, MESSAGES - DELETED), RILL_OK));
    cr_assert(eq(int, rill_store_append_purge(store, PURGED_BELOW, &purged), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    rill_store_close(store);
    (void)unlink(path); // the store's own, to be made as a test wants it
}

/* What the index is told instead of the truth. */
struct lie {
    uint64_t of_another_subject;
    uint64_t left_out;
    bool delete_left_out;
};

static struct rill_index *make_index(struct lie lie)
{
    const struct rill_index_options options = {.path = path, .log_sequence = MESSAGES, .discard = true};
    struct rill_index_options named = options;
    enum rill_index_found found;
    struct rill_index_position position;
    struct rill_index *index;
    memcpy(named.identity, identity, sizeof identity);
    cr_assert(eq(int, rill_index_open(&named, &index, &found, &position, &why), RILL_OK));
    for (uint64_t i = 1; i <= MESSAGES; i++) {
        char text[32];
        subject_of(i + (i == lie.of_another_subject), text);
        if (i != lie.left_out)
            cr_assert(eq(
                int,
                rill_index_feed(index, &(struct rill_index_message){.sequence = i,
                                                                    .time_ns = (int64_t)i,
                                                                    .subject = rill_bytes_from_cstr(text)}),
                RILL_OK));
    }
    char text[32];
    subject_of(MESSAGES - DELETED, text);
    if (!lie.delete_left_out)
        cr_assert(eq(int, rill_index_delete(index, MESSAGES - DELETED, rill_bytes_from_cstr(text)), RILL_OK));
    rill_index_purge_below(index, PURGED_BELOW);
    const struct rill_index_block block = {.number = 1, .segment = 1, .offset = 8192, .length = 1 << 24};
    cr_assert(eq(int, rill_index_seal(index, &block), RILL_OK));
    cr_assert(eq(int, rill_index_rotate(index, NULL), RILL_OK));
    struct rill_index_job *job = rill_index_job_start(index);
    cr_assert(job != NULL);
    rill_index_job_run(job);
    cr_assert(eq(int, rill_index_job_finish(index, job), RILL_OK));
    return index;
}

static int run(char *command, char *text, size_t size)
{
    char *const argv[] = {"store", command, folder};
    FILE *out = fmemopen(text, size, "w"), *err = fopen("/dev/null", "we");
    const int status = rill_store_tool_run(3, argv, out, err);
    (void)fclose(out);
    (void)fclose(err);
    return status;
}

static void expect(char *command, int status, const char *wanted)
{
    char text[8192] = "";
    cr_expect(eq(int, run(command, text, sizeof text), status), "%s: %s", command, text);
    cr_expect(strstr(text, wanted) != NULL, "no '%s' in: %s", wanted, text);
}

static void expect_verified(int status, const char *wanted)
{
    expect("verify", status, wanted);
}

static void setup(void)
{
    strcpy(root, "/tmp/rill-index-check-XXXXXX");
    cr_assert(mkdtemp(root) != NULL);
    (void)snprintf(folder, sizeof folder, "%s/A/S", root);
    (void)snprintf(path, sizeof path, "%s/index.db", folder);
    make_stream();
}

static void teardown(void)
{
    char account[80];
    cr_assert(eq(int, rill_store_delete(rill_disk_real(), folder, &why), RILL_OK), "%s", why.text);
    (void)snprintf(account, sizeof account, "%s/A", root);
    (void)rmdir(account);
    (void)rmdir(root);
}

TestSuite(index_check, .init = setup, .fini = teardown);

// An index that says what the log says is sound.
Test(index_check, an_index_that_agrees_with_the_log_is_sound)
{
    rill_index_close(make_index((struct lie){0}));
    expect_verified(TOOL_SOUND, "SOUND");
}

// One that was left as a kill leaves it, with a write-ahead log, is read from a copy, and left as it was.
Test(index_check, an_index_with_a_write_ahead_log_is_read_from_a_copy)
{
    sqlite3 *owner;
    char wal[160];
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    rill_index_close(make_index((struct lie){0}));
    cr_assert(eq(int, sqlite3_open(path, &owner), SQLITE_OK));
    cr_assert(eq(int, sqlite3_exec(owner, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK));
    cr_assert(eq(int, access(wal, F_OK), 0), "there is no write-ahead log");
    expect_verified(TOOL_SOUND, "SOUND");
    cr_expect(eq(int, access(wal, F_OK), 0));
    cr_assert(eq(int, sqlite3_close(owner), SQLITE_OK));
}

// Whatever an index says wrong is found.
Test(index_check, an_index_that_disagrees_with_the_log_is_damage)
{
    static const struct {
        struct lie lie;
        const char *wanted;
    } rows[] = {
        {{.of_another_subject = 1500}, "another subject for message 1500"},
        {{.left_out = 2000}, "does not name message 2000"},
        {{.delete_left_out = true}, "names what the log has not, message 2993"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rill_index_close(make_index(rows[i].lie));
        expect_verified(TOOL_DAMAGE, rows[i].wanted);
    }
}

/* Flips a bit so many bytes in front of the file's end. */
static void flip(const char *file, off_t from_end)
{
    const int fd = open(file, O_RDWR | O_CLOEXEC);
    const off_t at = lseek(fd, 0, SEEK_END) - from_end;
    uint8_t byte;
    cr_assert(eq(int, (int)pread(fd, &byte, 1, at), 1));
    byte ^= 0x10;
    cr_assert(eq(int, (int)pwrite(fd, &byte, 1, at), 1));
    (void)close(fd);
}

// A page that was changed on the disk is found, even one that nothing would ask for.
Test(index_check, a_damaged_page_is_found)
{
    rill_index_close(make_index((struct lie){0}));
    flip(path, 2000);
    expect_verified(TOOL_DAMAGE, "is damaged in the page at");
}

// ---- reindex ----

static struct rill_store *open_stream(void)
{
    const struct rill_store_options options = {
        .disk = rill_disk_real(), .folder = folder, .index = true, .id_window_ns = window_ns};
    struct rill_store *store;
    struct rill_store_report report;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, &report, &why), RILL_OK), "%s", why.text);
    cr_expect(eq(u64, report.messages, 0), "the index was not used");
    return store;
}

// However wrong an index is, or not there at all, reindex makes one that agrees with the log, and that an open goes on from.
Test(index_check, reindex_makes_what_agrees_with_the_log)
{
    static const struct lie lies[] = {{.of_another_subject = 1500}, {.left_out = 2000}, {0}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        rill_index_close(make_index(lies[i]));
        if (i == 2)
            flip(path, 2000);
        expect_verified(TOOL_DAMAGE, "index.db");
        expect("reindex", TOOL_SOUND, "SOUND");
        expect_verified(TOOL_SOUND, "SOUND");
    }
    cr_assert(eq(int, unlink(path), 0));
    expect("reindex", TOOL_SOUND, "SOUND");
    cr_expect(eq(int, access(path, F_OK), 0));
    rill_store_close(open_stream());
}

// The ids of the stream's own window are in it.
Test(index_check, reindex_remembers_ids_for_the_streams_window)
{
    uint64_t sequence = 0;
    expect("reindex", TOOL_SOUND, "SOUND");
    struct rill_store *store = open_stream();
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("one"), 0, &sequence), RILL_OK));
    cr_expect(eq(u64, sequence, WITH_ID));
    rill_store_close(store);
}

// A message that was still to be overwritten is, and does not keep the index from being made.
Test(index_check, reindex_finishes_an_erase)
{
    expect("reindex", TOOL_SOUND, "SOUND");
    struct rill_store *store = open_stream();
    cr_assert(eq(int, drive_erase(store, 1000), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    rill_store_close(store);
    expect("reindex", TOOL_SOUND, "SOUND");
    store = open_stream();
    cr_expect(eq(u64, drive_state(store).erasing, 0));
    rill_store_close(store);
}

// Damage in the log is told as verify tells it, and what is sound is in the index.
Test(index_check, reindex_tells_of_damage_in_the_log)
{
    char segment[160], text[8192] = "";
    (void)snprintf(segment, sizeof segment, "%s/0000000000000001.seg", folder);
    const int fd = open(segment, O_RDWR | O_CLOEXEC);
    cr_assert(eq(int, (int)pwrite(fd, "damage", 6, 100000), 6));
    (void)close(fd);
    expect("reindex", TOOL_DAMAGE, "damaged");
    cr_expect(eq(int, access(path, F_OK), 0));
    cr_expect(eq(int, run("verify", text, sizeof text), TOOL_DAMAGE));
    cr_expect(strstr(text, "folder: index") == NULL, "%s", text);
}

// A stream that is in use is left alone.
Test(index_check, reindex_keeps_off_a_stream_in_use)
{
    const struct rill_store_options options = {.disk = rill_disk_real(), .folder = folder};
    struct rill_store *store;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    expect("reindex", TOOL_FAILED, "");
    cr_expect(ne(int, access(path, F_OK), 0));
    rill_store_close(store);
}
