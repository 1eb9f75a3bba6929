// SPDX-License-Identifier: Apache-2.0
#include "proto/js_error.h"

#include "proto/json_codec.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(js_error);

// An error carries NATS' numbers and its text.
Test(js_error, texts_are_those_that_clients_know)
{
    const struct rill_js_error error = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    cr_expect(error.err_code == 10059 && error.code == 404);
    cr_expect(eq(str, (char *)error.description, "stream not found"));
    cr_expect(rill_js_error_is_set(&error));
    cr_expect(not(rill_js_error_is_set(&(struct rill_js_error){0})));
}

// The caller's words take the place of the placeholder, and nothing else changes.
Test(js_error, words_replace_the_placeholder)
{
    const struct rill_js_error sequence = rill_js_error_with(RILL_JS_WRONG_LAST_SEQUENCE, "%d", 41);
    cr_expect(eq(str, (char *)sequence.description, "wrong last sequence: 41"));
    const struct rill_js_error whole = rill_js_error_not_yet(RILL_JS_STREAM_INVALID_CONFIG, "mirror");
    cr_expect(eq(str, (char *)whole.description, "mirror is not implemented yet"));
    cr_expect(whole.err_code == 10052 && whole.code == 500);
}

// Numbers are unique: NATS has one meaning for each.
Test(js_error, each_number_appears_once)
{
    static const int numbers[] = {
#define NUMBER(name, err_code, code, text) err_code,
        RILL_JS_ERROR_TABLE(NUMBER)
#undef NUMBER
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (size_t j = 0; j < i; j++)
            cr_expect(ne(int, numbers[i], numbers[j]));
}

// A text with more than one placeholder could not be filled by one set of words.
Test(js_error, texts_have_at_most_one_placeholder)
{
    static const char *const texts[] = {
#define TEXT(name, err_code, code, text) text,
        RILL_JS_ERROR_TABLE(TEXT)
#undef TEXT
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *open = strchr(texts[i], '{');
        cr_expect(open == NULL || (strchr(open, '}') && !strchr(open + 1, '{')), "%s", texts[i]);
    }
}

// Hung into a response, the error is written as NATS writes it.
Test(js_error, a_response_shows_it)
{
    const struct rill_js_error error = rill_js_error_with(RILL_JS_INVALID_JSON, "json: unknown field \"x\"");
    Rill__ApiError message;
    rill_js_error_view(&error, &message);
    Rill__StreamDeleteResponse response = RILL__STREAM_DELETE_RESPONSE__INIT;
    response.error = &message;
    struct rill_buf json;
    rill_buf_init(&json, 1024);
    cr_assert(eq(int, rill_json_encode(&response.base, &json), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(
        rill_buf_bytes(&json),
        "{\"type\":\"io.nats.jetstream.api.v1.stream_delete_response\",\"error\":{\"code\":400,"
        "\"err_code\":10025,\"description\":\"invalid JSON: json: unknown field \\\"x\\\"\"}}"));
    rill_buf_fini(&json);
}
