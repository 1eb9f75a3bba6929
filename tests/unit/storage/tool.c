// SPDX-License-Identifier: Apache-2.0
//
// What `rilld store` prints of deletes and purges.
#include "tool.h"
#include "dump.h"
#include "sim_disk.h"
#include "storage/store.h"
#include "store_drive.h"
#include "verify.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(tool);

static const char folder[] = "store/$G/ORDERS";

/* Ten messages, of which the fifth is deleted and those below the fourth are purged. Closed. */
static struct rill_disk *make_store(void)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    struct rill_store_purged purged;
    struct rill_error_text why;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
    for (int i = 0; i < 10; i++) {
        struct rill_store_message message = {.subject = RILL_BYTES("s"), .payload = RILL_BYTES("p")};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    }
    cr_assert(eq(int, rill_store_append_delete(store, 5), RILL_OK));
    cr_assert(eq(int, rill_store_append_purge(store, 4, &purged), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    rill_store_close(store);
    return disk;
}

static char *output_of(int (*print)(const struct request *request, const char *folder), bool json)
{
    struct rill_disk *disk = make_store();
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const struct request request = {
        .disk = disk, .out = out, .err = out, .json = json, .to_sequence = UINT64_MAX};
    cr_assert(eq(int, print(&request, folder), TOOL_SOUND));
    (void)fclose(out);
    sim_disk_destroy(disk);
    return text;
}

// A delete and a purge are lines that say what they remove.
Test(tool, removals_are_dumped)
{
    char *text = output_of(dump_stream, false);
    cr_expect(strstr(text, "{\"type\":\"delete\",") != NULL);
    cr_expect(strstr(text, ",\"removes\":5,\"removes_bytes\":40}") != NULL, "%s", text);
    cr_expect(strstr(text, "{\"type\":\"purge\",") != NULL);
    cr_expect(strstr(text, ",\"first_kept\":4}") != NULL, "%s", text);
    free(text);
}

// What verify counts as messages is live; what was removed and is still in the files is said beside it.
Test(tool, verify_counts_live_messages)
{
    char *text = output_of(verify_stream, false), *json = output_of(verify_stream, true);
    cr_expect(strstr(text, "SOUND: 6 messages, last sequence 10, 4 removed and still here, 0 lost") != NULL,
              "%s", text);
    cr_expect(strstr(json, "\"messages\":6,\"removed\":4,\"last_sequence\":10") != NULL, "%s", json);
    free(text);
    free(json);
}
