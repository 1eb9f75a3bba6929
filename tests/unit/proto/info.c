// SPDX-License-Identifier: Apache-2.0
#include "proto/info.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(info);

// The line has the required fields always, the others when they say something, and reads back the same.
Test(info, the_line_reads_back)
{
    char *urls[] = {"10.0.0.1:4222", "10.0.0.2:4222"};
    Rill__ServerInfo info = RILL__SERVER_INFO__INIT;
    info.server_id = info.server_name = "N1";
    info.version = "2.9.10";
    info.proto = 1;
    info.host = "0.0.0.0";
    info.port = 4222;
    info.headers = true;
    info.max_payload = 1 << 20;
    info.has_client_id = true;
    info.client_id = 7;
    info.has_jetstream = true; // and false: not written
    info.n_connect_urls = 2;
    info.connect_urls = urls;
    struct rill_buf line;
    rill_buf_init(&line, 4096);
    cr_assert(eq(int, rill_info_append(&info, &line), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&line),
                                    "INFO "
                                    "{\"server_id\":\"N1\",\"server_name\":\"N1\",\"version\":\"2.9.10\","
                                    "\"proto\":1,\"host\":\"0.0.0.0\","
                                    "\"port\":4222,\"headers\":true,\"max_payload\":1048576,\"client_id\":7,"
                                    "\"connect_urls\":[\"10.0.0.1:4222\",\"10.0.0.2:4222\"]}\r\n"));
    Rill__ServerInfo *back = NULL;
    struct rill_error_text why;
    cr_assert(eq(int, rill_info_parse(rill_bytes_of(line.data + 5, line.len - 5), &back, &why), RILL_OK));
    cr_expect(eq(u64, back->client_id, 7));
    cr_expect(eq(sz, back->n_connect_urls, 2));
    cr_expect(eq(str, back->server_id, "N1"));
    rill_info_free(back);
    rill_buf_fini(&line);
}

// A line that does not fit leaves the buffer as it was.
Test(info, a_full_buffer_is_left_alone)
{
    Rill__ServerInfo info = RILL__SERVER_INFO__INIT;
    struct rill_buf line;
    rill_buf_init(&line, 70);
    cr_assert(eq(int, rill_buf_append(&line, RILL_BYTES("before")), RILL_OK));
    cr_expect(eq(int, rill_info_append(&info, &line), RILL_ERR_LIMIT));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&line), "before"));
    rill_buf_fini(&line);
}
