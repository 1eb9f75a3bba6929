// SPDX-License-Identifier: Apache-2.0
#include "folder_hold.h"
#include "storage/shared.h"
#include "storage/store.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(folder_hold);

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
static char root[] = "/tmp/rill-hold-XXXXXX";
static char folder[64];

static void make_stream(void)
{
    struct rill_store *store;
    struct rill_error_text why;
    cr_assert(mkdtemp(root) != NULL);
    (void)snprintf(folder, sizeof folder, "%s/G/ORDERS", root);
    const struct rill_store_options options = {.disk = rill_disk_real(), .folder = folder};
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK), "%s",
              why.text);
    rill_store_close(store);
}

static void remove_stream(void)
{
    struct rill_error_text why;
    char path[96];
    cr_expect(eq(int, rill_store_delete(rill_disk_real(), folder, &why), RILL_OK));
    (void)snprintf(path, sizeof path, "%s/G", root);
    cr_expect(eq(int, rmdir(path), 0));
    (void)snprintf(path, sizeof path, "%s/lock", root);
    (void)unlink(path);
    cr_expect(eq(int, rmdir(root), 0));
}

// A stream whose broker holds the lock of the whole store cannot be held, by whatever path it is named.
Test(folder_hold, a_running_broker_is_seen_by_its_root)
{
    struct rill_store_shared *shared;
    struct rill_error_text why;
    int fd = -1;
    make_stream();
    const struct rill_store_shared_options options = {.disk = rill_disk_real(), .root = root};
    cr_assert(eq(int, rill_store_shared_create(&options, &shared, &why), RILL_OK), "%s", why.text);
    cr_expect(eq(int, folder_hold(folder, &fd), RILL_ERR_LOCKED));
    cr_assert(eq(int, chdir(folder), 0));
    cr_expect(eq(int, folder_hold(".", &fd), RILL_ERR_LOCKED));
    cr_expect(eq(int, fd, -1));
    rill_store_shared_destroy(shared);
    cr_assert(eq(int, folder_hold(".", &fd), RILL_OK));
    folder_release(fd);
    remove_stream();
}
