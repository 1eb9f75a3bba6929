// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

TestSuite(err);

// Words put around a reason stand in front of it, outermost first.
Test(err, reasons_are_wrapped_from_the_inside_out)
{
    struct rill_error_text why;
    rill_error_text_set(&why, "checksum");
    rill_error_text_wrap(&why, "record %d", 812);
    rill_error_text_wrap(&why, "segment %d", 7);
    cr_expect(eq(str, why.text, "segment 7: record 812: checksum"));
}

// A reason that grows too long loses its end and stays a string.
Test(err, long_reasons_are_cut_and_terminated)
{
    struct rill_error_text why;
    rill_error_text_set(&why, "inner");
    for (int i = 0; i < 100; i++)
        rill_error_text_wrap(&why, "layer %d", i);
    cr_expect(eq(sz, strlen(why.text), sizeof why.text - 1));
    cr_expect(eq(int, strncmp(why.text, "layer 99: layer 98", 18), 0));
}

// Each code has a text, and unknown numbers do not crash.
Test(err, every_code_has_a_text)
{
    cr_expect(eq(str, (char *)rill_err_text(RILL_ERR_NO_SPACE), "no space left on device"));
    cr_expect(eq(str, (char *)rill_err_text((enum rill_err)9999), "unknown error"));
    cr_expect(eq(int, rill_err_from_errno(ENOSPC), RILL_ERR_NO_SPACE));
    cr_expect(eq(int, rill_err_from_errno(EPIPE), RILL_ERR_IO));
}
