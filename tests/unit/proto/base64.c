// SPDX-License-Identifier: Apache-2.0
#include "proto/base64.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(base64);

// The test vectors of RFC 4648, section 10.
static const struct {
    struct rill_bytes bytes;
    struct rill_bytes text;
} vectors[] = {
    {RILL_BYTES(""), RILL_BYTES("")},
    {RILL_BYTES("f"), RILL_BYTES("Zg==")},
    {RILL_BYTES("fo"), RILL_BYTES("Zm8=")},
    {RILL_BYTES("foo"), RILL_BYTES("Zm9v")},
    {RILL_BYTES("foob"), RILL_BYTES("Zm9vYg==")},
    {RILL_BYTES("fooba"), RILL_BYTES("Zm9vYmE=")},
    {RILL_BYTES("foobar"), RILL_BYTES("Zm9vYmFy")},
    {RILL_BYTES("\xFB\xFF\xBF"), RILL_BYTES("+/+/")},
};

// Bytes and text belong to each other as the standard says, in both directions.
Test(base64, the_vectors_of_the_standard_hold)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct rill_buf text, bytes;
        rill_buf_init(&text, 100);
        rill_buf_init(&bytes, 100);
        cr_expect(eq(int, rill_base64_encode(vectors[i].bytes, &text), RILL_OK));
        cr_expect(rill_bytes_equal(rill_buf_bytes(&text), vectors[i].text), "vector %zu", i);
        cr_expect(eq(int, rill_base64_decode(vectors[i].text, &bytes), RILL_OK));
        cr_expect(rill_bytes_equal(rill_buf_bytes(&bytes), vectors[i].bytes), "vector %zu", i);
        rill_buf_fini(&text);
        rill_buf_fini(&bytes);
    }
}

// Text that is not base64 is refused and nothing of it is kept.
Test(base64, wrong_text_is_refused)
{
    static const char *const wrong[] = {
        "Z", "Zg", "Zg=", "Zg=a", "====", "Z===", "Zm9v\n", "Zm-v", "Zg==Zg==", "Zm 9"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct rill_buf bytes;
        rill_buf_init(&bytes, 100);
        cr_expect(eq(int, rill_base64_decode(rill_bytes_from_cstr(wrong[i]), &bytes), RILL_ERR_INVALID), "%s",
                  wrong[i]);
        cr_expect(eq(sz, bytes.len, 0), "%s", wrong[i]);
        rill_buf_fini(&bytes);
    }
}

// Any bytes of any length come back as they were.
Test(base64, random_bytes_survive)
{
    struct rill_random random = {.state = 11};
    for (size_t len = 0; len < 300; len++) {
        uint8_t original[300];
        for (size_t i = 0; i < len; i++)
            original[i] = (uint8_t)rill_random_next(&random);
        struct rill_buf text, bytes;
        rill_buf_init(&text, 1000);
        rill_buf_init(&bytes, 1000);
        cr_assert(eq(int, rill_base64_encode(rill_bytes_of(original, len), &text), RILL_OK));
        cr_assert(eq(int, rill_base64_decode(rill_buf_bytes(&text), &bytes), RILL_OK));
        cr_expect(rill_bytes_equal(rill_buf_bytes(&bytes), rill_bytes_of(original, len)), "length %zu", len);
        rill_buf_fini(&text);
        rill_buf_fini(&bytes);
    }
}
