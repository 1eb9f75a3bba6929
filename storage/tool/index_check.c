// SPDX-License-Identifier: Apache-2.0
#include "index_check.h"

#include "base/alloc.h"
#include "base/search.h"
#include "io.h"
#include "varint.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

enum { PAGE_BYTES = 4096, PAGE_CHECKED_BYTES = 4088, COPY_BYTES = 1 << 20 };

/* What the log says of one message. */
struct said {
    uint64_t sequence;
    uint64_t subject; // hash of it; 0 when the message is gone, or was found in the index
};

struct index_check {
    sqlite3 *sqlite;
    char *copy;                               // folder of it; NULL when there is none
    uint64_t segment, offset, first_sequence; // what it covers
    struct said *said;
    size_t count, capacity;
    uint64_t named;   // messages that the index names
    char problem[96]; // the first one
};

static void problem_set(struct index_check *check, const char *what, uint64_t where)
{
    if (!check->problem[0])
        (void)snprintf(check->problem, sizeof check->problem, "index.db %s %" PRIu64, what, where);
}

static void problem_sqlite(struct index_check *check)
{
    if (!check->problem[0])
        (void)snprintf(check->problem, sizeof check->problem, "index.db: %s",
                       check->sqlite ? sqlite3_errmsg(check->sqlite) : "cannot be opened");
}

// ---- opening ----

static bool copy_file(const char *from, const char *to)
{
    uint8_t *bytes = rill_alloc_zero(COPY_BYTES, 1);
    FILE *in = fopen(from, "re"), *out = in ? fopen(to, "we") : NULL;
    size_t count = 0;
    bool good = in && out;
    while (good && (count = fread(bytes, 1, COPY_BYTES, in)) > 0)
        good = fwrite(bytes, 1, count, out) == count;
    good = good && !ferror(in);
    if (in)
        (void)fclose(in);
    if (out)
        good = fclose(out) == 0 && good;
    free(bytes);
    return good;
}

static char *copy_path(const struct index_check *check, const char *name)
{
    return io_path(check->copy, name);
}

/* The name of the file to open: that of a copy of both files. NULL when no copy can be made. */
static char *copy_make(struct index_check *check, const char *db, const char *wal)
{
    const char *parent = getenv("TMPDIR");
    char *folder = io_path(parent && *parent ? parent : "/tmp", "rill-index-XXXXXX");
    if (!mkdtemp(folder)) {
        free(folder);
        return NULL;
    }
    check->copy = folder;
    char *db_copy = copy_path(check, "index.db"), *wal_copy = copy_path(check, "index.db-wal");
    const bool good = copy_file(db, db_copy) && copy_file(wal, wal_copy);
    free(wal_copy);
    if (!good) {
        free(db_copy);
        return NULL;
    }
    return db_copy;
}

static void copy_remove(struct index_check *check)
{
    static const char *const names[] = {"index.db", "index.db-wal", "index.db-shm"};
    for (size_t i = 0; check->copy && i < sizeof names / sizeof names[0]; i++) {
        char *path = copy_path(check, names[i]);
        (void)unlink(path);
        free(path);
    }
    if (check->copy)
        (void)rmdir(check->copy);
    free(check->copy);
}

/* Without a write-ahead log every page of the file must be right. */
static void check_pages(struct index_check *check, const char *db)
{
    uint8_t page[PAGE_BYTES];
    FILE *file = fopen(db, "re");
    size_t len = 0;
    uint64_t offset = 0;
    for (; file && (len = fread(page, 1, sizeof page, file)) == sizeof page; offset += sizeof page) {
        uint64_t stored;
        memcpy(&stored, page + PAGE_CHECKED_BYTES, sizeof stored);
        if (le64toh(stored) != XXH3_64bits_withSeed(page, PAGE_CHECKED_BYTES, offset))
            problem_set(check, "is damaged in the page at", offset);
    }
    if (!file || ferror(file) || len)
        problem_set(check, "cannot be read, or ends within the page at", offset);
    if (file)
        (void)fclose(file);
}

static sqlite3_stmt *prepare(struct index_check *check, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (check->problem[0] || sqlite3_prepare_v2(check->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
        problem_sqlite(check);
    return statement;
}

static void read_state(struct index_check *check)
{
    sqlite3_stmt *state = prepare(check, "SELECT segment, offset, first_sequence FROM state");
    if (state && sqlite3_step(state) == SQLITE_ROW) {
        check->segment = (uint64_t)sqlite3_column_int64(state, 0);
        check->offset = (uint64_t)sqlite3_column_int64(state, 1);
        check->first_sequence = (uint64_t)sqlite3_column_int64(state, 2);
    } else
        problem_sqlite(check);
    (void)sqlite3_finalize(state);
}

/* A file that nobody writes and that has no write-ahead log is read where it is. */
static char *file_to_open(struct index_check *check, const char *db, const char *wal, bool live)
{
    const bool has_wal = access(wal, F_OK) == 0;
    if (has_wal && !live)
        return copy_make(check, db, wal);
    if (!has_wal)
        check_pages(check, db);
    return rill_alloc_cstr(rill_bytes_from_cstr(db));
}

static char *uri_of(const char *path, const char *parameters)
{
    // Of the characters that mean something in a URI a path may hold.
    struct rill_buf uri;
    rill_buf_init(&uri, 1 << 16);
    enum rill_err err = rill_buf_appendf(&uri, "file:");
    for (; *path && !err; path++)
        err = strchr("?#%", *path) ? rill_buf_appendf(&uri, "%%%02x", (unsigned char)*path)
                                   : rill_buf_append(&uri, rill_bytes_of(path, 1));
    err = err ? err : rill_buf_appendf(&uri, "%s", parameters);
    char *text = err ? NULL : rill_alloc_cstr(rill_buf_bytes(&uri));
    rill_buf_fini(&uri);
    return text;
}

static void open_file(struct index_check *check, const char *path, bool live)
{
    const char *parameters = check->copy ? "" : live ? "?mode=ro" : "?mode=ro&immutable=1";
    const int flags = SQLITE_OPEN_URI | (check->copy ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    char *uri = path ? uri_of(path, parameters) : NULL;
    if (!uri || sqlite3_open_v2(uri, &check->sqlite, flags, NULL) != SQLITE_OK ||
        sqlite3_exec(check->sqlite, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        problem_sqlite(check);
    free(uri);
    read_state(check);
}

struct index_check *index_check_open(const char *folder, bool live)
{
    char *db = io_path(folder, "index.db"), *wal = io_path(folder, "index.db-wal");
    struct index_check *check = NULL;
    if (access(db, F_OK) == 0) {
        check = rill_alloc_zero(1, sizeof *check);
        char *path = file_to_open(check, db, wal, live);
        open_file(check, path, live);
        free(path);
    }
    free(db);
    free(wal);
    return check;
}

void index_check_destroy(struct index_check *check)
{
    if (!check)
        return;
    (void)sqlite3_close(check->sqlite);
    copy_remove(check);
    free(check->said);
    free(check);
}

// ---- what the log says ----

static bool has_lower_sequence(const void *said, size_t index, uint64_t sequence)
{
    return ((const struct said *)said)[index].sequence < sequence;
}

static struct said *find(struct index_check *check, uint64_t sequence)
{
    const size_t at = rill_search(check->said, 0, check->count, sequence, has_lower_sequence);
    return at < check->count && check->said[at].sequence == sequence ? &check->said[at] : NULL;
}

static uint64_t hash_of(const void *text, size_t len)
{
    const uint64_t hash = XXH3_64bits(text, len);
    return hash ? hash : 1;
}

static void say(struct index_check *check, const struct record *record)
{
    if (check->count == check->capacity) {
        check->capacity = check->capacity ? check->capacity * 2 : 1024;
        check->said = rill_alloc_resize(check->said, check->capacity, sizeof check->said[0]);
    }
    check->said[check->count++] =
        (struct said){record->sequence, hash_of(record->subject.data, record->subject.len)};
}

void index_check_record(struct index_check *check, const struct walk_record *found)
{
    const bool covered = found->segment < check->segment ||
                         (found->segment == check->segment && found->offset < check->offset);
    if (!covered || check->problem[0])
        return;
    if (found->record.type == RECORD_MESSAGE)
        say(check, &found->record);
    if (found->record.type != RECORD_DELETE && found->record.type != RECORD_ERASE)
        return;
    struct said *said = find(check, record_delete_of(&found->record).sequence);
    if (said)
        said->subject = 0;
}

// ---- what the index says ----

static void check_named(struct index_check *check, uint64_t sequence, uint64_t subject)
{
    if (sequence < check->first_sequence)
        return; // purged; the row goes later
    struct said *said = find(check, sequence);
    check->named++;
    if (!said || !said->subject)
        problem_set(check, "names what the log has not, message", sequence);
    else if (said->subject != subject)
        problem_set(check, "has another subject for message", sequence);
    else
        said->subject = 0;
}

static void check_posting(struct index_check *check, sqlite3_stmt *row)
{
    const uint64_t subject = hash_of(sqlite3_column_text(row, 0), (size_t)sqlite3_column_bytes(row, 0));
    uint64_t sequence = (uint64_t)sqlite3_column_int64(row, 1), step;
    struct rill_bytes positions =
        rill_bytes_of(sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2));
    while (positions.len && varint_take(&positions, &step)) {
        sequence += step;
        check_named(check, sequence, subject);
    }
    if (positions.len)
        problem_set(check, "has unreadable positions near message", sequence);
}

static void check_postings(struct index_check *check)
{
    sqlite3_stmt *row = prepare(
        check, "SELECT s.subject, p.first, p.positions FROM posting p JOIN subject s ON s.id = p.subject");
    int code = SQLITE_DONE;
    while (row && !check->problem[0] && (code = sqlite3_step(row)) == SQLITE_ROW)
        check_posting(check, row);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        problem_sqlite(check);
    (void)sqlite3_finalize(row);
}

static void check_none_is_missing(struct index_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        if (check->said[i].subject && check->said[i].sequence >= check->first_sequence)
            problem_set(check, "does not name message", check->said[i].sequence);
    }
}

bool index_check_finish(struct index_check *check, uint64_t *ret_messages, struct finding *ret_finding)
{
    check_postings(check);
    check_none_is_missing(check);
    *ret_messages = check->named;
    *ret_finding = (struct finding){.kind = FINDING_INDEX};
    memcpy(ret_finding->detail, check->problem, sizeof check->problem);
    return check->problem[0] == '\0';
}
