// SPDX-License-Identifier: Apache-2.0
#include "ports_file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <unistd.h>

TestSuite(ports_file);

// Listeners on every address are written once for each address of the machine; those that are off are left
// out.
Test(ports_file, names_each_listener_and_address)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    const struct ports ports = {.nats = {NULL, 4222}, .websocket = {"10.0.0.1", 8080}};
    struct rill_buf out;
    rill_buf_init(&out, 1024);
    cr_assert(not(ports_format(&ports, addresses, 2, &out)));
    const char *wanted = "{\"nats\":[\"nats://127.0.0.1:4222\",\"nats://[::1]:4222\"],"
                         "\"websocket\":[\"ws://10.0.0.1:8080\"]}";
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&out), wanted), RILL_PRI, RILL_ARG(rill_buf_bytes(&out)));
    rill_buf_fini(&out);
}

// The file is there under its name alone, and is removed at the end.
Test(ports_file, is_written_and_removed)
{
    char folder[] = "/tmp/rill-ports-XXXXXX";
    struct ports_file file = {""};
    struct rill_error_text why;
    const struct ports ports = {.nats = {"127.0.0.1", 4222}};
    cr_assert(mkdtemp(folder) != NULL);
    cr_assert(not(ports_file_write(&file, folder, &ports, &why)), "%s", why.text);
    cr_expect(eq(int, access(file.path, R_OK), 0));
    ports_file_remove(&file);
    cr_expect(eq(int, rmdir(folder), 0)); // empty: no temporary file was left either
}

// A folder that is not there is an error that names it.
Test(ports_file, a_missing_folder_is_named)
{
    struct ports_file file = {""};
    struct rill_error_text why;
    const struct ports ports = {.nats = {"127.0.0.1", 4222}};
    cr_expect(eq(int, ports_file_write(&file, "/nowhere", &ports, &why), RILL_ERR_NOT_FOUND));
    cr_expect(strstr(why.text, "/nowhere") != NULL);
}
