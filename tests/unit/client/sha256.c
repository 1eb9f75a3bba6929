// SPDX-License-Identifier: Apache-2.0
#include "sha256.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(client_sha256);

static void hex_of(const uint8_t digest[SHA256_BYTES], char ret[2 * SHA256_BYTES + 1])
{
    for (int i = 0; i < SHA256_BYTES; i++)
        (void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static const struct {
    const char *text;
    const char *digest;
    const char *why;
} examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "the standard's first example"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "its second, of 56 bytes"},
};

// The standard's examples have the standard's digests.
Test(client_sha256, the_examples_of_the_standard_hold)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct sha256 sha;
        uint8_t digest[SHA256_BYTES];
        char text[2 * SHA256_BYTES + 1];
        sha256_init(&sha);
        sha256_update(&sha, rill_bytes_from_cstr(examples[i].text));
        sha256_final(&sha, digest);
        hex_of(digest, text);
        cr_expect(eq(str, text, (char *)examples[i].digest), "%s", examples[i].why);
    }
}

// A million times "a", in pieces of any size, is the standard's third example.
Test(client_sha256, pieces_make_no_difference)
{
    static uint8_t letters[1000];
    memset(letters, 'a', sizeof letters);
    for (size_t piece = 1; piece <= sizeof letters; piece += 333) {
        struct sha256 sha;
        uint8_t digest[SHA256_BYTES];
        char text[2 * SHA256_BYTES + 1];
        sha256_init(&sha);
        for (size_t left = 1000000; left;) {
            const size_t part = left < piece ? left : piece;
            sha256_update(&sha, rill_bytes_of(letters, part));
            left -= part;
        }
        sha256_final(&sha, digest);
        hex_of(digest, text);
        cr_expect(eq(str, text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
    }
}
