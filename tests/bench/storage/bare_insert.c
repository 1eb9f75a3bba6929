// SPDX-License-Identifier: Apache-2.0
#include "bare.h"
#include "subjects.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

enum { BATCH = 10000, SUBJECTS = 1000 };

static const double INSERT_S = 1;

static void check(int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE)
        bench_check("bare insert", RILL_ERR_IO);
}

static void insert_batch(sqlite3 *db, sqlite3_stmt *row, struct subjects *subjects, uint64_t first)
{
    check(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
    for (uint64_t i = first; i < first + BATCH; i++) {
        const struct rill_bytes subject = subjects_of(subjects, i);
        check(sqlite3_bind_int64(row, 1, (sqlite3_int64)i));
        check(sqlite3_bind_text(row, 2, (const char *)subject.data, (int)subject.len, SQLITE_STATIC));
        check(sqlite3_step(row));
        check(sqlite3_reset(row));
    }
    check(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[4200];
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

double bare_insert_rate(struct storage_bench *bench)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    struct subjects subjects;
    uint64_t count = 0;
    remove_files(bench->bare);
    subjects_init(&subjects, SUBJECTS, false);
    check(sqlite3_open(bench->bare, &db));
    check(sqlite3_exec(db,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE message"
                       " (sequence INTEGER PRIMARY KEY, subject TEXT) STRICT;"
                       " CREATE INDEX by_subject ON message (subject)",
                       NULL, NULL, NULL));
    check(sqlite3_prepare_v2(db, "INSERT INTO message VALUES (?1, ?2)", -1, &row, NULL));
    const double start = bench_clock_s(CLOCK_MONOTONIC);
    double now = start;
    for (; now - start < INSERT_S; now = bench_clock_s(CLOCK_MONOTONIC)) {
        insert_batch(db, row, &subjects, count + 1);
        count += BATCH;
    }
    check(sqlite3_finalize(row));
    check(sqlite3_close(db));
    remove_files(bench->bare);
    subjects_fini(&subjects);
    return (double)count / (now - start);
}
