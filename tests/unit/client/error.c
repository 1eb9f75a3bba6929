// SPDX-License-Identifier: Apache-2.0
//
// This file sees rill.h as a user does, without the library's own headers.
#include "rill.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#ifdef RILL_ERR_TABLE
#error "the library's own error table must not be seen here"
#endif

TestSuite(client_error);

static const struct {
    enum rill_err err;
    const char *text;
} codes[] = {
    {RILL_OK, "ok"},
    {RILL_ERR_NO_MEMORY, "out of memory"},
    {RILL_ERR_INVALID, "invalid"},
    {RILL_ERR_LIMIT, "limit reached"},
    {RILL_ERR_NOT_FOUND, "not found"},
    {RILL_ERR_EXISTS, "exists already"},
    {RILL_ERR_AGAIN, "not ready yet"},
    {RILL_ERR_UNSUPPORTED, "not supported"},
    {RILL_ERR_DENIED, "permission denied"},
    {RILL_ERR_LOCKED, "in use by another process"},
    {RILL_ERR_NO_SPACE, "no space left on device"},
    {RILL_ERR_IO, "input/output error"},
    {RILL_ERR_DAMAGED, "damaged data"},
    {RILL_ERR_READ_ONLY, "read-only after an earlier error"},
    {RILL_ERR_CLOSED, "closed"},
    {RILL_ERR_TIMEOUT, "timed out"},
    {RILL_ERR_DISCONNECTED, "not connected"},
    {RILL_ERR_NO_RESPONDERS, "nobody listens"},
    {RILL_ERR_REFUSED, "refused by the server"},
};

// The header's codes are the library's: each value has the text that the library gives to it.
Test(client_error, the_header_has_the_library_s_codes)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        cr_expect(eq(int, (int)codes[i].err, (int)i));
        cr_expect(eq(str, (char *)rill_error_string(codes[i].err), (char *)codes[i].text));
    }
}
