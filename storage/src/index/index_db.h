// SPDX-License-Identifier: Apache-2.0
//
// One connection to index.db: opening, the schema, its statements. docs/STORAGE-FORMAT.md, "The index", has the
// tables column by column.
#pragma once

#include "index.h"
#include "index_vfs.h"

#include <sqlite3.h>

enum {
    INDEX_VERSION = 3,               // any other one is thrown away and built again
    INDEX_CACHE_KIB = 2048,          // of one connection
    INDEX_POSITIONS_MAX = 512,       // of one posting
    INDEX_ERA_POSTINGS = 256000,     // an era with as many postings ends with its batch
    INDEX_ERA_BITS = 62,             // of subject.eras
    INDEX_RUN_IDS = 2000000,         // a run with as many ids ends with its batch
    INDEX_RUNS_PER_WINDOW = 4,       // a run that is older than this part of the window, too
    INDEX_IDS_DROPPED_MAX = 1 << 20, // in one job; more than a batch brings
};

/* name, SQL. The parameters are bound by the functions that use them. rill_fed() is the writer's: see writer_subjects.h. */
#define INDEX_STATEMENT_TABLE(X)                                                                             \
    X(BEGIN, "BEGIN")                                                                                        \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                        \
    X(COMMIT, "COMMIT")                                                                                      \
    X(STATE, "SELECT version, identity, block, segment, \"offset\", sequence, first_sequence, ids_sequence " \
             "FROM state")                                                                                   \
    X(STATE_SET, "UPDATE state SET block=?1, segment=?2, \"offset\"=?3, sequence=?4, first_sequence=?5")     \
    X(STATE_IDS, "UPDATE state SET ids_sequence=?1")                                                         \
    X(SUMMARY, "SELECT summary FROM state WHERE summary IS NOT NULL")                                        \
    X(SUMMARY_SET, "UPDATE state SET summary=?1")                                                            \
    X(SEGMENTS, "SELECT number, first_sequence, end_sequence, messages, bytes, live_messages, live_bytes, "  \
                "first_time_ns, last_time_ns FROM segment ORDER BY number")                                  \
    X(SEGMENT_SET, "INSERT OR REPLACE INTO segment VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")              \
    X(SEGMENT_DROP, "DELETE FROM segment WHERE number<?1")                                                   \
    X(DETAIL, "SELECT detail FROM segment_detail WHERE number=?1")                                           \
    X(DETAIL_SET, "INSERT OR REPLACE INTO segment_detail VALUES(?1, ?2)")                                    \
    X(DETAIL_DROP, "DELETE FROM segment_detail WHERE number<?1")                                             \
    X(SUBJECT_ID, "SELECT id, fed, deleted, live, eras FROM subject WHERE subject=?1")                       \
    X(SUBJECT_TEXT, "SELECT id, fed, deleted, live, eras, subject FROM subject WHERE id=?1")                 \
    X(SUBJECT_RANGE, "SELECT id, subject, live FROM subject WHERE subject>=?1 ORDER BY subject")             \
    X(SUBJECT_NEWER, "SELECT id, subject FROM subject WHERE id>?1 ORDER BY id")                              \
    X(SUBJECT_LAST_ID, "SELECT max(id) FROM subject")                                                        \
    X(SUBJECT_IDS, "SELECT id, subject FROM subject WHERE subject>=?1 ORDER BY subject")                     \
    X(SUBJECT_FED, "SELECT id, fed FROM subject WHERE id>=?1 ORDER BY id")                                   \
    X(SUBJECT_ADD, "INSERT INTO subject(subject, fed, deleted, live, eras) VALUES(?1, ?2, 0, ?2, ?3)")       \
    X(SUBJECT_MORE, "UPDATE subject SET fed=fed+?2, live=live+?2, eras=eras|?3 WHERE id=?1")                 \
    X(SUBJECT_MORE_ALL,                                                                                      \
      "UPDATE subject SET fed=fed+rill_fed(0, id), live=live+rill_fed(0, id), eras=eras|?3 "                 \
      "WHERE id BETWEEN ?1 AND ?2 AND rill_fed(0, id)>0")                                                    \
    X(SUBJECT_DELETED, "UPDATE subject SET deleted=deleted+?2, live=live-?2 WHERE id=?1")                    \
    X(SUBJECT_PURGED, "UPDATE subject SET live=live-?2 WHERE id=?1")                                         \
    X(SUBJECT_DROP, "DELETE FROM subject WHERE id=?1 AND live=0")                                            \
    X(ERAS, "SELECT era, first, last, postings FROM era ORDER BY era")                                       \
    X(ERA_LAST, "SELECT era, first, last, postings FROM era ORDER BY era DESC LIMIT 1")                      \
    X(ERA_OF, "SELECT era FROM era WHERE last>=?1 ORDER BY last LIMIT 1")                                    \
    X(ERA_SET, "INSERT OR REPLACE INTO era VALUES(?1, ?2, ?3, ?4)")                                          \
    X(ERA_BELOW, "SELECT era FROM era WHERE last<?1 ORDER BY era LIMIT 1")                                   \
    X(ERA_DROP, "DELETE FROM era WHERE era=?1")                                                              \
    X(POSTING_AT, "SELECT last, first, before, fed, live, positions FROM posting "                           \
                  "WHERE era=?1 AND subject=?2 AND last>=?3 ORDER BY last LIMIT 1")                          \
    X(POSTING_BACK, "SELECT last, first, before, fed, live, positions FROM posting "                         \
                    "WHERE era=?1 AND subject=?2 AND last<?3 ORDER BY last DESC LIMIT 1")                    \
    X(POSTING_LIVE, "SELECT coalesce(sum(live), 0) FROM posting "                                            \
                    "WHERE era=?1 AND subject=?2 AND last>?3 AND last<?4")                                   \
    X(POSTING_ADD, "INSERT INTO posting(era, subject, last, first, before, fed, live, positions) "           \
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)")                                                 \
    X(POSTING_ADD_ALL, "INSERT INTO posting(era, subject, last, first, before, fed, live, positions) "       \
                       "SELECT ?3, id, rill_fed(1, id), rill_fed(2, id), rill_fed(3, id), rill_fed(4, id), " \
                       "rill_fed(4, id), rill_fed(5, id) FROM subject "                                      \
                       "WHERE id BETWEEN ?1 AND ?2 AND rill_fed(0, id)>0")                                   \
    X(POSTING_SET, "UPDATE posting SET live=?4, positions=?5 WHERE era=?1 AND subject=?2 AND last=?3")       \
    X(POSTING_EMPTY, "DELETE FROM posting WHERE era=?1 AND subject=?2 AND last=?3")                          \
    X(POSTING_DROP, "DELETE FROM posting WHERE era=?1 AND subject=?2 AND last<?3 RETURNING live")            \
    X(POSTING_OF_ERA, "SELECT subject FROM posting WHERE era=?1 LIMIT 1")                                    \
    X(BLOCK_AT, "SELECT last, first, subjects FROM block WHERE last>=?1 ORDER BY last LIMIT 1")              \
    X(BLOCK_TIME, "SELECT first, last FROM block WHERE last_time_ns>=?1 AND last>=?2 "                       \
                  "ORDER BY last_time_ns, last LIMIT 1")                                                     \
    X(BLOCK_ADD, "INSERT INTO block(last, first, number, segment, \"offset\", length, first_time_ns, "       \
                 "last_time_ns, live, subjects) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")            \
    X(BLOCK_SET, "UPDATE block SET live=?2, subjects=?3 WHERE last=?1")                                      \
    X(BLOCK_DROP, "DELETE FROM block WHERE last=?1")                                                         \
    X(RUNS, "SELECT run, first_time_ns, last_time_ns, ids FROM id_run ORDER BY run")                         \
    X(RUN_LAST, "SELECT run, first_time_ns, last_time_ns, ids FROM id_run ORDER BY run DESC LIMIT 1")        \
    X(RUN_SET, "INSERT OR REPLACE INTO id_run VALUES(?1, ?2, ?3, ?4)")                                       \
    X(RUN_BEFORE, "SELECT run FROM id_run WHERE last_time_ns<?1 ORDER BY run LIMIT 1")                       \
    X(RUN_DROP, "DELETE FROM id_run WHERE run=?1")                                                           \
    X(ID_AT, "SELECT sequence, time_ns FROM msg_id WHERE run=?1 AND high=?2 AND low=?3")                     \
    X(ID_ADD, "INSERT OR REPLACE INTO msg_id VALUES(?1, ?2, ?3, ?4, ?5)")                                    \
    X(ID_DROP_SOME, "DELETE FROM msg_id WHERE run=?1 AND high<=coalesce("                                    \
                    "(SELECT high FROM msg_id WHERE run=?1 ORDER BY high LIMIT 1 OFFSET ?2), "               \
                    "0x7fffffffffffffff)")                                                                   \
    X(IDS_AFTER, "SELECT run, high, low, sequence, time_ns FROM msg_id WHERE (run, high, low)>(?1, ?2, ?3) " \
                 "ORDER BY run, high, low")                                                                  \
    X(IDS_DROP_BEHIND, "DELETE FROM msg_id WHERE sequence>?1")                                               \
    X(STATE_IDS_MOST, "UPDATE state SET ids_sequence=min(ids_sequence, ?1)")                                 \
    X(EXPIRY_ANY, "SELECT 1 FROM expiry LIMIT 1")                                                            \
    X(EXPIRY_AFTER, "SELECT expire_ns, sequence, subject FROM expiry WHERE (expire_ns, sequence)>(?1, ?2) "  \
                    "ORDER BY expire_ns, sequence")                                                          \
    X(EXPIRY_ADD, "INSERT INTO expiry VALUES(?1, ?2, ?3)")                                                   \
    X(EXPIRY_DELETE, "DELETE FROM expiry WHERE sequence=?1")                                                 \
    X(EXPIRY_DROP, "DELETE FROM expiry WHERE sequence<=?1")                                                  \
    X(GENERATION, "PRAGMA user_version")                                                                     \
    X(CHECKPOINT, "PRAGMA wal_checkpoint(PASSIVE)")

enum index_statement {
#define INDEX_STATEMENT_ENUM(name, sql) INDEX_##name,
    INDEX_STATEMENT_TABLE(INDEX_STATEMENT_ENUM)
#undef INDEX_STATEMENT_ENUM
        INDEX_STATEMENTS
};

struct index_db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[INDEX_STATEMENTS]; // prepared when first used
    struct fed_list *fed;                       // what rill_fed() tells of; NULL while nobody calls it
};

struct index_db_state {
    uint64_t version;
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    bool has_identity; // of the right length
    struct rill_index_position position;
    uint64_t first_sequence; // messages below are purged
    uint64_t ids_sequence;   // of the last message whose id is there, or may have been dropped
};

/* NOT_FOUND when it is not there and `create` is false. The database is not read yet. End with
   index_db_close() in every case. */
enum rill_err index_db_open(struct index_db *db, struct index_vfs *vfs, const char *path, bool create,
                            struct rill_error_text *why) RILL_MUST_CHECK;
void index_db_close(struct index_db *db);
/* Makes the tables, and the state of an empty index. */
enum rill_err index_db_make(struct index_db *db, const uint8_t identity[RILL_STORE_IDENTITY_BYTES],
                            struct rill_error_text *why) RILL_MUST_CHECK;
/* Of the folder that the file is in. */
enum rill_err index_db_sync_folder(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* Removes the file and those that SQLite keeps beside it, in such an order that a crash leaves none that look
   like an index; fine when there is none. */
enum rill_err index_db_remove(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* Is there a write-ahead log with something in it? */
bool index_db_has_log(struct rill_disk *disk, const char *path);
/* Every transaction raises the generation, a number in the first page. A checkpoint of SQLite's copies pages to
   the file in their order, so a file whose generation is higher than the one that SQLite makes of file and
   write-ahead log together was copied to from a log that has lost its end: half of a transaction. */
enum rill_err index_db_file_generation(struct rill_disk *disk, const char *path,
                                       uint32_t *ret) RILL_MUST_CHECK;
enum rill_err index_db_generation(struct index_db *db, uint32_t *ret) RILL_MUST_CHECK;
enum rill_err index_db_raise_generation(struct index_db *db) RILL_MUST_CHECK;

enum rill_err index_db_state(struct index_db *db, struct index_db_state *ret) RILL_MUST_CHECK;

/* The code for one of SQLite's. */
enum rill_err index_db_err(int code);
/* The statement, reset; NULL when it cannot be prepared. */
sqlite3_stmt *index_db_use(struct index_db *db, enum index_statement which);
/* Resets all statements: rows and bytes of columns are gone. */
void index_db_reset(struct index_db *db);
/* Runs a statement that gives no rows, or none that anybody wants. */
enum rill_err index_db_run(sqlite3_stmt *statement) RILL_MUST_CHECK;
/* OK with a row, NOT_FOUND without one. */
enum rill_err index_db_row(sqlite3_stmt *statement) RILL_MUST_CHECK;

static inline enum rill_err index_db_do(struct index_db *db, enum index_statement which)
{
    return index_db_run(index_db_use(db, which));
}

static inline void index_bind(sqlite3_stmt *statement, int at, uint64_t value)
{
    if (statement)
        (void)sqlite3_bind_int64(statement, at, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

/* All 64 bits, as a number with a sign. */
static inline void index_bind_hash(sqlite3_stmt *statement, int at, uint64_t value)
{
    if (statement)
        (void)sqlite3_bind_int64(statement, at, (sqlite3_int64)value);
}

static inline void index_bind_text(sqlite3_stmt *statement, int at, struct rill_bytes text)
{
    if (statement)
        (void)sqlite3_bind_text(statement, at, text.len ? (const char *)text.data : "", (int)text.len,
                                SQLITE_STATIC);
}

static inline void index_bind_blob(sqlite3_stmt *statement, int at, struct rill_bytes blob)
{
    if (statement)
        (void)sqlite3_bind_blob(statement, at, blob.len ? (const void *)blob.data : "", (int)blob.len,
                                SQLITE_STATIC);
}

static inline uint64_t index_column(sqlite3_stmt *statement, int at)
{
    return (uint64_t)sqlite3_column_int64(statement, at);
}

/* Lives until the statement is used again. */
static inline struct rill_bytes index_column_bytes(sqlite3_stmt *statement, int at)
{
    const void *data = sqlite3_column_blob(statement, at);
    return rill_bytes_of(data, (size_t)sqlite3_column_bytes(statement, at));
}
