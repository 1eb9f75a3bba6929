// SPDX-License-Identifier: Apache-2.0
#include "catalog.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io.h"

#include <inttypes.h>
#include <stdlib.h>

void catalog_fini(struct catalog *catalog)
{
    free(catalog->entries);
    *catalog = (struct catalog){0};
}

static enum rill_err catalog_visit(void *context, const char *name, bool is_folder)
{
    struct catalog *catalog = context;
    const uint64_t number = is_folder ? 0 : segment_number_of(name, ".seg");
    if (!number)
        return RILL_OK;
    if (catalog->count == catalog->capacity) {
        const size_t capacity = catalog->capacity ? catalog->capacity * 2 : 16;
        struct catalog_entry *entries = realloc(catalog->entries, capacity * sizeof *entries);
        if (!entries)
            return RILL_ERR_NO_MEMORY;
        catalog->entries = entries;
        catalog->capacity = capacity;
    }
    catalog->entries[catalog->count++] = (struct catalog_entry){.header = {.number = number}};
    return RILL_OK;
}

static int entry_compare(const void *a, const void *b)
{
    const uint64_t left = ((const struct catalog_entry *)a)->header.number;
    const uint64_t right = ((const struct catalog_entry *)b)->header.number;
    return (left > right) - (left < right);
}

/* DAMAGED when neither header is valid. */
static enum rill_err file_header(struct rill_disk_file *file, struct catalog_entry *entry)
{
    static const uint64_t offsets[] = {0, SEGMENT_COPY_OFFSET};
    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[SEGMENT_HEADER_BYTES];
        size_t got = 0;
        struct segment_header header;
        const enum rill_err read_err = io_read_all(file, bytes, sizeof bytes, offsets[i], &got);
        entry->unreadable |= read_err != RILL_OK;
        if (read_err || got < sizeof bytes)
            continue;
        const enum rill_err err = segment_header_get(bytes, &header);
        if (err == RILL_ERR_UNSUPPORTED)
            return err;
        if (err == RILL_OK && header.number == entry->header.number) { // V3
            entry->header = header;
            return RILL_OK;
        }
    }
    return RILL_ERR_DAMAGED;
}

static enum rill_err entry_read(struct catalog_entry *entry, struct rill_disk *disk, const char *folder)
{
    char *path = segment_path(folder, entry->header.number);
    struct rill_disk_file *file;
    enum rill_err err = disk->ops->open(disk, path, RILL_DISK_READ, &file);
    free(path);
    if (err)
        return err;
    err = file_header(file, entry);
    if (!err || err == RILL_ERR_DAMAGED) {
        const enum rill_err size_err = disk->ops->size(file, &entry->size);
        err = size_err ? size_err : err;
    }
    disk->ops->close(file);
    entry->has_header = err == RILL_OK;
    return err == RILL_ERR_DAMAGED ? RILL_OK : err;
}

static bool same_identity(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, RILL_STORE_IDENTITY_BYTES) == 0;
}

/* The only identity that can be that of more than half of the headers: different ones cancel each other out. */
static void catalog_vote(struct catalog *catalog)
{
    size_t votes = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_entry *entry = &catalog->entries[i];
        if (!entry->has_header)
            continue;
        if (!votes)
            memcpy(catalog->identity, entry->header.identity, sizeof catalog->identity);
        votes += same_identity(catalog->identity, entry->header.identity) ? 1 : (size_t)-1;
    }
}

static bool catalog_has_majority(const struct catalog *catalog)
{
    size_t headers = 0, same = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_entry *entry = &catalog->entries[i];
        headers += entry->has_header;
        same += entry->has_header && same_identity(catalog->identity, entry->header.identity);
    }
    return same > headers / 2;
}

static void catalog_drop_foreign(struct catalog *catalog)
{
    size_t kept = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        struct catalog_entry *entry = &catalog->entries[i];
        if (entry->has_header && !same_identity(catalog->identity, entry->header.identity))
            catalog->foreign++;
        else
            catalog->entries[kept++] = *entry;
    }
    catalog->count = kept;
    RILL_ASSERT(kept > 0);
    for (size_t i = 0; i < kept; i++)
        memcpy(catalog->entries[i].header.identity, catalog->identity, sizeof catalog->identity);
}

static enum rill_err catalog_read_headers(struct catalog *catalog, struct rill_disk *disk, const char *folder,
                                          struct rill_error_text *why)
{
    qsort(catalog->entries, catalog->count, sizeof catalog->entries[0], entry_compare);
    catalog->highest = catalog->entries[catalog->count - 1].header.number;
    for (size_t i = 0; i < catalog->count; i++) {
        const enum rill_err err = entry_read(&catalog->entries[i], disk, folder);
        if (err) {
            rill_error_text_set(why, "header of segment %" PRIu64 ": %s", catalog->entries[i].header.number,
                                rill_err_text(err));
            return err;
        }
    }
    catalog_vote(catalog);
    bool unreadable = false;
    for (size_t i = 0; i < catalog->count; i++)
        unreadable |= catalog->entries[i].unreadable;
    if (!catalog_has_majority(catalog)) {
        rill_error_text_set(why, "no valid headers, or of as many segments of other streams");
        return unreadable ? RILL_ERR_IO : RILL_ERR_DAMAGED;
    }
    catalog_drop_foreign(catalog);
    return RILL_OK;
}

enum rill_err catalog_read(struct catalog *catalog, struct rill_disk *disk, const char *folder,
                           struct rill_error_text *why)
{
    *catalog = (struct catalog){0};
    enum rill_err err = disk->ops->list(disk, folder, catalog_visit, catalog);
    if (!err && !catalog->count)
        err = RILL_ERR_NOT_FOUND;
    if (err)
        rill_error_text_set(why, "list segments: %s", rill_err_text(err));
    else
        err = catalog_read_headers(catalog, disk, folder, why);
    if (err)
        catalog_fini(catalog);
    return err;
}
