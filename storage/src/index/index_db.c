// SPDX-License-Identifier: Apache-2.0
#include "index_db.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const statement_sql[] = {
#define INDEX_STATEMENT_SQL(name, sql) sql,
    INDEX_STATEMENT_TABLE(INDEX_STATEMENT_SQL)
#undef INDEX_STATEMENT_SQL
};

static const char schema[] =
    "CREATE TABLE state(version INTEGER NOT NULL, identity BLOB NOT NULL, block INTEGER NOT NULL,"
    " segment INTEGER NOT NULL, \"offset\" INTEGER NOT NULL, sequence INTEGER NOT NULL,"
    " first_sequence INTEGER NOT NULL, ids_sequence INTEGER NOT NULL, summary BLOB);"
    "CREATE TABLE segment(number INTEGER PRIMARY KEY, first_sequence INTEGER NOT NULL,"
    " end_sequence INTEGER NOT NULL, messages INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " live_messages INTEGER NOT NULL, live_bytes INTEGER NOT NULL, first_time_ns INTEGER NOT NULL,"
    " last_time_ns INTEGER NOT NULL);"
    "CREATE TABLE segment_detail(number INTEGER PRIMARY KEY, detail BLOB NOT NULL);"
    "CREATE TABLE subject(id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL UNIQUE,"
    " fed INTEGER NOT NULL, deleted INTEGER NOT NULL, live INTEGER NOT NULL, eras INTEGER NOT NULL);"
    "CREATE TABLE era(era INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " postings INTEGER NOT NULL);"
    "CREATE TABLE posting(era INTEGER NOT NULL, subject INTEGER NOT NULL, last INTEGER NOT NULL,"
    " first INTEGER NOT NULL, before INTEGER NOT NULL, fed INTEGER NOT NULL, live INTEGER NOT NULL,"
    " positions BLOB NOT NULL, PRIMARY KEY(era, subject, last)) WITHOUT ROWID;"
    "CREATE TABLE block(last INTEGER PRIMARY KEY, first INTEGER NOT NULL, number INTEGER NOT NULL,"
    " segment INTEGER NOT NULL, \"offset\" INTEGER NOT NULL, length INTEGER NOT NULL,"
    " first_time_ns INTEGER NOT NULL, last_time_ns INTEGER NOT NULL, live INTEGER NOT NULL,"
    " subjects BLOB NOT NULL);"
    "CREATE INDEX block_time ON block(last_time_ns, last, first);"
    "CREATE TABLE id_run(run INTEGER PRIMARY KEY, first_time_ns INTEGER NOT NULL,"
    " last_time_ns INTEGER NOT NULL, ids INTEGER NOT NULL);"
    "CREATE TABLE msg_id(run INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL, time_ns INTEGER NOT NULL, PRIMARY KEY(run, high, low)) WITHOUT ROWID;"
    "CREATE TABLE expiry(sequence INTEGER PRIMARY KEY, expire_ns INTEGER NOT NULL,"
    " subject INTEGER NOT NULL);"
    "CREATE INDEX expiry_time ON expiry(expire_ns, sequence, subject);";

enum rill_err index_db_err(int code)
{
    if (code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_CORRUPTFS || code == SQLITE_IOERR_SHORT_READ)
        return RILL_ERR_DAMAGED;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return RILL_OK;
    case SQLITE_NOMEM:
        return RILL_ERR_NO_MEMORY;
    case SQLITE_FULL:
        return RILL_ERR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RILL_ERR_LOCKED;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return RILL_ERR_DENIED;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return RILL_ERR_IO;
    default:
        return RILL_ERR_DAMAGED; // no such table, not a database, malformed ...
    }
}

static enum rill_err fail(struct index_db *db, int code, const char *what, struct rill_error_text *why)
{
    rill_error_text_set(why, "%s: %s", what, db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(code));
    return index_db_err(code);
}

static int db_setup(struct index_db *db)
{
    int reserved = INDEX_PAGE_RESERVED;
    (void)sqlite3_extended_result_codes(db->sqlite, 1);
    (void)sqlite3_busy_timeout(db->sqlite, 2000); // somebody's sqlite3 shell
    (void)sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    static_assert(INDEX_PAGE_BYTES == 4096, "the pragma says 4096");
    static_assert(INDEX_CACHE_KIB == 2048, "the pragma says 2048");
    return sqlite3_exec(db->sqlite,
                        "PRAGMA page_size=4096; PRAGMA cache_size=-2048; PRAGMA synchronous=FULL;"
                        "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=0;"
                        "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0",
                        NULL, NULL, NULL);
}

static enum rill_err must_exist(struct rill_disk *disk, const char *path)
{
    struct rill_disk_file *file;
    const enum rill_err err = disk->ops->open(disk, path, RILL_DISK_READ, &file);
    if (!err)
        disk->ops->close(file);
    return err;
}

enum rill_err index_db_open(struct index_db *db, struct index_vfs *vfs, const char *path, bool create,
                            struct rill_error_text *why)
{
    *db = (struct index_db){0};
    const enum rill_err err = create ? RILL_OK : must_exist(index_vfs_disk(vfs), path);
    if (err)
        return err;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    int code = index_vfs_connect(vfs, path, flags, &db->sqlite);
    if (code == SQLITE_OK)
        code = db_setup(db);
    return code == SQLITE_OK ? RILL_OK : fail(db, code, "open the index", why);
}

void index_db_close(struct index_db *db)
{
    for (int i = 0; i < INDEX_STATEMENTS; i++)
        (void)sqlite3_finalize(db->statements[i]);
    (void)sqlite3_close(db->sqlite);
    *db = (struct index_db){0};
}

enum rill_err index_db_make(struct index_db *db, const uint8_t identity[RILL_STORE_IDENTITY_BYTES],
                            struct rill_error_text *why)
{
    int code = sqlite3_exec(db->sqlite, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->sqlite, schema, NULL, NULL, NULL);
    sqlite3_stmt *state = NULL;
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(db->sqlite, "INSERT INTO state VALUES(?1, ?2, 0, 0, 0, 0, 0, 0, NULL)", -1,
                                  &state, NULL);
    index_bind(state, 1, INDEX_VERSION);
    index_bind_blob(state, 2, rill_bytes_of(identity, RILL_STORE_IDENTITY_BYTES));
    if (code == SQLITE_OK && sqlite3_step(state) != SQLITE_DONE)
        code = sqlite3_extended_errcode(db->sqlite);
    (void)sqlite3_finalize(state);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->sqlite, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
    return code == SQLITE_OK ? RILL_OK : fail(db, code, "make the index", why);
}

static enum rill_err remove_one(struct rill_disk *disk, const char *path, const char *suffix)
{
    char *name = sqlite3_mprintf("%s%s", path, suffix);
    const enum rill_err err = name ? disk->ops->unlink(disk, name) : RILL_ERR_NO_MEMORY;
    sqlite3_free(name);
    return err;
}

enum rill_err index_db_sync_folder(struct rill_disk *disk, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? sqlite3_mprintf("%.*s", (int)(slash - path), path) : sqlite3_mprintf(".");
    const enum rill_err err = folder ? disk->ops->sync_folder(disk, folder) : RILL_ERR_NO_MEMORY;
    sqlite3_free(folder);
    return err;
}

enum rill_err index_db_remove(struct rill_disk *disk, const char *path)
{
    // Half copied from its write-ahead log and then without that log, a database would be believed.
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    enum rill_err err = remove_one(disk, path, "");
    if (!err)
        err = index_db_sync_folder(disk, path);
    for (size_t i = 0; (!err || err == RILL_ERR_NOT_FOUND) && i < sizeof suffixes / sizeof suffixes[0]; i++)
        err = remove_one(disk, path, suffixes[i]);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

bool index_db_has_log(struct rill_disk *disk, const char *path)
{
    char *name = sqlite3_mprintf("%s-wal", path);
    struct rill_disk_file *file;
    uint64_t size = 0;
    enum rill_err err = name ? disk->ops->open(disk, name, RILL_DISK_READ, &file) : RILL_ERR_NO_MEMORY;
    sqlite3_free(name);
    if (err)
        return err != RILL_ERR_NOT_FOUND;
    err = disk->ops->size(file, &size);
    disk->ops->close(file);
    return err || size;
}

sqlite3_stmt *index_db_use(struct index_db *db, enum index_statement which)
{
    sqlite3_stmt **statement = &db->statements[which];
    if (*statement)
        (void)sqlite3_reset(*statement);
    else
        (void)sqlite3_prepare_v3(db->sqlite, statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT, statement,
                                 NULL);
    return *statement;
}

void index_db_reset(struct index_db *db)
{
    for (int i = 0; i < INDEX_STATEMENTS; i++)
        (void)sqlite3_reset(db->statements[i]);
}

enum rill_err index_db_row(sqlite3_stmt *statement)
{
    if (!statement)
        return RILL_ERR_DAMAGED; // the schema is another
    const int code = sqlite3_step(statement);
    return code == SQLITE_DONE ? RILL_ERR_NOT_FOUND : index_db_err(code);
}

enum rill_err index_db_run(sqlite3_stmt *statement)
{
    enum rill_err err;
    while (!(err = index_db_row(statement)))
        ;
    (void)sqlite3_reset(statement);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

enum rill_err index_db_state(struct index_db *db, struct index_db_state *ret)
{
    sqlite3_stmt *statement = index_db_use(db, INDEX_STATE);
    const enum rill_err err = index_db_row(statement);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    const struct rill_bytes identity = index_column_bytes(statement, 1);
    *ret = (struct index_db_state){
        .version = index_column(statement, 0),
        .has_identity = identity.len == sizeof ret->identity,
        .position = {.block = index_column(statement, 2),
                     .segment = index_column(statement, 3),
                     .offset = index_column(statement, 4),
                     .sequence = index_column(statement, 5)},
        .first_sequence = index_column(statement, 6),
        .ids_sequence = index_column(statement, 7),
    };
    if (ret->has_identity)
        memcpy(ret->identity, identity.data, identity.len);
    (void)sqlite3_reset(statement);
    return RILL_OK;
}

enum rill_err index_db_file_generation(struct rill_disk *disk, const char *path, uint32_t *ret)
{
    uint8_t at[4] = {0};
    size_t got = 0;
    struct rill_disk_file *file;
    enum rill_err err = disk->ops->open(disk, path, RILL_DISK_READ, &file);
    if (err)
        return err;
    // SQLite's file format: the user version, big-endian, at offset 60.
    err = disk->ops->pread(file, at, sizeof at, 60, &got);
    disk->ops->close(file);
    if (!err)
        *ret = got < sizeof at ? 0
                               : (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return err;
}

enum rill_err index_db_generation(struct index_db *db, uint32_t *ret)
{
    sqlite3_stmt *statement = index_db_use(db, INDEX_GENERATION);
    const enum rill_err err = index_db_row(statement);
    if (!err)
        *ret = (uint32_t)index_column(statement, 0);
    if (statement)
        (void)sqlite3_reset(statement);
    return err;
}

enum rill_err index_db_raise_generation(struct index_db *db)
{
    uint32_t generation;
    const enum rill_err err = index_db_generation(db, &generation);
    if (err)
        return err;
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version=%u", (generation + 1) & INT32_MAX);
    return index_db_err(sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}
