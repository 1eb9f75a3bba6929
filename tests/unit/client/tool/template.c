// SPDX-License-Identifier: Apache-2.0
#include "template.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(tool_template);

static enum rill_err fill(const char *text, struct rill_buf *out, struct rill_bytes *unknown)
{
    const struct template_facts facts = {.count = 7, .request = RILL_BYTES("asked")};
    rill_buf_init(out, 1 << 21);
    return template_fill(text, &facts, out, unknown);
}

static const struct {
    const char *text;
    const char *filled;
} plain[] = {
    {"", ""},
    {"no template", "no template"},
    {"{{Count}}", "7"},
    {"a {{ .Count }} b {{Request}}", "a 7 b asked"},
    {"{{Count}}{{Count}}", "77"},
    {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
    {"open {{Count", "open {{Count"},
};

// Templates become what they stand for, and everything else stays.
Test(tool_template, templates_are_filled)
{
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        struct rill_buf out;
        struct rill_bytes unknown;
        cr_expect(eq(int, (int)fill(plain[i].text, &out, &unknown), RILL_OK), "%s", plain[i].text);
        cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&out), plain[i].filled), "%s gave " RILL_PRI,
                  plain[i].text, RILL_ARG(rill_buf_bytes(&out)));
        rill_buf_fini(&out);
    }
}

// Random text has a length between the bounds, and differs.
Test(tool_template, random_text_keeps_its_bounds)
{
    for (unsigned i = 0; i < 100; i++) {
        struct rill_buf one, other;
        struct rill_bytes unknown;
        cr_assert(fill("{{Random 30 40}}", &one, &unknown) == RILL_OK &&
                  fill("{{ID}}", &other, &unknown) == RILL_OK);
        cr_expect(one.len >= 30 && one.len <= 40 && other.len == 22);
        cr_expect(not(rill_bytes_has_prefix(rill_buf_bytes(&one), rill_buf_bytes(&other))));
        rill_buf_fini(&one);
        rill_buf_fini(&other);
    }
}

static const char *const wrong[] = {
    "{{Cuont}}",      "{{}}",           "{{Random}}",           "{{Random 5}}",
    "{{Random 9 3}}", "{{Random a b}}", "{{Random 1 99999999}}"};

// A template that is none is named.
Test(tool_template, unknown_templates_are_named)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct rill_buf out;
        struct rill_bytes unknown = {0};
        cr_expect(eq(int, (int)fill(wrong[i], &out, &unknown), RILL_ERR_INVALID), "%s", wrong[i]);
        cr_expect(unknown.data == (const uint8_t *)wrong[i] + 2, "%s", wrong[i]);
        rill_buf_fini(&out);
    }
}
