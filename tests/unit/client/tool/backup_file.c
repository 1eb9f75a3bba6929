// SPDX-License-Identifier: Apache-2.0
#include "backup_file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(tool_backup_file);

struct place {
    char folder[64];
    char path[96];
};

static struct place place_make(void)
{
    struct place place = {.folder = "/tmp/rill-test-backup-XXXXXX"};
    cr_assert(mkdtemp(place.folder) != NULL);
    (void)snprintf(place.path, sizeof place.path, "%s/file", place.folder);
    return place;
}

static void place_remove(const struct place *place)
{
    (void)unlink(place->path);
    cr_expect(rmdir(place->folder) == 0, "something was left in %s", place->folder);
}

static void write_two(const char *path)
{
    struct backup_file *file = NULL;
    json_t *head = json_pack("{s:s}", "stream", "ORDERS");
    cr_assert(backup_file_create(path, head, &file) == RILL_OK);
    cr_assert(backup_file_add(file, RILL_BYTES("first")) == RILL_OK);
    cr_assert(backup_file_add(file, RILL_BYTES("second\0with a NUL")) == RILL_OK);
    cr_assert(access(path, F_OK) != 0, "it has its name too early");
    cr_assert(backup_file_finish(file) == RILL_OK);
    backup_file_close(file);
    json_decref(head);
}

// What was written is read: the head, each chunk, the end.
Test(tool_backup_file, chunks_come_back_in_order)
{
    const struct place place = place_make();
    write_two(place.path);
    struct backup_file *file = NULL;
    struct rill_error_text why;
    struct rill_bytes chunk;
    json_t *head = NULL;
    cr_assert(backup_file_open(place.path, &head, &file, &why) == RILL_OK);
    cr_expect(strcmp(json_string_value(json_object_get(head, "stream")), "ORDERS") == 0);
    cr_expect(backup_file_next(file, &chunk) == RILL_OK && rill_bytes_equal(chunk, RILL_BYTES("first")));
    cr_expect(backup_file_next(file, &chunk) == RILL_OK &&
              rill_bytes_equal(chunk, RILL_BYTES("second\0with a NUL")));
    cr_expect(backup_file_next(file, &chunk) == RILL_OK && chunk.len == 0);
    cr_expect(eq(u64, backup_file_bytes(file), sizeof "firstsecond\0with a NUL" - 1));
    backup_file_close(file);
    json_decref(head);
    place_remove(&place);
}

/* Opens it; whatever is wrong with it must be said and nothing given back. */
static bool is_refused(const char *path)
{
    struct backup_file *file = NULL;
    struct rill_error_text why = {0};
    json_t *head = NULL;
    const enum rill_err err = backup_file_open(path, &head, &file, &why);
    backup_file_close(file);
    json_decref(head);
    return err == RILL_ERR_DAMAGED && why.text[0];
}

static void overwrite(const char *path, const uint8_t *bytes, size_t count)
{
    FILE *out = fopen(path, "wb");
    cr_assert(out && fwrite(bytes, 1, count, out) == count && fclose(out) == 0);
}

// Any one byte changed, and any end cut off, is noticed before anything is given.
Test(tool_backup_file, every_changed_byte_and_every_cut_is_noticed)
{
    const struct place place = place_make();
    uint8_t bytes[512];
    write_two(place.path);
    FILE *in = fopen(place.path, "rb");
    cr_assert(in != NULL);
    const size_t count = fread(bytes, 1, sizeof bytes, in);
    (void)fclose(in);
    cr_assert(count > 40 && count < sizeof bytes);
    for (size_t i = 0; i < count; i++) {
        bytes[i] ^= 0x20;
        overwrite(place.path, bytes, count);
        cr_expect(is_refused(place.path), "byte %zu", i);
        bytes[i] ^= 0x20;
        overwrite(place.path, bytes, i);
        cr_expect(is_refused(place.path), "cut at %zu", i);
    }
    place_remove(&place);
}

// One that is given up leaves nothing.
Test(tool_backup_file, an_unfinished_one_leaves_nothing)
{
    const struct place place = place_make();
    struct backup_file *file = NULL;
    json_t *head = json_object();
    cr_assert(backup_file_create(place.path, head, &file) == RILL_OK);
    backup_file_close(file);
    json_decref(head);
    cr_expect(access(place.path, F_OK) != 0);
    place_remove(&place);
}
