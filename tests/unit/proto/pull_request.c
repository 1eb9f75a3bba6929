// SPDX-License-Identifier: Apache-2.0
#include "proto/pull_request.h"

#include "proto/message.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(pull_request);

static const struct {
    const char *body;
    int64_t batch;
    int64_t expires_ns;
    bool no_wait;
    const char *why;
} bodies[] = {
    {"", 1, 0, false, "empty asks for one"},
    {" \r\n", 1, 0, false, "so do blanks"},
    {"25", 25, 0, false, "a bare number"},
    {"0", 1, 0, false, "never less than one"},
    {"{}", 1, 0, false, "an empty object"},
    {"{\"batch\":100,\"expires\":5000000000}", 100, INT64_C(5000000000), false, "an object"},
    {"{\"batch\":-3,\"no_wait\":true}", 1, 0, true, "a negative batch"},
    {"{\"batch\":2,\"brand_new\":[1]}", 2, 0, false, "fields of a newer client are ignored"},
};

// All forms of a pull come to the same structure, with a batch of at least one.
Test(pull_request, every_form_is_understood)
{
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        Rill__PullRequest *request = NULL;
        struct rill_error_text why;
        cr_assert(
            eq(int, rill_pull_request_parse(rill_bytes_from_cstr(bodies[i].body), &request, &why), RILL_OK),
            "%s", bodies[i].why);
        cr_expect(eq(i64, request->batch, bodies[i].batch), "%s", bodies[i].why);
        cr_expect(eq(i64, request->expires, bodies[i].expires_ns), "%s", bodies[i].why);
        cr_expect(eq(int, request->no_wait, bodies[i].no_wait), "%s", bodies[i].why);
        rill_message_free(&request->base);
    }
}

// What is neither a number nor an object is refused with a reason.
Test(pull_request, other_bodies_are_refused)
{
    static const char *const wrong[] = {
        "five", "-1", "1.5", "[1]", "{", "{\"batch\":\"5\"}", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        Rill__PullRequest *request = NULL;
        struct rill_error_text why = {.text = ""};
        cr_expect(eq(int, rill_pull_request_parse(rill_bytes_from_cstr(wrong[i]), &request, &why),
                     RILL_ERR_INVALID),
                  "%s", wrong[i]);
        cr_expect(request == NULL && why.text[0] != '\0', "%s", wrong[i]);
    }
}
