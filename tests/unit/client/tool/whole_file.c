// SPDX-License-Identifier: Apache-2.0
#include "whole_file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(tool_whole_file);

/* A folder with nothing in it, but perhaps the file "file". */
struct place {
    char folder[64];
    char path[96];
};

static struct place place_make(void)
{
    struct place place = {.folder = "/tmp/rill-test-whole-XXXXXX"};
    cr_assert(mkdtemp(place.folder) != NULL);
    (void)snprintf(place.path, sizeof place.path, "%s/file", place.folder);
    return place;
}

/* Nothing may be left beside it. */
static void place_remove(const struct place *place)
{
    (void)unlink(place->path);
    cr_expect(eq(int, rmdir(place->folder), 0));
}

static void begin(struct whole_file *whole, const struct place *place, enum whole_file_readers readers)
{
    cr_assert(eq(int, (int)whole_file_create(whole, place->path, readers), RILL_OK));
    cr_assert(fputs("new", whole->file) >= 0);
}

static bool has(const struct place *place, const char *text)
{
    char bytes[16] = "";
    FILE *file = fopen(place->path, "rb");
    if (!file)
        return text == NULL;
    const size_t count = fread(bytes, 1, sizeof bytes - 1, file);
    (void)fclose(file);
    return text && strlen(text) == count && strcmp(text, bytes) == 0;
}

// It has its name when it is finished and not before, and takes the place of what was there.
Test(tool_whole_file, it_is_there_when_it_is_finished)
{
    const struct place place = place_make();
    struct whole_file whole;
    for (int i = 0; i < 2; i++) {
        begin(&whole, &place, WHOLE_FILE_USUAL);
        cr_expect(has(&place, i ? "new" : NULL));
        cr_expect(eq(int, (int)whole_file_finish(&whole), RILL_OK));
        cr_expect(has(&place, "new"));
        whole_file_drop(&whole);
    }
    cr_expect(has(&place, "new"));
    place_remove(&place);
}

// What is dropped leaves nothing, and what was there before stays.
Test(tool_whole_file, what_is_dropped_changes_nothing)
{
    const struct place place = place_make();
    struct whole_file whole;
    FILE *old = fopen(place.path, "wb");
    cr_assert(old && fputs("old", old) >= 0 && fclose(old) == 0);
    begin(&whole, &place, WHOLE_FILE_USUAL);
    whole_file_drop(&whole);
    whole_file_drop(&whole);
    cr_expect(has(&place, "old"));
    place_remove(&place);
}

// What is private is so from its first byte; all else is as readable as the user's other files.
Test(tool_whole_file, what_is_private_is_readable_for_its_owner_only)
{
    const struct place place = place_make();
    struct whole_file whole;
    struct stat status;
    const mode_t before = umask(022);
    for (int i = 0; i < 2; i++) {
        begin(&whole, &place, i ? WHOLE_FILE_PRIVATE : WHOLE_FILE_USUAL);
        cr_assert(eq(int, fstat(fileno(whole.file), &status), 0));
        cr_expect(eq(int, (int)(status.st_mode & 0777), i ? 0600 : 0644));
        whole_file_drop(&whole);
    }
    (void)umask(before);
    place_remove(&place);
}

// What cannot be made, or cannot have its name, is an error and leaves nothing.
Test(tool_whole_file, failures_are_told_and_leave_nothing)
{
    const struct place place = place_make();
    struct whole_file whole;
    char nowhere[128], long_path[WHOLE_FILE_PATH_BYTES + 1];
    (void)snprintf(nowhere, sizeof nowhere, "%s/none/file", place.folder);
    cr_expect(eq(int, (int)whole_file_create(&whole, nowhere, WHOLE_FILE_USUAL), RILL_ERR_NOT_FOUND));
    memset(long_path, 'a', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    cr_expect(eq(int, (int)whole_file_create(&whole, long_path, WHOLE_FILE_USUAL), RILL_ERR_LIMIT));
    begin(&whole, &place, WHOLE_FILE_USUAL);
    cr_assert(eq(int, mkdir(place.path, 0700), 0)); // nothing can take the place of a folder
    cr_expect(ne(int, (int)whole_file_finish(&whole), RILL_OK));
    cr_expect(eq(int, rmdir(place.path), 0));
    place_remove(&place);
}
